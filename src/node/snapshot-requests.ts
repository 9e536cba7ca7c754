// What a node is asked of snapshots and backups, and what it answers.
import type { Refusal } from './requests.ts';

export type SavedSnapshot = {
  /** In the snapshot store. */
  readonly id: string;
  readonly revision: number;
  /** Of the first record to be applied after it. */
  readonly offset: number;
  readonly keys: number;
  readonly bytes: number;
  readonly tookMs: number;
};

export type SnapshotResult =
  /** `isVerified`: another node read it back in time, or this one where it is alone. */
  { readonly kind: 'saved'; readonly snapshot: SavedSnapshot; readonly isVerified: boolean } | NoSnapshot;

export type NoSnapshot =
  | { readonly kind: 'refused'; readonly reason: Refusal | 'feature-not-enabled' }
  /** This node's log says why. */
  | { readonly kind: 'failed' }
  /** It goes on. */
  | { readonly kind: 'timed-out' };

export type BackupResult =
  /** The bytes of a file that `POST /v1/restore` takes, to be read once. They may break off when snapshots are removed. */
  { readonly kind: 'made'; readonly revision: number; readonly bytes: AsyncIterable<Uint8Array> } | NoSnapshot;

export type RestoreRefusal = Refusal | 'feature-not-enabled' | 'not-empty' | 'memory-full';

export type RestoreResult =
  /** `revision` and `cluster` are the backup's; keys that had expired by then are left out. */
  | { readonly kind: 'restored'; readonly keys: number; readonly revision: number; readonly cluster: string }
  /** The backup is not whole, or not as it was written. */
  | { readonly kind: 'unusable'; readonly detail: string }
  | { readonly kind: 'refused'; readonly reason: RestoreRefusal }
  /** A part of it, or nothing, was taken: the same backup may be sent again. */
  | { readonly kind: 'timed-out' };
