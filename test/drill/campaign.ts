// The campaign of the full drill: fault after fault in a shuffled order, each upon a healthy cluster under load, until the time is over.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/base/errors.ts';
import { until } from './faults.ts';
import { type FaultName, FULL_FAULTS } from './full-faults.ts';
import { type FullScene, healed, restore } from './full-scene.ts';

export type Campaign = {
  readonly faults: readonly FaultName[];
  readonly minutes: number;
  /** From the strike of a fault to that of the next, at least; each is healed first. */
  readonly everyMs: number;
  /** What happens, a line for each fault. */
  say(text: string): void;
};

/** Acknowledged between two faults: one that strikes upon an idle cluster proves nothing. */
const CALM_WRITES = 100;
const CALM_WITHIN_MS = 60_000;

/** Every fault strikes at least once; what failed to take effect, or was not healed, is told to the tally. */
export async function wage(scene: FullScene, { faults, minutes, everyMs, say }: Campaign): Promise<void> {
  const { timeline } = scene.tally;
  const struck = new Set<FaultName>();
  let nextAt = 0;
  const isOver = () => timeline.sinceStart() > minutes * 60_000;
  while (struck.size < faults.length || !isOver()) {
    for (const name of shuffled(faults, scene.random)) {
      if (isOver() && struck.has(name)) continue;
      await calm(scene);
      await delay(Math.max(0, nextAt - timeline.sinceStart()));
      nextAt = timeline.sinceStart() + everyMs;
      await strikeOnce(scene, name, say);
      struck.add(name);
    }
  }
  await calm(scene);
}

async function strikeOnce(scene: FullScene, name: FaultName, say: (text: string) => void): Promise<void> {
  const { tally } = scene;
  const band = tally.timeline.begin(name);
  say(`${clockText(band.fromMs)} ${name}`);
  try {
    band.evidence = await FULL_FAULTS[name].strike(scene);
  } catch (error) {
    const why = messageOf(error);
    tally.fault('ineffective', `${name}: ${why}`);
    say(`${clockText(tally.timeline.sinceStart())} ${name}: INEFFECTIVE: ${why.split('\n', 1)[0]}`);
    await restore(scene);
  }
  band.endMs = tally.timeline.sinceStart();
  try {
    await healed(scene);
    band.recoveredMs = tally.timeline.sinceStart();
  } catch (error) {
    tally.fault('not healed', `${name}: ${messageOf(error)}`);
    await restore(scene);
  }
  if (band.evidence !== undefined) say(`${clockText(tally.timeline.sinceStart())} ${name}: ${band.evidence}`);
}

async function calm({ tally }: FullScene): Promise<void> {
  const before = tally.acknowledged;
  await until(() => tally.acknowledged >= before + CALM_WRITES, CALM_WITHIN_MS, `${CALM_WRITES} acknowledged writes`);
}

/** `03:07` */
function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, '0')).join(':');
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  return list
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
