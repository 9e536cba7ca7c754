// Waiting until something applied here reaches a position: a revision (session reads) or an offset (barriers).
import type { Cancel, Clock } from '../base/world.ts';

/** How a wait ended: reached, its time was up, or this node stopped serving meanwhile. */
export type Reached = 'reached' | 'timed-out' | 'interrupted';

type Wait = { readonly position: number; readonly end: (how: Reached) => void; readonly stopTimer: Cancel };

export class Positions {
  readonly #clock: Clock;
  #waits: Wait[] = [];
  #lowest = Number.POSITIVE_INFINITY;
  #position = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waits.length;
  }

  /** Resolves once `advance` was called with at least `position`, at the latest at `deadlineAt` (monotonic ms). */
  reach(position: number, deadlineAt: number): Promise<Reached> {
    if (position <= this.#position) return Promise.resolve('reached');
    return new Promise((resolve) => {
      const timeoutMs = Math.max(0, deadlineAt - this.#clock.monotonicMs());
      const wait: Wait = { position, end: resolve, stopTimer: this.#clock.after(timeoutMs, () => this.#timeOut(wait)) };
      this.#waits.push(wait);
      this.#lowest = Math.min(this.#lowest, position);
    });
  }

  advance(position: number): void {
    this.#position = position;
    if (position < this.#lowest) return;
    const reached = this.#waits.filter((wait) => wait.position <= position);
    this.#keep(this.#waits.filter((wait) => wait.position > position));
    for (const wait of reached) finish(wait, 'reached');
  }

  interrupt(): void {
    const interrupted = this.#waits;
    this.#keep([]);
    for (const wait of interrupted) finish(wait, 'interrupted');
  }

  #timeOut(wait: Wait): void {
    if (!this.#waits.includes(wait)) return;
    this.#keep(this.#waits.filter((other) => other !== wait));
    finish(wait, 'timed-out');
  }

  #keep(waits: Wait[]): void {
    this.#waits = waits;
    this.#lowest = waits.reduce((lowest, wait) => Math.min(lowest, wait.position), Number.POSITIVE_INFINITY);
  }
}

function finish(wait: Wait, how: Reached): void {
  wait.stopTimer();
  wait.end(how);
}
