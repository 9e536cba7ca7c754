// Estimated log time: what was last heard of log time plus the time since; decides only eventual reads and when chores are proposed.
import type { Clock } from '../base/world.ts';

/** A log time this far ahead of the estimate is a jump of the log's clock, not a late record. */
const JUMP_MS = 5000;

export class EstimatedLogTime {
  readonly #clock: Clock;
  #heard = 0;
  #heardAt: number;
  /** Jumps forward: they stay in log time for ever, so the operator should know. */
  jumps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.monotonicMs();
  }

  /** Ms since 1970 in log time; never goes back. */
  now(): number {
    return this.#heard + (this.#clock.monotonicMs() - this.#heardAt);
  }

  /** Takes in the log time of a record applied now. `isLive`: it is no old record of a replay. */
  hear(logTime: number, isLive: boolean): void {
    const estimate = this.now();
    if (isLive && this.#heard !== 0 && logTime - estimate > JUMP_MS) this.jumps++;
    // A record that was delivered late says less than the estimate: going back would show an expired entry again.
    this.#heard = Math.max(estimate, logTime);
    this.#heardAt = this.#clock.monotonicMs();
  }
}
