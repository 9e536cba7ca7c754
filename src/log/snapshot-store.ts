// The port of the snapshot store: manifests and chunks of bytes; core/ gives them meaning, node/ joins the two.

export type StoredSnapshot = {
  /** Made by the store, of visible ASCII characters. */
  readonly id: string;
  /** Of the state that it holds: what `save` was told. */
  readonly revision: number;
  readonly manifest: Uint8Array;
};

export type OpenSnapshot = StoredSnapshot & {
  /**
   * The chunks as they were saved, in order; to be read once, to the end or to a `break`. Each may be a view that is good until
   * the next one is asked for. Rejects with SnapshotUnusable.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
};

/**
 * A snapshot is there whole or not at all: its manifest is written last, and nothing is ever written over. Several processes
 * may use one store at once. What a writer left that died is never listed; what was spoilt later is not, or is found out when
 * it is read.
 */
export type SnapshotStore = {
  /**
   * Resolves with its id when all of it is durable. The next chunk is not asked for before the last one was taken. Rejects with
   * what `chunks` rejects with, or with an Error where the store failed; then nothing of it is ever listed, unless it was all written.
   */
  save(snapshot: Omit<StoredSnapshot, 'id'>, chunks: AsyncIterable<Uint8Array>): Promise<string>;
  /** The highest revision first, so that a writer who comes late does no harm. */
  list(): Promise<readonly StoredSnapshot[]>;
  /** Rejects with SnapshotUnusable. What was opened can be read to its end though it is removed, or says that it is missing. */
  open(id: string): Promise<OpenSnapshot>;
  /** Resolves also when there is none. */
  remove(id: string): Promise<void>;
  close(): Promise<void>;
};

/** Take the next one: this one was removed ('missing'), or is not as it was saved ('damaged'). */
export class SnapshotUnusable extends Error {
  readonly reason: 'missing' | 'damaged';

  constructor(reason: 'missing' | 'damaged', message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SnapshotUnusable';
    this.reason = reason;
  }
}

/** As `list` orders: the highest revision first; of one revision, by id. */
export function newestFirst<T extends { readonly id: string; readonly revision: number }>(
  snapshots: readonly T[],
): T[] {
  return snapshots.toSorted((a, b) => b.revision - a.revision || (a.id < b.id ? -1 : 1));
}
