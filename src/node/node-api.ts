// The node as http/ sees it.
import type { Tokens } from '../core/access/tokens.ts';
import type { Entry } from '../core/keyspace.ts';
import type { CacheAccess } from './cache-access.ts';
import type {
  ClusterView,
  DigestCheck,
  ListRequest,
  ListResult,
  NodeMetrics,
  ReadRequest,
  ReadResult,
  Refusal,
  Status,
  WatchRequest,
  WatchResult,
  WriteRequest,
  WriteResult,
} from './requests.ts';
import type { BackupResult, RestoreResult, SnapshotResult } from './snapshot-requests.ts';

/** What http/ sees of a node. */
export type NodeApi = {
  readonly nodeId: string;
  /** Applied here. */
  revision(): number;
  /** An upper bound on how old what is read here can be (design: time since the newest applied own heartbeat was handed to the log). */
  lagMs(): number;
  /** Log time as estimated now, in ms since 1970: for saying how long an entry still lives. */
  estimatedLogTime(): number;
  /**
   * Why a request of this kind cannot be served now, or undefined. Notices a pause: to be asked when the head of a
   * request has been read and again when its body has.
   */
  refusal(kind: 'write' | 'eventual-read' | 'consistent-read'): Refusal | undefined;
  /**
   * The entry by local state and estimated log time; the caller has asked `refusal` first. Its bytes are a view, to be
   * used or copied before anything is awaited.
   */
  get(key: Uint8Array): Entry | undefined;
  read(request: ReadRequest): Promise<ReadResult>;
  /** One page of keys; the pages of one listing are each of their own revision. */
  list(request: ListRequest): Promise<ListResult>;
  /** Events from a position on, given to the request's sink until one side ends it. */
  watch(request: WatchRequest): WatchResult;
  submit(request: WriteRequest): Promise<WriteResult>;
  status(): Status;
  /** As applied here; another table whenever one was created or revoked. */
  tokens(): Tokens;
  cluster(): ClusterView;
  checkDigests(timeoutMs: number): Promise<DigestCheck>;
  /** Saves a snapshot now and waits until it is verified, `timeoutMs` at most. */
  readonly snapshots: { take(timeoutMs: number): Promise<SnapshotResult> };
  readonly backups: {
    make(timeoutMs: number): Promise<BackupResult>;
    restore(bytes: AsyncIterable<Uint8Array>): Promise<RestoreResult>;
  };
  /** What caches need of this node. */
  readonly caches: CacheAccess;
  metrics(): NodeMetrics;
};
