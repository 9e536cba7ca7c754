// The heart: when this node's heartbeats were handed to the log, which of them was applied, and so how fresh its state is.
import type { Clock } from '../base/world.ts';

/** Heartbeats handed to the log and not seen again; more than this many can only be lost ones. */
const MAX_UNSEEN = 256;

export class Heart {
  readonly #clock: Clock;
  readonly #handedAt = new Map<number, number>();
  readonly #startedAt: number;
  /** When the newest own heartbeat that was applied had been handed to the log; undefined before the first. */
  #newestAt: number | undefined;
  /** Only a heartbeat handed to the log from this moment on proves that the state is fresh. */
  #freshFrom = Number.POSITIVE_INFINITY;
  #demands = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonicMs();
  }

  /** N2: a heartbeat of this incarnation, handed to the log since `demandFresh`, is applied. */
  get isFresh(): boolean {
    return this.#newestAt !== undefined && this.#newestAt >= this.#freshFrom;
  }

  /** What waited in the sockets was read, and a heartbeat handed to the log from now on is the proof. */
  get isProvable(): boolean {
    return this.#freshFrom !== Number.POSITIVE_INFINITY;
  }

  /**
   * From now on the state counts as fresh only after a heartbeat that is handed to the log once this has resolved. Until
   * then whatever waited in the sockets is read, and refused: after a pause, connections that had not been accepted come in
   * one after another, and what they brought would be served late after a quicker proof.
   */
  async demandFresh(socketsEmptied: Promise<void>): Promise<void> {
    this.doubt();
    const demand = this.#demands;
    await socketsEmptied;
    if (demand === this.#demands) this.#freshFrom = this.#clock.monotonicMs();
  }

  /** What is in the state is not believed any more, until `demandFresh` is asked again and its proof has come. */
  doubt(): void {
    this.#demands++;
    this.#freshFrom = Number.POSITIVE_INFINITY;
  }

  /** Frame n, which begins with a heartbeat, is about to be handed to the log for the first time. */
  handed(n: number): void {
    this.#handedAt.set(n, this.#clock.monotonicMs());
    if (this.#handedAt.size <= MAX_UNSEEN) return;
    for (const oldest of this.#handedAt.keys()) {
      this.#handedAt.delete(oldest);
      return;
    }
  }

  /** The heartbeat of frame n was applied here. Frames are applied in the order of n, so all before it are done with. */
  applied(n: number): void {
    const handedAt = this.#handedAt.get(n);
    if (handedAt !== undefined) this.#newestAt = handedAt;
    for (const earlier of this.#handedAt.keys()) {
      if (earlier > n) return;
      this.#handedAt.delete(earlier);
    }
  }

  /** A true upper bound on how long ago the state read here was the cluster's: whatever was acknowledged before that is in it. */
  lagMs(): number {
    return this.#clock.monotonicMs() - (this.#newestAt ?? this.#startedAt);
  }
}
