// The simulated world's one heap of events, its time, and its one generator of chance: same seed, same run.
import { mulberry32 } from '../random.ts';
import { lineOf } from './transcript.ts';

type Event = { readonly time: number; readonly sequence: number; readonly task: () => void };

/** `saving` is the chance of all that concerns snapshots, `falsifying` of records, `mixing` of versions. */
export type Chances = {
  readonly scheduler: Scheduler;
  readonly saving: Scheduler;
  readonly falsifying: Scheduler;
  readonly mixing: Scheduler;
};

export class Scheduler {
  /** Simulated ms since the start of the run. */
  now = 0;
  /** How many events have run. */
  events = 0;
  /** Set where a run is to be told line by line. */
  onTold: ((line: string) => void) | undefined;
  #sequence = 0;
  #trace = 0x811c9dc5;
  readonly #heap: Event[] = [];
  readonly #chance: () => number;

  constructor(seed: number) {
    this.#chance = mulberry32(seed * 2654435761 + 1);
  }

  /** A number in [0, 1). */
  random(): number {
    return this.#chance();
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.random() * list.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  after(ms: number, task: () => void): () => void {
    let isCancelled = false;
    const time = this.now + Math.max(0, ms);
    this.#push({ time, sequence: this.#sequence++, task: () => (isCancelled ? undefined : task()) });
    return () => {
      isCancelled = true;
    };
  }

  /** Mixes what happened into the trace, by which two runs are compared. */
  note(fact: string): void {
    for (let i = 0; i < fact.length; i++) this.#trace = Math.imul(this.#trace ^ fact.charCodeAt(i), 0x01000193);
  }

  /** A line of the transcript, made only if somebody reads it; it changes nothing. */
  tell(who: string, what: () => string): void {
    this.onTold?.(lineOf(this.now, who, what()));
  }

  get traceHash(): string {
    return (this.#trace >>> 0).toString(16).padStart(8, '0');
  }

  /** Runs all events up to `end`; between two events every promise that can settle has settled. */
  async runUntil(end: number): Promise<void> {
    for (let event = this.#pop(end); event !== undefined; event = this.#pop(end)) {
      this.now = event.time;
      this.events++;
      event.task();
      await new Promise(process.nextTick);
    }
    this.now = end;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(end: number): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.time > end) return undefined;
    const moved = heap.pop();
    if (moved === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const other = heap[child + 1];
      if (other !== undefined && isBefore(other, below)) {
        child++;
        below = other;
      }
      if (isBefore(moved, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = moved;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
