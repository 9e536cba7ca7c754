// How recent outcomes are kept: rows by name that are only ever added. Whoever keeps the entries keeps them too, for there may be as many.

/** One remembered outcome, as the table and a snapshot hold it. */
export type OutcomeRow = {
  /** The caller's name, a line feed, the id; Latin-1. */
  readonly name: Uint8Array;
  /** Of the command (base/hash.ts). */
  readonly hash: bigint;
  /** Its number (outcome.ts). */
  readonly code: number;
  readonly revision: number;
  readonly detail: bigint;
  /** Written as transaction-result.ts says. */
  readonly transaction: Uint8Array | undefined;
};

export type OutcomeRows = {
  readonly size: number;
  /** The row's bytes must not be changed, and not be kept beyond the next change of the table. */
  find(name: Uint8Array): OutcomeRow | undefined;
  /** Copies the row. There must be none of this name. */
  add(row: OutcomeRow): void;
  /** The first `count` rows in the order in which they came; more may be added meanwhile. What holds for `find` holds for each. */
  first(count: number): Iterable<OutcomeRow>;
};
