// What a node is asked and what it answers: the types between node/ and its callers.
import type { TokenCommand } from '../core/access/token-command.ts';
import type { CacheCommand } from '../core/commands/cache-command.ts';
import type { ClientCommand } from '../core/commands/command.ts';
import type { Entry } from '../core/keyspace.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ChangeEvent, Position } from './history.ts';

export const CONSISTENCIES = ['eventual', 'session', 'linearizable'] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

/** Why this node cannot serve now. 'overloaded' is 429; the others are 503: another node may. */
export type Refusal = 'replaying' | 'paused' | 'stopping' | 'quarantined' | 'overloaded';

/** Why a command cannot be appended, by any node: no frame takes it, or not every live member knows it yet. */
export type CommandRefusal = 'too-large' | 'feature-not-enabled';

export type WriteRequest = {
  readonly command: ClientCommand | CacheCommand | TokenCommand;
  /** The id that came in with the request; undefined: the node makes one; '': none, for commands that are harmless twice. */
  readonly id: string | undefined;
  /** Who asks; ids are scoped to it. '' without authentication. */
  readonly caller: string;
  readonly timeoutMs: number;
};

export type WriteResult =
  /** The log has it and it was applied here: `outcome` may be a rejection, which is as final as a success. */
  | { readonly kind: 'applied'; readonly id: string; readonly outcome: Outcome }
  /** This node could not take it or see it through. `isUnknown`: some copy of it may be, or come to be, in the log. */
  | {
      readonly kind: 'refused';
      readonly id: string;
      readonly reason: Refusal | CommandRefusal;
      readonly isUnknown: boolean;
    }
  | { readonly kind: 'timed-out'; readonly id: string; readonly isUnknown: boolean };

export type ReadRequest = {
  readonly key: Uint8Array;
  readonly consistency: Consistency;
  /** For `session`: the revision that must be applied here before the read; 0 without a token. */
  readonly minRevision: number;
  readonly timeoutMs: number;
};

export type ReadResult =
  /** `entry` is undefined when there is none; it is a copy. */
  | { readonly kind: 'read'; readonly entry: Entry | undefined }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | { readonly kind: 'timed-out' };

export type ListRequest = Omit<ReadRequest, 'key'> & {
  readonly prefix: Uint8Array;
  /** The page begins behind this key; undefined: with the first. */
  readonly after: Uint8Array | undefined;
  /** 1 to LIST_LIMITS.maxKeys. */
  readonly limit: number;
  readonly withValues: boolean;
};

export type ListedEntry = Omit<Entry, 'value'> & {
  readonly key: Uint8Array;
  readonly bytes: number;
  /** Undefined unless values were asked for. */
  readonly value: Uint8Array | undefined;
};

/** Copies: they stay as they are. */
export type Page = {
  readonly entries: readonly ListedEntry[];
  /** The next page begins behind this key; undefined: there is none. */
  readonly last: Uint8Array | undefined;
  /** Of the state that was listed. */
  readonly revision: number;
};

export type ListResult =
  | { readonly kind: 'listed'; readonly page: Page }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | { readonly kind: 'timed-out' };

/** Where a watcher's events go. Called in later turns than `open`; not after `end`. */
export type WatchSink = {
  /** The next events. False: take no more until `drained` was called. */
  send(events: readonly ChangeEvent[]): boolean;
  /** Now and then: all events up to this position were sent. Answers as `send` does. */
  rest(position: Position): boolean;
  /** The last call. All events up to `position` were sent; 'slow': the history went on without this watcher. */
  end(reason: 'slow' | 'stopping', position: Position): void;
};

export type WatchRequest = {
  readonly prefix: Uint8Array;
  /** Undefined: from now on. One that this node has not reached yet is waited for. */
  readonly since: Position | undefined;
  readonly sink: WatchSink;
};

export type WatchResult =
  | {
      readonly kind: 'watching';
      /** Events after this position will be sent. */
      readonly from: Position;
      /** The sink takes events again. */
      drained(): void;
      close(): void;
    }
  /** Not all events since then are kept. Whoever reads the keys at `revision` or later can go on from there. */
  | { readonly kind: 'gone'; readonly revision: number; readonly oldest: Position }
  | { readonly kind: 'refused'; readonly reason: Refusal };

export type Phase = 'starting' | 'replaying' | 'ready' | 'paused' | 'stopping' | 'quarantined';

export type Progress = {
  readonly records: number;
  readonly bytes: number;
  /** 0 to 100, of the records that the log held at the start. */
  readonly percent: number;
  readonly recordsPerSecond: number;
  readonly secondsLeft: number;
};

export type Status = {
  readonly phase: Phase;
  readonly progress: Progress;
  readonly lagMs: number;
  /** Sentences: what is not as it should be while the node is ready (log unreachable, lag too great). */
  readonly degraded: readonly string[];
};

export type MemberView = {
  readonly node: string;
  readonly address: string;
  readonly pid: number;
  readonly ready: boolean;
  readonly duty: boolean;
  readonly revision: number;
  /** Hex, of the latest report; '' before the first. */
  readonly digest: string;
  readonly lagMs: number;
  readonly keys: number;
  readonly bytes: number;
  readonly version: string;
  /** ISO 8601, log time of its last heartbeat. */
  readonly lastSeen: string;
};

export type SnapshotMarkView = {
  readonly revision: number;
  /** Of the first record to be applied after it. */
  readonly offset: number;
  /** The node that saved it, or that verified it. */
  readonly by: string;
  /** ISO 8601, log time. */
  readonly at: string;
};

export type SnapshotsView = {
  /** At most two, the newer last. */
  readonly verified: readonly SnapshotMarkView[];
  /** Saved, and not yet verified. */
  readonly candidate: SnapshotMarkView | null;
  /** The offset below which this node has seen the log trimmed; 0: it has not. */
  readonly trimmedBelow: number;
};

export type ClusterView = {
  readonly cluster: string;
  readonly node: string;
  readonly revision: number;
  readonly ready: boolean;
  /** Log time, ISO 8601. */
  readonly logTime: string;
  /** For how many seconds ids are remembered now. */
  readonly outcomeWindowSeconds: number;
  /** How often two members reported different digests at one offset. */
  readonly disagreements: number;
  /** How often this node was in the minority and dropped its state. */
  readonly quarantines: number;
  /** Members whose digest differs from the majority's at the latest offset at which there is one; null: there is no majority. */
  readonly minority: readonly string[] | null;
  readonly limits: Readonly<Record<string, number | string>>;
  readonly members: readonly MemberView[];
  readonly snapshots: SnapshotsView;
};

export type DigestCheck =
  | {
      readonly kind: 'checked';
      readonly agreed: boolean;
      readonly revision: number;
      readonly digests: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'refused'; readonly reason: Refusal }
  | { readonly kind: 'timed-out' };

/** Counters and gauges for /metrics; all monotonic unless said otherwise. */
export type NodeMetrics = {
  readonly framesApplied: number;
  readonly commandsApplied: number;
  readonly copiesIgnored: number;
  readonly garbageFrames: number;
  readonly framesAppended: number;
  readonly appendsRefused: number;
  readonly appendsUnknown: number;
  readonly pauses: number;
  readonly quarantines: number;
  readonly disagreements: number;
  readonly repeats: number;
  readonly clockJumps: number;
  /** Entries removed for want of memory. */
  readonly evictions: number;
  /** Watchers that were too slow. */
  readonly watchersCutOff: number;
  /** By this node, like the next three. */
  readonly snapshotsSaved: number;
  readonly snapshotsVerified: number;
  /** Of saving, verifying or trimming. */
  readonly snapshotFailures: number;
  readonly logTrims: number;
  /** Gauges from here on. */
  readonly waitingCommands: number;
  readonly waitingBytes: number;
  readonly waitingReads: number;
  readonly watchers: number;
  readonly keys: number;
  readonly bytes: number;
  /** The cluster's limits of keys and bytes; 0 before they are known. */
  readonly maxKeys: number;
  readonly maxBytes: number;
  readonly rememberedOutcomes: number;
  /** Of the newest verified one; 0: there is none. */
  readonly snapshotRevision: number;
  readonly snapshotAgeSeconds: number;
  /** Of the last one that this node saved. */
  readonly snapshotBytes: number;
  readonly snapshotSeconds: number;
};
