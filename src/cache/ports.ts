// The ports of the cache library: what a store, a source and a queue must be able to do for the patterns to be built on them.
//
// The patterns (read-through.ts, write-through.ts, write-behind.ts, tiers.ts, …) are functions over these types and know no
// driver; each driver stands in one file of tiers/, sources/ or queues/. A port's functions reject with CacheError
// (errors.ts) and nothing else. `signal` asks to give up early; a caller that must not wait never relies on it alone.

export type CallOptions = { readonly signal?: AbortSignal };

/** What a store keeps under a key. Times are wall-clock milliseconds since 1970 UTC. */
export type CacheEntry = {
  /** As the cache's codec wrote it; undefined says that the source has no such row (a negative entry). */
  readonly value: Uint8Array | undefined;
  /** From here on it is stale: served only within its grace, until `expiresAtMs`. */
  readonly freshUntilMs: number;
  /** From here on it is gone. Stores also let go of it by their own clocks, after `expiresAtMs - now`. */
  readonly expiresAtMs: number;
  /** Names by which it can be invalidated together with others. */
  readonly tags: readonly string[];
};

/** Where a key stood when it was looked at: text, to be given back to the same store, of no meaning elsewhere. */
export type Note = string;

export type Looked = {
  /** Valid: neither expired nor invalidated, by key, tag or as a whole. It may be stale. */
  readonly entry: CacheEntry | undefined;
  /** What a fill must show. Undefined while a writer holds the key, or where nothing can be kept: then nothing may fill. */
  readonly note: Note | undefined;
};

export type HoldOptions = CallOptions & {
  /** Outlasts the source's own statement timeout, and the skew of the machines' clocks. */
  readonly forMs: number;
};

export type Invalidation =
  | { readonly keys: readonly string[] }
  | { readonly tags: readonly string[] }
  | { readonly all: true };

/**
 * A place that keeps entries: this process, Redis, Memcached, Chorus, or several of them as tiers.
 *
 * The contract (test/suites/cache-store.ts holds every implementation to it):
 * - A fill is refused when anything happened to the key after its note was taken: put, invalidated (by key, tag or all),
 *   held, filled by another, expired or evicted; also if the key was absent all the time. So a load that began before a
 *   write ended never leaves its old value behind.
 * - While at least one hold is on a key there is no entry and no note. Holds are a set: they end one by one, by their put or
 *   by their time. A put whose hold overlapped another's caches nothing; the last one to end lets fills in again.
 * - A put whose hold has ended by its time invalidates instead.
 */
export type CacheStore = {
  /** For `Cache-Status`, metrics and health pages: one token, `memory`, `redis`, … */
  readonly name: string;
  /** It is in this process: it answers at once, and needs neither timeout nor breaker. */
  readonly isLocal?: true;
  get(key: string, options?: CallOptions): Promise<Looked>;
  /** Local stores: the entry, if it is here and valid, without a promise. Undefined: `get` may know more. */
  peek?(key: string): CacheEntry | undefined;
  /** Keeps a loaded entry. False: refused, because something happened since the note was taken. */
  fill(key: string, entry: CacheEntry, since: Note, options?: CallOptions): Promise<boolean>;
  /** Before the source is written: drops the entry and keeps fills out. Resolves with the note of this hold. */
  hold(key: string, options: HoldOptions): Promise<Note>;
  /**
   * Keeps what was written to the source, and ends the hold. Undefined as the entry only ends the hold and leaves nothing.
   * Without a hold: replaces what is there, but neither enters nor ends the holds of others. False: nothing was kept.
   */
  put(key: string, entry: CacheEntry | undefined, hold?: Note, options?: CallOptions): Promise<boolean>;
  /** Entries and notes of these keys, of these tags, or all of them are worth nothing any more. Holds stay. */
  invalidate(what: Invalidation, options?: CallOptions): Promise<void>;
  close(): Promise<void>;
};

/**
 * The small port behind most stores: bytes under a key, replaced only where they are the bytes that were read.
 * `slotted` (slotted.ts) makes a CacheStore of it, holds, tags, notes and all. Keys are any text; an implementation with a
 * narrower alphabet maps them (Memcached: a hash of what does not fit).
 */
export type AtomicStore = {
  readonly name: string;
  /** In the order of the keys. One round trip. */
  read(keys: readonly string[], options?: CallOptions): Promise<readonly (Stored | undefined)[]>;
  /**
   * As `read`, for stores that can do more in one round trip: where the first key is absent, a placeholder is first put there
   * for `ttlMs`, any bytes that `swap` never writes, with a version that was never used under that key. Left out: `slotted` swaps.
   */
  readOrPlant?(keys: readonly string[], ttlMs: number, options?: CallOptions): Promise<readonly (Stored | undefined)[]>;
  /**
   * Sets the bytes for `ttlMs` (rounded up where the store counts seconds), or removes the key where `bytes` is undefined,
   * if the key still holds what `expected` was read from; `expected` undefined: if the key is absent. False: it does not.
   * No two different bytes ever written under one key begin with the same VERSION_LENGTH bytes.
   */
  swap(
    key: string,
    expected: Version | undefined,
    bytes: Uint8Array | undefined,
    ttlMs: number,
    options?: CallOptions,
  ): Promise<boolean>;
  close(): Promise<void>;
};
/** What `slotted` writes begins with a fresh id of so many ASCII characters, for stores that have no cas numbers to compare. */
export const VERSION_LENGTH = 21;

/** The store's own name for one state of one key: a cas number, or the first VERSION_LENGTH bytes as text. */
export type Version = string;

export type Stored = { readonly bytes: Uint8Array; readonly version: Version };

/** A database behind a cache, read only. */
export type CacheSource<Key, Value> = {
  readonly name: string;
  /** Undefined: there is no such row. */
  load(key: Key, options?: CallOptions): Promise<Value | undefined>;
  /** Resolves if the source answers at all: for health pages, and for breakers that wait until it is back. */
  ping(options?: CallOptions): Promise<void>;
  close(): Promise<void>;
};

/** A source that answers for many keys in one query. The answer lacks the keys that have no row. */
export type ManySource<Key, Value> = CacheSource<Key, Value> & {
  loadMany(keys: readonly Key[], options?: CallOptions): Promise<ReadonlyMap<Key, Value>>;
};

/** A source that can be written a row at a time: for write-through and cache-aside. */
export type WritableSource<Key, Value> = CacheSource<Key, Value> & {
  /** Inserts or replaces the row, and resolves with it as it is now kept (defaults and triggers included). */
  save(key: Key, value: Value, options?: CallOptions): Promise<Value>;
  /** True if there was such a row. */
  remove(key: Key, options?: CallOptions): Promise<boolean>;
};

/** One write on its way to the source. */
export type Change<Key, Value> = {
  /** Names this write; unique. */
  readonly id: string;
  /** Ids of older writes of the same key that this one stands for: with `ids` they are entered too. */
  readonly coalesced?: readonly string[];
  readonly key: Key;
  /** Undefined: the row is to be removed. */
  readonly value: Value | undefined;
  /** Grows with every write of the key. */
  readonly revision: number;
};

/**
 * How a flush makes sure that it does nothing twice and nothing late:
 * - `fence`: a row of the source holds (cluster, n); the flush raises n in its own transaction `WHERE n < :n` or rolls back. Each
 *   flush, a repeated one too, brings a greater n than all flushes before it: a late COMMIT of an older one changes nothing.
 * - `ids`: the flush enters the changes' ids in a table in its own transaction and leaves out the changes
 *   whose own stands there already.
 */
export type FlushGuard = ({ readonly kind: 'fence' } & Fence) | { readonly kind: 'ids' };
export type Fence = { readonly cluster: string; readonly n: number };

/** `saved`: committed. `fenced`: nothing was changed; a flush with a greater n, or of another cluster, was here. */
export type Flushed = { readonly kind: 'saved' } | ({ readonly kind: 'fenced' } & Fence);

/** A source that takes writes in batches: for write-behind. */
export type FlushableSource<Key, Value> = CacheSource<Key, Value> & {
  /**
   * All of the changes or none, in one transaction; at most one change per key. Rejects with `refused` when the source takes
   * none of them because of one (the caller finds it by halving), `timeout` and `unknown` when it may have committed.
   */
  flush(changes: readonly Change<Key, Value>[], guard: FlushGuard, options?: CallOptions): Promise<Flushed>;
  /**
   * Makes another cluster's fence this cluster's, its number unchanged, if it still is as it was found. Only on an admin's word,
   * and after that cluster has ended. False: it is another by now.
   */
  adopt?(found: Fence, cluster: string, options?: CallOptions): Promise<boolean>;
};

export type QueueMessage = {
  /** Names the write; carried as the broker's message id. */
  readonly id: string;
  readonly body: Uint8Array;
};

/** One message handed out. Exactly one of its three functions ends it; one that is not ended is handed out again after a crash. */
export type Delivery = QueueMessage & {
  /** 1 for the first time, as far as the queue can tell. */
  readonly attempt: number;
  /** Done: forget it. To be called only after the source has committed. A crash of the broker may undo the last ones. */
  acknowledge(): Promise<void>;
  /** Hand it out again, first in the queue. */
  giveBack(): Promise<void>;
  /** It can never be done: put it with the dead letters, with a sentence why. */
  bury(reason: string): Promise<void>;
};

export type ConsumeOptions = {
  /** At most so many are handed out and not ended. */
  readonly maxUnended: number;
  /** Called in the order of the queue, without waiting for the one before to be ended. Must not throw. */
  onDelivery(delivery: Delivery): void;
  readonly signal: AbortSignal;
};

/** A durable queue of writes between a publisher and a consumer that may start, stop and crash independently. */
export type WriteQueue = {
  readonly name: string;
  /** Resolves once the message is durable. Rejects with `down`, `refused`, `full`: it is not queued; `timeout`, `unknown`: it may be. */
  publish(message: QueueMessage, options?: CallOptions): Promise<void>;
  /**
   * Hands out messages until the signal; then resolves when none is being handed out. A lost connection is made again, and
   * what was not ended is handed out again, in order. One consumer at a time receives: the others stand by.
   */
  consume(options: ConsumeOptions): Promise<void>;
  /** Messages that wait or are not ended, and dead letters. */
  count(options?: CallOptions): Promise<{ readonly waiting: number; readonly dead: number }>;
  close(): Promise<void>;
};
