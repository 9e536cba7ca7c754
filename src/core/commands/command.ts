// The commands as values: one tagged union, a family per file beside it knows how each is written, read and applied.
import type { Eviction } from '../../base/evictions.ts';
import type { TokenCommand } from '../access/token-command.ts';
import type { Condition } from '../condition.ts';
import type { CacheCommand } from './cache-command.ts';

export type Put = {
  readonly type: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: string;
  /** 0: lives for ever, and clears an earlier time to live. */
  readonly ttlMs: number;
  readonly condition: Condition;
};

export type Delete = { readonly type: 'delete'; readonly key: Uint8Array; readonly condition: Condition };

export type Increment = {
  readonly type: 'increment';
  readonly key: Uint8Array;
  readonly by: bigint;
  /** Used only when the command creates the key; 0: none. */
  readonly ttlMs: number;
  readonly condition: Condition;
};

export type Append = {
  readonly type: 'append';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Used only when the command creates the key, like `ttlMs`. */
  readonly contentType: string;
  readonly ttlMs: number;
  readonly condition: Condition;
};

export type Touch = {
  readonly type: 'touch';
  readonly key: Uint8Array;
  /** 0: never expires. */
  readonly ttlMs: number;
  readonly condition: Condition;
};

/** What clients do to one key. */
export type KeyCommand = Put | Delete | Increment | Append | Touch;

/** Reads the entry: an operation of a transaction, never a command of its own. */
export type Get = { readonly type: 'get'; readonly key: Uint8Array; readonly condition: Condition };

export type Operation = KeyCommand | Get;

/** What must hold of an entry: the condition and, where one is given, that it has this value. */
export type Compare = {
  readonly key: Uint8Array;
  readonly condition: Condition;
  readonly value: Uint8Array | undefined;
};

/** Judges `compares` and does the one list of operations or the other: all of them, or nothing. */
export type Transaction = {
  readonly type: 'transaction';
  readonly compares: readonly Compare[];
  /** `then` and `else` of the API: an object with a `then` would pass for a promise. */
  readonly thenDo: readonly Operation[];
  readonly elseDo: readonly Operation[];
};

/** Deletes the first keys in byte order that begin with `prefix`, at most `limit`. */
export type DeletePrefix = { readonly type: 'delete-prefix'; readonly prefix: Uint8Array; readonly limit: number };

/** Commands that clients send. */
export type ClientCommand = KeyCommand | Transaction | DeletePrefix;

/** A chore of the duty node: removes the entry if it still has this revision and its time has passed. */
export type Expire = { readonly type: 'expire'; readonly key: Uint8Array; readonly revision: number };

/** A chore of the duty node: removes the entry if it still has this revision and the state is above its limits. */
export type Evict = { readonly type: 'evict'; readonly key: Uint8Array; readonly revision: number };

/** Changes nothing; its place in the log is what a linearizable read waits for. */
export type Barrier = { readonly type: 'barrier' };

/** Makes every node note its digest at the end of the frame. */
export type Checkpoint = { readonly type: 'checkpoint' };

/** A snapshot that this node has saved; another is to verify it. `offset`: of the first record to be applied after it. */
export type SnapshotSaved = {
  readonly type: 'snapshot-saved';
  /** In the snapshot store. */
  readonly id: string;
  readonly revision: number;
  readonly offset: number;
};

/** This node has read the snapshot back whole, and its digest is the one that this node noted itself at that place. */
export type Verified = Omit<SnapshotSaved, 'type'> & { readonly type: 'verified' };

/** A node's digest as noted at the end of the frame at `offset`. */
export type DigestReport = { readonly offset: number; readonly revision: number; readonly digest: bigint };

export type Heartbeat = {
  readonly type: 'heartbeat';
  readonly cluster: string;
  readonly address: string;
  readonly pid: number;
  readonly version: string;
  /** The highest feature level this node knows. */
  readonly featureLevel: number;
  readonly isReady: boolean;
  /** Applied here when the heartbeat was packed. */
  readonly revision: number;
  readonly lagMs: number;
  readonly keys: number;
  readonly bytes: number;
  readonly report: DigestReport | undefined;
};

export type RestoredEntry = {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: string;
  /** As in the backup: its ETag stays what it was. */
  readonly revision: number;
  /** What was left of it when the backup was made; 0: lives for ever. */
  readonly ttlMs: number;
};

/** A part of a backup, taken only in its turn. The first closes the cluster to clients' commands, and wants it without keys. */
export type Restore = {
  readonly type: 'restore';
  /** Of which backup, the same whoever sends it. */
  readonly backup: string;
  /** The cluster's from now on, unless it is higher already: else an old ETag would come again. */
  readonly revision: number;
  /** 0, 1, … */
  readonly part: number;
  readonly entries: readonly RestoredEntry[];
};

/** The backup had so many parts: opens the cluster again. */
export type Restored = { readonly type: 'restored'; readonly backup: string; readonly parts: number };

/** Limits that apply judges; part of the state. */
export type StateLimits = {
  readonly maxValueBytes: number;
  readonly maxKeys: number;
  /** Logical bytes (core/keyspace.ts). */
  readonly maxMemoryBytes: number;
  /** A generation of remembered outcomes is turned over early at this many. */
  readonly maxOutcomes: number;
  readonly outcomeWindowMs: number;
  readonly featureLevel: number;
  readonly eviction: Eviction;
};

/** The first command of a log: names the cluster and fixes the limits. Later ones are refused. */
export type CreateCluster = { readonly type: 'create-cluster'; readonly cluster: string; readonly limits: StateLimits };

export type Command =
  | ClientCommand
  | CacheCommand
  | TokenCommand
  | Expire
  | Evict
  | Barrier
  | Checkpoint
  | SnapshotSaved
  | Verified
  | Heartbeat
  | CreateCluster
  | Restore
  | Restored;
