// What the node processes take while the drill runs: memory beyond their entries, open files, lag; and whether any of it grew.
import { setTimeout as delay } from 'node:timers/promises';
import { type DrilledNode, type FullScene, nodesOf } from './full-scene.ts';
import { durationText, type Row } from './report.ts';
import { ask } from './requests.ts';
import { quantile } from './timeline.ts';

export type Vital = {
  readonly node: string;
  readonly pid: number;
  /** Since the start of the load. */
  readonly atMs: number;
  /** Resident, less the logical bytes of the entries: the load adds keys all the time. */
  readonly memoryBytes: number;
  readonly files: number;
  readonly lagMs: number;
};

export const VITALS = {
  memoryBytes: { name: 'memory beyond its entries', mayGrowBy: 64 * 2 ** 20, text: megabytes },
  files: { name: 'open files', mayGrowBy: 16, text: String },
  lagMs: { name: 'lag', mayGrowBy: 1_000, text: durationText },
} as const satisfies Readonly<Record<string, { name: string; mayGrowBy: number; text(value: number): string }>>;
export type VitalName = keyof typeof VITALS;
export const VITAL_NAMES = Object.keys(VITALS) as readonly VitalName[];

const EVERY_MS = 2_000;
const TIMEOUT_MS = 1_500;
/** Of the run that a process must have lived to be judged. */
const LIFE_SHARE = 0.5;

/** Adds to `vitals` until the signal aborts; a node that does not answer has none. */
export async function keepLooking(scene: FullScene, vitals: Vital[], signal: AbortSignal): Promise<void> {
  const { timeline } = scene.tally;
  while (!signal.aborted) {
    const seen = await Promise.all(nodesOf(scene).map((node) => look(node, timeline.sinceStart())));
    vitals.push(...seen.filter((vital) => vital !== undefined));
    await delay(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

type Growth = { readonly rows: readonly Row[]; readonly faults: readonly string[] };

/**
 * Of each process that lived for most of the run: lower quartiles, for what is seen between the faults, of the quarter after its
 * first fifth and of its last quarter. It is a fault when no process of a node lived so long.
 */
export function growthOf(vitals: readonly Vital[]): Growth {
  const lengthMs = vitals.at(-1)?.atMs ?? 0;
  const rows: Row[] = [];
  const faults: string[] = [];
  for (const node of new Set(vitals.map((vital) => vital.node))) {
    const life = longestLife(vitals.filter((vital) => vital.node === node));
    const [from, to] = [life[0]?.atMs ?? 0, life.at(-1)?.atMs ?? 0];
    if (to - from < lengthMs * LIFE_SHARE) {
      faults.push(`${node}: no process lived for half of the run`);
      continue;
    }
    const between = (low: number, high: number) =>
      life.filter(({ atMs }) => atMs >= from + (to - from) * low && atMs <= from + (to - from) * high);
    const [early, late] = [between(0.2, 0.45), between(0.75, 1)];
    const changes = VITAL_NAMES.map((which) => {
      const { name, mayGrowBy, text } = VITALS[which];
      const [before, after] = [calmly(early, which), calmly(late, which)];
      const change = `${name} ${text(before)} → ${text(after)}`;
      if (after > before + mayGrowBy) faults.push(`${node}: ${change}`);
      return change;
    });
    rows.push([`${node} took`, changes.join(', ')]);
  }
  if (rows.length === 0 && faults.length === 0) faults.push('no node ever said what it takes');
  return { rows, faults };
}

async function look({ id, target, server }: DrilledNode, atMs: number): Promise<Vital | undefined> {
  const { pid } = server;
  const answer = await ask(target, { method: 'GET', path: '/metrics' }, TIMEOUT_MS);
  if (pid === undefined || answer.kind === 'lost' || answer.status !== 200) return undefined;
  const figure = (name: string) => Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(answer.body)?.[1]);
  const vital = {
    node: id,
    pid,
    atMs,
    memoryBytes: figure('process_resident_memory_bytes') - figure('chorus_bytes'),
    files: figure('process_open_fds'),
    lagMs: figure('chorus_lag_seconds') * 1000,
  };
  if (VITAL_NAMES.some((which) => Number.isNaN(vital[which])))
    throw new Error(`${id} has a figure missing in /metrics`);
  return vital;
}

function longestLife(vitals: readonly Vital[]): readonly Vital[] {
  const lives = [...Map.groupBy(vitals, ({ pid }) => pid).values()];
  return lives.toSorted((a, b) => b.length - a.length)[0] ?? [];
}

function calmly(vitals: readonly Vital[], which: VitalName): number {
  return quantile(
    vitals.map((vital) => vital[which]).toSorted((a, b) => a - b),
    0.25,
  );
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
