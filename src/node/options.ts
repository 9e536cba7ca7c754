// What a node is made of and told at its start.
import type { FatalError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { World } from '../base/world.ts';
import type { StateLimits } from '../core/commands/command.ts';
import type { BackupFile } from '../log/backup-file.ts';
import type { CommitLog } from '../log/commit-log.ts';
import type { HistoryBounds } from './history.ts';
import type { Identity } from './membership.ts';
import type { SnapshotPolicy } from './snapshot-options.ts';

export type NodeOptions = {
  readonly nodeId: string;
  /** host:port of its HTTP server. */
  readonly address: string;
  readonly pid: number;
  readonly version: string;
  readonly log: CommitLog;
  readonly world: World;
  readonly logger: Logger;
  /** Used only if this node creates the cluster; otherwise the log's are. */
  readonly limits: StateLimits;
  /** What this program knows; default: FEATURE_LEVEL. Less of it makes an older program, as in a cluster of mixed versions. */
  readonly featureLevel?: number;
  readonly identity: Identity;
  readonly snapshots: SnapshotPolicy;
  /** Keeps a backup that is to be restored until it is closed. */
  receiveBackup(bytes: AsyncIterable<Uint8Array>): Promise<BackupFile>;
  /** Of the events kept for watchers; default: WATCH_LIMITS. */
  readonly history?: Partial<HistoryBounds>;
  /** Called once, when this node cannot go on. */
  onFatal(error: FatalError): void;
};
