// Races played in every order: actors stop before each access to what they share, and a schedule says who goes on.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { mulberry32 } from '../random.ts';

/** Resolves when the schedule lets this actor go on. */
export type Pause = () => Promise<void>;
export type Actor = (pause: Pause) => Promise<void>;

/** A scene of its own for each schedule: fresh state, and actors upon it. `check` throws where the end is not right. */
export type Scene = { readonly actors: readonly Actor[]; check(): Promise<void> };

type Played = {
  readonly schedules: number;
  /** Of those whose check threw: who went on, step by step, and what was wrong. */
  readonly faults: readonly { readonly steps: string; readonly error: unknown }[];
};

/** More would say that a test has been written that never ends. */
const MAX_SCHEDULES = 50_000;

/** Every order there is, in depth-first order; each is played from the start. */
export async function everySchedule(createScene: () => Promise<Scene>): Promise<Played> {
  const faults: Played['faults'][number][] = [];
  let choices: number[] = [];
  for (let schedules = 1; ; schedules++) {
    const { taken, widths, fault } = await play(await createScene(), (step) => choices[step] ?? 0);
    if (fault !== undefined) faults.push(fault);
    const last = taken.findLastIndex((choice, step) => choice + 1 < (widths[step] ?? 0));
    if (last < 0) return { schedules, faults };
    if (schedules === MAX_SCHEDULES) throw new Error(`more than ${MAX_SCHEDULES} orders`);
    choices = [...taken.slice(0, last), (taken[last] ?? 0) + 1];
  }
}

/** So many orders, drawn by a seed: where there are too many to play them all. */
export async function someSchedules(
  createScene: () => Promise<Scene>,
  schedules: number,
  seed: number,
): Promise<Played> {
  const faults: Played['faults'][number][] = [];
  const random = mulberry32(seed);
  for (let n = 0; n < schedules; n++) {
    const { fault } = await play(await createScene(), (_, width) => Math.floor(random() * width));
    if (fault !== undefined) faults.push(fault);
  }
  return { schedules, faults };
}

async function play({ actors, check }: Scene, choose: (step: number, width: number) => number) {
  let waiting: { readonly actor: number; readonly resume: () => void }[] = [];
  const pauseOf = (actor: number) => () => new Promise<void>((resume) => void waiting.push({ actor, resume }));
  const all = Promise.allSettled(actors.map((actor, at) => actor(pauseOf(at))));
  const taken: number[] = [];
  const widths: number[] = [];
  const steps: number[] = [];
  for (;;) {
    await nextTurn();
    // In the order of the actors, whichever of them came here first: the same choices make the same schedule.
    const ready = waiting.toSorted((a, b) => a.actor - b.actor);
    const choice = choose(taken.length, ready.length);
    const next = ready[choice];
    if (next === undefined) break;
    taken.push(choice);
    widths.push(ready.length);
    steps.push(next.actor);
    waiting = waiting.filter((one) => one !== next);
    next.resume();
  }
  try {
    for (const one of await all) if (one.status === 'rejected') throw one.reason;
    await check();
    return { taken, widths, fault: undefined };
  } catch (error) {
    return { taken, widths, fault: { steps: steps.join(' '), error } };
  }
}
