// Notices that this process was stopped for a while: nothing of it ran, neither the tick nor a request, for longer than it should.
import { NODE_LIMITS } from '../base/limits.ts';
import type { Cancel, Clock } from '../base/world.ts';

export class PauseDetector {
  readonly #clock: Clock;
  readonly #onPause: (pausedMs: number) => void;
  #mark: Mark;
  #stop: Cancel = () => {};
  /** How often this process was found to have been stopped. */
  count = 0;

  constructor(clock: Clock, onPause: (pausedMs: number) => void) {
    this.#clock = clock;
    this.#onPause = onPause;
    this.#mark = this.#now();
  }

  start(): void {
    this.#mark = this.#now();
    this.#tick();
  }

  stop(): void {
    this.#stop();
  }

  /**
   * To be asked at the head of a request and after its body: what waited in the sockets runs before the late tick does. Each asking
   * shows that the process runs, so one that is only busy, and late with its tick, is not taken for stopped; a stop lies
   * between two askings, whole.
   */
  check(): void {
    const { monotonicAt, wallAt } = this.#mark;
    // Read once: a stop between two readings would be in neither.
    this.#mark = this.#now();
    // Both clocks: a suspended machine stops the monotonic one.
    const pausedMs = Math.max(this.#mark.monotonicAt - monotonicAt, this.#mark.wallAt - wallAt);
    if (pausedMs <= NODE_LIMITS.pauseMs) return;
    this.count++;
    this.#onPause(pausedMs);
  }

  #tick(): void {
    this.#stop = this.#clock.after(NODE_LIMITS.tickMs, () => {
      this.check();
      this.#tick();
    });
  }

  #now(): Mark {
    return { monotonicAt: this.#clock.monotonicMs(), wallAt: this.#clock.wallMs() };
  }
}

/** When this process was last seen to run. */
type Mark = { readonly monotonicAt: number; readonly wallAt: number };
