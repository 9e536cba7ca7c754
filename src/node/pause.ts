// Notices that this process was stopped for a while: a tick that is late, asked for before anything that waited is served.
import { NODE_LIMITS } from '../base/limits.ts';
import type { Cancel, Clock } from '../base/world.ts';

export class PauseDetector {
  readonly #clock: Clock;
  readonly #onPause: (pausedMs: number) => void;
  #monotonicAt: number;
  #wallAt: number;
  #stop: Cancel = () => {};
  /** How often this process was found to have been stopped. */
  count = 0;

  constructor(clock: Clock, onPause: (pausedMs: number) => void) {
    this.#clock = clock;
    this.#onPause = onPause;
    this.#monotonicAt = clock.monotonicMs();
    this.#wallAt = clock.wallMs();
  }

  start(): void {
    this.#mark();
    this.#tick();
  }

  stop(): void {
    this.#stop();
  }

  /** To be asked at the head of a request and after its body: what waited in the sockets runs before the late tick does. */
  check(): void {
    // Both clocks: a suspended machine stops the monotonic one.
    const pausedMs = Math.max(this.#clock.monotonicMs() - this.#monotonicAt, this.#clock.wallMs() - this.#wallAt);
    if (pausedMs <= NODE_LIMITS.pauseMs) return;
    this.#mark();
    this.count++;
    this.#onPause(pausedMs);
  }

  #tick(): void {
    this.#stop = this.#clock.after(NODE_LIMITS.tickMs, () => {
      this.check();
      this.#mark();
      this.#tick();
    });
  }

  #mark(): void {
    this.#monotonicAt = this.#clock.monotonicMs();
    this.#wallAt = this.#clock.wallMs();
  }
}
