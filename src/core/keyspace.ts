// The map from keys to entries, in bytes: the interface that every implementation fits.
import type { Row } from '../base/row.ts';
import type { OutcomeRows } from './outcome-rows.ts';

export type Entry = {
  readonly value: Uint8Array;
  readonly contentType: string;
  /** Of the command that wrote it. */
  readonly revision: number;
  /** Log time in ms from which on it is absent; 0: never. */
  readonly expiresAt: number;
};

/**
 * Told of a change just before it is made. `old` is undefined where the key has no entry, `entry` where it is to have none;
 * all are good until the call returns. Must not throw and not change the keyspace.
 */
export type BeforeChange = (key: Uint8Array, old: Entry | undefined, entry: Entry | undefined) => void;

export type Keyspace = {
  /** Number of entries, expired ones that were not yet removed included. */
  readonly keys: number;
  /** Logical bytes: key + value + content type + a constant per entry. */
  readonly bytes: number;
  /** Two 32-bit lanes of an order-independent digest of all entries. */
  readonly digest: { readonly high: number; readonly low: number };
  /** The entry, expired or not. Its bytes must not be changed, and not be kept beyond the next change of the keyspace. */
  get(key: Uint8Array): Entry | undefined;
  /** As `get`, for a client: where uses are noted, the entry counts as used now. */
  use(key: Uint8Array): Entry | undefined;
  /** Copies key and entry. */
  set(key: Uint8Array, entry: Entry): void;
  /** What `set` does, for a row of a snapshot: fast where keys come in their order. */
  restore(row: Row): void;
  delete(key: Uint8Array): boolean;
  /** At most `limit` keys that begin with `prefix` and come after `after` (undefined: from the first), in byte order; copies. */
  keysAfter(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Uint8Array[];
  /** Shows the entries whose keys come after `after` (undefined: all), in byte order, until `see` answers false; views, good until it returns. */
  visit(after: Uint8Array | undefined, see: (key: Uint8Array, entry: Entry) => boolean): void;
  /** Set while a walk in slices is under way (snapshot/keyspace-walk.ts). */
  beforeChange: BeforeChange | undefined;
  /** At most `limit` entries whose time has passed at `logTime`, the longest passed first, roughly. */
  expired(logTime: number, limit: number): EntryName[];
  /**
   * At most `limit` entries that were not used for longest, roughly, of those whose keys `mayGo` (a view, good until it
   * returns). Differs from node to node: nothing that is applied may ask it.
   */
  leastUsed(limit: number, mayGo: (key: Uint8Array) => boolean): EntryName[];
  /** A table for recent outcomes in the same kind of memory; it shares nothing with the entries. */
  newOutcomeRows(): OutcomeRows;
};

/** An entry as chores name it. */
export type EntryName = { readonly key: Uint8Array; readonly revision: number };

/** What an entry costs beside its bytes, for `maxMemoryBytes`. */
export const ENTRY_OVERHEAD_BYTES = 48;

export function logicalBytes(key: Uint8Array, entry: Entry): number {
  return key.length + entry.value.length + entry.contentType.length + ENTRY_OVERHEAD_BYTES;
}

export function isExpired(entry: Pick<Entry, 'expiresAt'>, logTime: number): boolean {
  return entry.expiresAt !== 0 && entry.expiresAt <= logTime;
}
