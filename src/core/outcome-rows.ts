// How recent outcomes are kept: rows by name that are only ever added. Whoever keeps the entries keeps them too, for there may be as many.
import type { Row } from '../base/row.ts';

/** Views, not to be changed, and good until the next change of the table. */
export type KeptOutcome = {
  /** Of caller and id (recent.ts). */
  readonly name: Uint8Array;
  /** Hash and verdict, as outcome-bytes.ts writes them. */
  readonly value: Uint8Array;
  readonly revision: number;
};

export type OutcomeRows = {
  readonly size: number;
  /** As a keyspace's, of all rows. */
  readonly digest: { readonly high: number; readonly low: number };
  find(name: Uint8Array): KeptOutcome | undefined;
  /** Copies the row, whose key is the name; there must be none of this name. Content type and end of life are empty. */
  add(row: Row): void;
  /** The first `count` rows in the order in which they came; more may be added meanwhile. */
  first(count: number): Iterable<KeptOutcome>;
};
