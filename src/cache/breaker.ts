// A breaker: after failures in a row a part is left alone, until a probe of our own finds it well again.
import type { Cancel } from '../base/world.ts';
import type { CacheError } from './errors.ts';
import type { CacheWorld } from './world.ts';

type BreakerOptions = {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** The first pause before a probe, and the longest: it doubles, with full jitter above the half. */
  readonly probeMs: number;
  readonly probeMaxMs: number;
  /** Resolves if the part is well. It ends in time by itself. */
  probe(): Promise<void>;
  /** Asked in the very turn in which it would close: false makes another probe at once. */
  isMended?(): boolean;
  /** Told of each change, with the error that opened it. */
  changed(reason: CacheError | undefined): void;
  readonly world: CacheWorld;
};

/** closed → (failures) → open → (probe) → closed. No caller's request is ever the probe. */
export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #reason: CacheError | undefined;
  #pauseMs = 0;
  #cancel: Cancel = () => {};
  #isClosedForGood = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#reason !== undefined;
  }

  /** Why it is open. */
  get reason(): CacheError | undefined {
    return this.#reason;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(error: CacheError): void {
    // Who says no is there.
    const isThere = error.code === 'refused' || error.code === 'full';
    this.#failures = isThere ? 0 : this.#failures + 1;
    if (this.#failures >= this.#options.failures) this.open(error);
  }

  open(error: CacheError): void {
    if (this.#reason !== undefined || this.#isClosedForGood) return;
    this.#reason = error;
    this.#pauseMs = this.#options.probeMs;
    this.#options.changed(error);
    this.#schedule();
  }

  /** No probes any more. */
  stop(): void {
    this.#isClosedForGood = true;
    this.#cancel();
  }

  #schedule(): void {
    const { world } = this.#options;
    const pauseMs = this.#pauseMs * (0.5 + world.random() / 2);
    this.#cancel = world.clock.after(pauseMs, () => this.#probe());
  }

  #probe(): void {
    this.#options.probe().then(
      () => this.#close(),
      () => this.#again(),
    );
  }

  #again(): void {
    if (this.#isClosedForGood) return;
    this.#pauseMs = Math.min(2 * this.#pauseMs, this.#options.probeMaxMs);
    this.#schedule();
  }

  #close(): void {
    if (this.#isClosedForGood) return;
    if (this.#options.isMended?.() === false) {
      this.#probe();
      return;
    }
    this.#reason = undefined;
    this.#failures = 0;
    this.#options.changed(undefined);
  }
}
