// Waiting until something applied here reaches a position: a revision (session reads) or an offset (barriers).
import type { Cancel, Clock } from '../base/world.ts';

/** How a wait ended: reached, its time was up, or this node stopped serving meanwhile. */
export type Reached = 'reached' | 'timed-out' | 'interrupted';

type Wait = { position: number; readonly end: (how: Reached) => void; readonly stopTimer: Cancel };

/** Where a wait stands that has not been told yet what it waits for. */
const NOT_TOLD = Number.POSITIVE_INFINITY;

export class Positions {
  readonly #clock: Clock;
  readonly #waits = new Set<Wait>();
  /** No wait has a lower position than this. */
  #lowest = NOT_TOLD;
  #position = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waits.size;
  }

  /** Resolves once `advance` was called with at least `position`, at the latest at `deadlineAt` (monotonic ms). */
  reach(position: number, deadlineAt: number): Promise<Reached> {
    if (position <= this.#position) return Promise.resolve('reached');
    return new Promise((resolve) => void this.#wait(position, deadlineAt, resolve));
  }

  /** Like `reach`, for a position that is yet to be told; 'timed-out' where it turns out that nobody can tell it. */
  reachTold(position: Promise<number | undefined>, deadlineAt: number): Promise<Reached> {
    return new Promise((resolve) => {
      const wait = this.#wait(NOT_TOLD, deadlineAt, resolve);
      position.then(
        (told) => this.#told(wait, told),
        () => this.#told(wait, undefined),
      );
    });
  }

  advance(position: number): void {
    this.#position = position;
    if (position < this.#lowest) return;
    this.#lowest = NOT_TOLD;
    for (const wait of this.#waits) {
      if (wait.position <= position) this.#finish(wait, 'reached');
      else this.#lowest = Math.min(this.#lowest, wait.position);
    }
  }

  interrupt(): void {
    for (const wait of this.#waits) this.#finish(wait, 'interrupted');
  }

  #wait(position: number, deadlineAt: number, end: (how: Reached) => void): Wait {
    const timeoutMs = Math.max(0, deadlineAt - this.#clock.monotonicMs());
    const stopTimer = this.#clock.after(timeoutMs, () => this.#finish(wait, 'timed-out'));
    const wait: Wait = { position, end, stopTimer };
    this.#waits.add(wait);
    this.#lowest = Math.min(this.#lowest, position);
    return wait;
  }

  #told(wait: Wait, position: number | undefined): void {
    if (!this.#waits.has(wait)) return;
    if (position === undefined) this.#finish(wait, 'timed-out');
    else if (position <= this.#position) this.#finish(wait, 'reached');
    else {
      wait.position = position;
      this.#lowest = Math.min(this.#lowest, position);
    }
  }

  #finish(wait: Wait, how: Reached): void {
    if (!this.#waits.delete(wait)) return;
    wait.stopTimer();
    wait.end(how);
  }
}
