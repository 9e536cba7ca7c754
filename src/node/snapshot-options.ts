// What the parts of a node that concern snapshots are made of.
import type { Logger } from '../base/logger.ts';
import type { World } from '../base/world.ts';
import type { Machine } from '../core/machine.ts';
import type { CommitLog } from '../log/commit-log.ts';
import type { SnapshotStore } from '../log/snapshot-store.ts';
import type { SnapshotLimits } from '../snapshot/cut.ts';
import type { ChoreParts } from './chores.ts';
import type { Refusal } from './requests.ts';

/** Where snapshots are kept, and when the duty node cuts one by itself: at the first of the two. */
export type SnapshotPolicy = {
  readonly store: SnapshotStore;
  /** Of the log since the last verified one; more where keys and values take more, so that snapshots never cost more than the log. */
  readonly everyBytes: number;
  /** Records of the log since the last verified one. */
  readonly everyRecords: number;
  /** Of the slices in which one is written; default: SNAPSHOT_LIMITS. */
  readonly slices?: SnapshotLimits;
};

export type SnapshotsOptions = ChoreParts & {
  readonly policy: SnapshotPolicy;
  readonly machine: Machine;
  readonly log: CommitLog;
  readonly world: World;
  readonly logger: Logger;
  readonly author: { readonly node: string; readonly incarnation: string };
  isReady(): boolean;
  /** Why none can be asked for now. */
  refusal(): Refusal | undefined;
  isOnDuty(): boolean;
  onBroken(error: unknown): void;
};
