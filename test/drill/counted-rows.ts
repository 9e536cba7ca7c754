// The database of the stale-fill drill: rows that count their writes, so that of two values of a row the later one is the greater.
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after a while, or at once: others may come in between. */
export type Pause = () => Promise<void>;

const MAX_PAUSE_MS = 4;

/** Half of the steps follow at once, the others after a random while. */
export function pausesBy(random: () => number): Pause {
  return async () => {
    if (random() < 0.5) await delay(1 + Math.floor(random() * MAX_PAUSE_MS));
  };
}

export class CountedRows {
  readonly #rows = new Map<number, number>();
  readonly #pause: Pause;
  #loads = 0;

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  /** How often it was asked for a row. */
  get loads(): number {
    return this.#loads;
  }

  /** Before it was written at all: every other row is absent. */
  static firstOf(key: number): number {
    return key % 2;
  }

  /** Undefined: there is no such row. */
  async load(key: number): Promise<number | undefined> {
    this.#loads += 1;
    await this.#pause();
    const count = this.#rows.get(key) ?? CountedRows.firstOf(key);
    await this.#pause();
    return count === 0 ? undefined : count;
  }

  /** Resolves, some time after its commit, with the row's count. */
  async increment(key: number): Promise<number> {
    await this.#pause();
    const count = (this.#rows.get(key) ?? CountedRows.firstOf(key)) + 1;
    this.#rows.set(key, count);
    await this.#pause();
    return count;
  }

  /** All of them in one commit. */
  async set(rows: readonly (readonly [key: number, count: number])[]): Promise<void> {
    await this.#pause();
    for (const [key, count] of rows) this.#rows.set(key, count);
    await this.#pause();
  }
}
