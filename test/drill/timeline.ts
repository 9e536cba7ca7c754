// What happened when: acknowledgements, latencies and failures by second, and the faults as bands. All times are milliseconds after the start.

export type Second = {
  readonly acknowledged: number;
  readonly failed: number;
  /** Of the writes acknowledged in this second; 0 where there was none. */
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

  seconds(): readonly Second[] {
    const length = Math.max(this.#latencies.length, this.#failures.length);
    return Array.from({ length }, (_, at) => {
      const latencies = (this.#latencies[at] ?? []).toSorted((a, b) => a - b);
      return {
        acknowledged: latencies.length,
        failed: this.#failures[at] ?? 0,
        p50Ms: quantile(latencies, 0.5),
        p99Ms: quantile(latencies, 0.99),
        maxMs: latencies.at(-1) ?? 0,
      };
    });
  }

  #second(at: number): number {
    return Math.max(0, Math.floor((at - this.#startedAt) / 1000));
  }
}

/** Of ascending numbers; 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
