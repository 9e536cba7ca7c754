// Which writes to one key were acknowledged when, and so how old a read of it truly was.

/** `revision` grows: the key has one writer, which waits for each answer. */
type Acknowledged = { readonly at: number; readonly revision: number };

export type SeenRead = {
  readonly consistency: 'eventual' | 'session' | 'linearizable';
  readonly sentAt: number;
  /** Of the entry that was read; 0 for none. */
  readonly revision: number;
  /** What the answer says of itself. */
  readonly lagMs: number;
  /** The token of a session read. */
  readonly token: number;
};

export class FreshnessHistory {
  readonly #writes: Acknowledged[] = [];

  acknowledge(at: number, revision: number): void {
    this.#writes.push({ at, revision });
  }

  /** The revision acknowledged last; 0 before the first. */
  get newest(): number {
    return this.#writes.at(-1)?.revision ?? 0;
  }

  /** For how long, at `sentAt`, a write had been acknowledged that this read does not show; 0 when it shows all. */
  missedMs({ sentAt, revision }: SeenRead): number {
    let low = 0;
    let high = this.#writes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#writes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    const missed = this.#writes[low];
    return missed === undefined ? 0 : Math.max(0, sentAt - missed.at);
  }

  /** A sentence when the read was older than it may be. */
  fault(read: SeenRead): string | undefined {
    const missedMs = this.missedMs(read);
    const isAllowed = {
      eventual: () => missedMs <= read.lagMs,
      session: () => read.revision >= read.token,
      linearizable: () => missedMs === 0,
    }[read.consistency]();
    if (isAllowed) return undefined;
    const seen = `a ${read.consistency} read gave revision ${read.revision}, token ${read.token}, lag ${read.lagMs} ms`;
    return `${seen}, and missed what had been acknowledged ${Math.round(missedMs)} ms before it was sent`;
  }
}
