// What the drill counts while it runs: answers, failures, pauses, and every fact that must not be.

import { Timeline } from './timeline.ts';

/** Counts and times of one run; times in milliseconds of `performance.now()`. */
export class Tally {
  readonly startedAt = performance.now();
  readonly timeline = new Timeline(this.startedAt);
  acknowledged = 0;
  repeated = 0;
  unknown = 0;
  unresolved = 0;
  reads = 0;
  slowestWriteMs = 0;
  longestPauseMs = 0;
  longestPauseAt = this.startedAt;
  #lastAcknowledgedAt = this.startedAt;
  readonly #failures = new Map<string, number>();
  readonly #faults = new Map<string, string[]>();

  acknowledge(beganAt: number, attempts: number): void {
    const now = performance.now();
    this.acknowledged += 1;
    if (attempts > 1) this.repeated += 1;
    this.timeline.acknowledged(now, now - beganAt);
    this.slowestWriteMs = Math.max(this.slowestWriteMs, now - beganAt);
    if (now - this.#lastAcknowledgedAt > this.longestPauseMs) {
      this.longestPauseMs = now - this.#lastAcknowledgedAt;
      this.longestPauseAt = this.#lastAcknowledgedAt;
    }
    this.#lastAcknowledgedAt = now;
  }

  /** A request that the client saw fail: a status that asks for a repetition, or no answer. */
  fail(kind: string): void {
    this.timeline.failed(performance.now());
    this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1);
  }

  /** A fact that must not be: the drill fails. `kind`: lost, doubled, different, stale, … */
  fault(kind: string, fact: string): void {
    const facts = this.#faults.get(kind) ?? [];
    facts.push(fact);
    this.#faults.set(kind, facts);
  }

  faultsOf(kind: string): number {
    return this.#faults.get(kind)?.length ?? 0;
  }

  get faults(): ReadonlyMap<string, readonly string[]> {
    return this.#faults;
  }

  get failed(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** `503 × 2, lost × 1`, or an empty text. */
  get failuresText(): string {
    return [...this.#failures].map(([kind, count]) => `${kind} × ${count}`).join(', ');
  }
}
