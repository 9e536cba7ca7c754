// What the client is asked and what it answers: its options and results, all plain data.
import type { SecureContextOptions } from 'node:tls';
import type { ServerPolicy } from '../cache/server/policy.ts';
import type { ClientWorld } from './transport.ts';

export type ClientOptions = {
  /** The gateway or balancer, or several nodes: a call that fails at one goes on at the next. */
  readonly baseUrls: readonly string[];
  /** A call is given up after this long (default 30,000). */
  readonly deadlineMs?: number;
  /** One request is given up after this long (default 8,000: above the server's own 5,000). */
  readonly attemptTimeoutMs?: number;
  /** Reads never fall behind what this client has written or read, on whichever node (default true). */
  readonly isSession?: boolean;
  /** For https addresses, as PEM: whom to trust (default: whom Node.js trusts), and who this is, where the nodes ask. */
  readonly tls?: ClientTls;
  /** Sent with every request, where tokens are asked for: `chorus_…`. */
  readonly bearerToken?: string;
  /** Default 64, to each address. */
  readonly maxConnections?: number;
  readonly world?: ClientWorld;
};

export type ClientTls = Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>;

export type ReadOptions = {
  readonly consistency?: 'eventual' | 'session' | 'linearizable';
  readonly deadlineMs?: number;
};

export type WriteOptions = {
  /** Names the intention; made when left out. Two calls with one id are applied once. */
  readonly id?: string;
  readonly deadlineMs?: number;
};
/** At most one of the three. */
export type Conditions = { readonly ifRevision?: number; readonly ifAbsent?: boolean; readonly ifPresent?: boolean };
export type TtlOption = { readonly ttlMs?: number };
export type PutOptions = WriteOptions & Conditions & TtlOption & { readonly contentType?: string };

export type Found = {
  readonly kind: 'found';
  readonly value: Uint8Array;
  readonly contentType: string;
  readonly revision: number;
  /** ISO 8601; undefined when it does not expire. */
  readonly expiresAt: string | undefined;
};
export type Absent = { readonly kind: 'absent' };
/** `revision` is the entry's; undefined when there is none. */
export type ConditionFailed = { readonly kind: 'condition-failed'; readonly revision: number | undefined };
/** `isReplayed`: an earlier attempt with the same id was applied, and this is its outcome. `attempts`: requests it took. */
export type Written = { readonly revision: number; readonly isReplayed: boolean; readonly attempts: number };
export type PutResult = ({ readonly kind: 'created' | 'replaced' } & Written) | ConditionFailed;
export type DeleteResult = ({ readonly kind: 'deleted' } & Written) | Absent | ConditionFailed;
export type TouchResult = ({ readonly kind: 'touched' } & Written) | Absent;
export type IncrementResult = Written & { readonly value: bigint };
export type AppendResult = Written & { readonly lengthBytes: number };

export type Member = {
  readonly node: string;
  readonly address: string;
  readonly pid: number;
  readonly ready: boolean;
  readonly duty: boolean;
  readonly revision: number;
  readonly digest: string;
  readonly lagMs: number;
  readonly keys: number;
  readonly bytes: number;
  readonly version: string;
  readonly lastSeen: string;
};
export type Cluster = {
  readonly cluster: string;
  readonly node: string;
  readonly revision: number;
  readonly ready: boolean;
  readonly members: readonly Member[];
};
export type DigestCheck = {
  readonly agreed: boolean;
  readonly revision: number;
  readonly digests: Readonly<Record<string, string>>;
};

/** One operation of a batch or a transaction. `ifRevision`: only on this revision; 0: only if there is no such key. */
export type Operation = { readonly key: string; readonly ifRevision?: number } & (
  | { readonly op: 'get' | 'delete' }
  | ({ readonly op: 'put' | 'append'; readonly value: string | Uint8Array; readonly contentType?: string } & TtlOption)
  | ({ readonly op: 'increment'; readonly by?: number | bigint } & TtlOption)
  | { readonly op: 'touch'; readonly ttlMs: number | 'none' }
);

export type OperationResult =
  | Found
  | Absent
  | ConditionFailed
  | { readonly kind: 'created' | 'replaced' | 'deleted' | 'touched'; readonly revision: number }
  | { readonly kind: 'incremented'; readonly revision: number; readonly value: bigint }
  | { readonly kind: 'appended'; readonly revision: number; readonly lengthBytes: number }
  /** A get of a transaction that was applied by an earlier attempt: what it read is not remembered. */
  | { readonly kind: 'was-found'; readonly revision: number }
  /** Not done, for the reason that the code says; `outcome` 'unknown': of a batch's item that had no final answer in time. */
  | {
      readonly kind: 'rejected';
      readonly status: number;
      readonly code: string;
      readonly outcome: 'not-applied' | 'unknown';
    };

export type BatchOptions = WriteOptions & Pick<ReadOptions, 'consistency'>;
export type BatchResult = Written & { readonly results: readonly OperationResult[] };

/** What must hold of a key; `revision` 0: there is none. */
export type Compare = { readonly key: string } & (
  | { readonly revision: number }
  | { readonly exists: boolean }
  | { readonly value: string | Uint8Array }
);
/** All of `if` must hold for `then` to be done, else `else` is. */
export type Transaction = {
  readonly if?: readonly Compare[];
  readonly then?: readonly Operation[];
  readonly else?: readonly Operation[];
};
export type TransactionResult = { readonly branch: 'then' | 'else' } & (
  | ({ readonly kind: 'done'; readonly results: readonly OperationResult[] } & Written)
  /** Nothing was changed: the operation at this place, from 0, was rejected. */
  | { readonly kind: 'failed'; readonly item: number; readonly result: OperationResult }
);

/** An empty prefix is every key, and needs `isAll`. */
export type DeletePrefixOptions = WriteOptions & { readonly isAll?: boolean };
/** `more`: at most 10,000 keys are deleted at once, and there are more. */
export type PrefixDeleted = Written & { readonly deleted: number; readonly more: boolean };

export type ListOptions = ReadOptions & {
  /** Default: every key. */
  readonly prefix?: string;
  /** Keys a page, 1 to 1000 (default 100). */
  readonly limit?: number;
  /** With the values (default false). */
  readonly values?: boolean;
};
export type ListedKey = {
  readonly key: string;
  readonly revision: number;
  readonly bytes: number;
  readonly contentType: string;
  /** ISO 8601; undefined when it does not expire. */
  readonly expiresAt: string | undefined;
  /** Undefined unless values were asked for. */
  readonly value: Uint8Array | undefined;
};
/** `revision`: of the state that the page shows. Whoever watches since that of the first page misses nothing. */
export type Page = { readonly keys: readonly ListedKey[]; readonly revision: number };

export type WatchOptions = {
  /** Default: every key. */
  readonly prefix?: string;
  /** The entries of this cache instead of keys; `prefix` is then of their keys. */
  readonly cache?: string;
  /** After this revision, or after the change with this id. Default: from now on. */
  readonly since?: number | string | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** A node that says nothing for so long is left for the next (default 45,000: above three of its heartbeats). */
  readonly silenceMs?: number;
  /** Without a node that tells anything for so long the watch fails (default: the client's own). */
  readonly deadlineMs?: number;
};
/**
 * `id`: a later watch goes on after this change with `since: id`. Of a cache only: `tags` of what was put; `put-absent`, the source has
 * no such row; `invalidate`, entries with one of these tags (none: all) hold no more, and the key is empty.
 */
export type Change = { readonly id: string; readonly key: string; readonly revision: number } & (
  | {
      readonly kind: 'put';
      readonly value: Uint8Array;
      readonly contentType: string;
      readonly expiresAt: string | undefined;
      readonly tags?: readonly string[];
    }
  | { readonly kind: 'put-absent'; readonly expiresAt: string | undefined; readonly tags?: readonly string[] }
  | { readonly kind: 'invalidate'; readonly tags: readonly string[] }
  | { readonly kind: 'touch'; readonly expiresAt: string | undefined }
  | { readonly kind: 'delete' | 'expire' | 'evict' }
);

export type CacheReadOptions = ReadOptions;
export type CacheWriteOptions = WriteOptions & {
  /** Of a write behind: resolves when the source has it (default false). */
  readonly isSaved?: boolean;
  /** How long a node may wait for the source or the log (default 5,000, at most 60,000). */
  readonly timeoutMs?: number;
};
/** `cacheStatus`: what the cache did, as RFC 9211 writes it. `revision`: undefined where the row could not be kept. */
export type CachedRow<Row> =
  | {
      readonly kind: 'found';
      readonly value: Row;
      readonly revision: number | undefined;
      readonly cacheStatus: string;
    }
  | { readonly kind: 'absent'; readonly cacheStatus: string };
/** Where the write is: in the entry alone, in the source, or in the log, and the source will have it. */
export type RowWritten = Written & { readonly how: 'cached' | 'saved' | 'behind' };
/** At least one of the three. */
export type CacheInvalidation = {
  readonly keys?: readonly string[];
  readonly tags?: readonly string[];
  readonly all?: true;
};
/** `revision`: since when it holds; 0: it is the one of config.ts. */
export type CachePolicy = ServerPolicy & { readonly revision: number };
export type CacheView = {
  readonly name: string;
  readonly policy: CachePolicy;
  readonly source: { readonly name: string; readonly state: 'ok' | 'down'; readonly reason?: string };
  /** Keys that the source has yet to take, those that it refused included. */
  readonly unsaved: number;
  readonly failed: number;
  readonly oldestUnsavedMs: number;
  /** Of the node that answered; undefined where the source takes no batches. */
  readonly flusher?: {
    readonly flushes: number;
    readonly rows: number;
    readonly trouble?: string;
    readonly fence?: { readonly cluster: string; readonly n: number };
  };
};
/** A write behind that the source refused. */
export type FailedWrite = {
  readonly key: string;
  readonly revision: number;
  readonly ageMs: number;
  readonly error: string;
};
