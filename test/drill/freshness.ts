// Whether a read was as fresh as it claimed: judged by which writes to one key had been acknowledged before it was sent.

/** `revision` is the highest up to then. */
type Acknowledged = { readonly at: number; readonly revision: number };

/** The acknowledged writes to one key, in the order of their acknowledgement. */
export class FreshnessRecord {
  readonly #writes: Acknowledged[] = [];

  acknowledge(at: number, revision: number): void {
    this.#writes.push({ at, revision: Math.max(revision, this.#writes.at(-1)?.revision ?? 0) });
  }

  /** The highest revision acknowledged before `at`; 0 when there was none. */
  newestBefore(at: number): number {
    let low = 0;
    let high = this.#writes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#writes[middle]?.at ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return this.#writes[low - 1]?.revision ?? 0;
  }
}

type SeenRead = {
  readonly consistency: 'eventual' | 'session' | 'linearizable';
  readonly node: string;
  readonly sentAt: number;
  /** Of the entry that was read. */
  readonly revision: number;
  readonly lagMs: number;
  /** The token sent with a session read. */
  readonly token: number;
};

/** A sentence when the read was older than allowed: eventual within its own lag, session from its token on, linearizable at once. */
export function staleness(record: FreshnessRecord, read: SeenRead): string | undefined {
  const due = {
    eventual: () => record.newestBefore(read.sentAt - read.lagMs),
    session: () => read.token,
    linearizable: () => record.newestBefore(read.sentAt),
  }[read.consistency]();
  if (read.revision >= due) return undefined;
  return `${read.node} gave revision ${read.revision} to a ${read.consistency} read that had to see ${due} (lag ${read.lagMs} ms)`;
}
