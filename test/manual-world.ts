// A world whose time stands still until a test moves it: clocks, timers, ids and chance for code that takes a World.
import { setImmediate as nextImmediate } from 'node:timers/promises';
import type { Cancel, Clock, World } from '../src/base/world.ts';

export class ManualClock implements Clock {
  /** Wall time is monotonic time and this: to be changed by a test of clock jumps. */
  wallOffsetMs = 1_600_000_000_000;
  #now = 0;
  /** Tasks by the time at which they are due, and those times in order. */
  readonly #tasks = new Map<number, Set<() => void>>();
  #times: number[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now + this.wallOffsetMs;
  }

  after(ms: number, task: () => void): Cancel {
    const at = this.#now + Math.max(0, ms);
    // A task may be given twice: each timer is a function of its own.
    const timer = () => task();
    const due = this.#tasks.get(at);
    if (due !== undefined) due.add(timer);
    else {
      this.#tasks.set(at, new Set([timer]));
      this.#times.splice(firstAbove(this.#times, at), 0, at);
    }
    return () => void this.#tasks.get(at)?.delete(timer);
  }

  nextTurn(): Promise<void> {
    return new Promise((resolve) => void this.after(0, resolve));
  }

  /** How many timers are set. */
  get timers(): number {
    return [...this.#tasks.values()].reduce((sum, due) => sum + due.size, 0);
  }

  /** Lets everything happen that can happen now. */
  settle(): Promise<void> {
    return this.move(0);
  }

  /** Runs all that becomes due within `ms`, in order; between two tasks every promise that can settle has settled. */
  async move(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await nextImmediate();
      const task = this.#takeDue(end);
      if (task === undefined) break;
      task();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** The process is stopped for so long: time goes on, and no timer runs until the clock is moved again. */
  stopFor(ms: number): void {
    this.#now += ms;
  }

  #takeDue(end: number): (() => void) | undefined {
    for (let at = this.#times[0]; at !== undefined && at <= end; at = this.#times[0]) {
      for (const task of this.#tasks.get(at) ?? []) {
        this.#tasks.get(at)?.delete(task);
        this.#now = Math.max(this.#now, at);
        return task;
      }
      this.#tasks.delete(at);
      this.#times.shift();
    }
    return undefined;
  }
}

/** A world of its own name on a clock that may be shared. Its ids are `name-1`, `name-2`; chance is always one half. */
export function manualWorld(clock: Clock, name = 'id'): World {
  let ids = 0;
  return {
    clock,
    random: () => 0.5,
    newId: () => `${name}-${++ids}`,
    fault() {},
    socketsEmptied: () => clock.nextTurn(),
  };
}

function firstAbove(times: readonly number[], at: number): number {
  const found = times.findIndex((time) => time > at);
  return found < 0 ? times.length : found;
}
