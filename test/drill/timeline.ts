// What happened when: acknowledgements, latencies and failures by slots of seconds, and the faults as bands. All times are milliseconds after the start.

/** Some seconds of the run. */
export type Slot = {
  /** A second. */
  readonly acknowledged: number;
  readonly failed: number;
  /** Of the writes acknowledged in it; 0 where there was none. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** `recoveredMs`: all nodes ready again and writes acknowledged; undefined if that never came. */
export type Band = {
  readonly name: string;
  readonly fromMs: number;
  endMs: number;
  recoveredMs: number | undefined;
  /** What showed that the fault took effect; undefined: nothing did. */
  evidence: string | undefined;
};

const MOST_SLOTS = 600;

export class Timeline {
  readonly bands: Band[] = [];
  readonly #startedAt: number;
  readonly #latencies: number[][] = [];
  readonly #failures: number[] = [];

  /** `startedAt` of `performance.now()`, as every `at` here. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  acknowledged(at: number, latencyMs: number): void {
    const second = this.#second(at);
    this.#latencies[second] ??= [];
    this.#latencies[second].push(latencyMs);
  }

  failed(at: number): void {
    const second = this.#second(at);
    this.#failures[second] = (this.#failures[second] ?? 0) + 1;
  }

  begin(name: string): Band {
    const now = this.sinceStart();
    const band: Band = { name, fromMs: now, endMs: now, recoveredMs: undefined, evidence: undefined };
    this.bands.push(band);
    return band;
  }

  sinceStart(): number {
    return performance.now() - this.#startedAt;
  }

  /** As long as makes few enough of them for a picture. */
  get slotSeconds(): number {
    return Math.max(1, Math.ceil(this.#length / MOST_SLOTS));
  }

  slots(): readonly Slot[] {
    const seconds = this.slotSeconds;
    return Array.from({ length: Math.ceil(this.#length / seconds) }, (_, at) => {
      const [from, to] = [at * seconds, (at + 1) * seconds];
      const latencies = this.#latencies
        .slice(from, to)
        .flat()
        .toSorted((a, b) => a - b);
      const failed = this.#failures.slice(from, to).reduce((sum, count) => sum + (count ?? 0), 0);
      return {
        acknowledged: latencies.length / seconds,
        failed: failed / seconds,
        p50Ms: quantile(latencies, 0.5),
        p99Ms: quantile(latencies, 0.99),
        maxMs: latencies.at(-1) ?? 0,
      };
    });
  }

  get #length(): number {
    return Math.max(this.#latencies.length, this.#failures.length);
  }

  #second(at: number): number {
    return Math.max(0, Math.floor((at - this.#startedAt) / 1000));
  }
}

/** Of ascending numbers; 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
