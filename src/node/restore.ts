// What a node starts from: the newest good snapshot from which the log goes on, else the log from its beginning.
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { World } from '../base/world.ts';
import type { Keyspace } from '../core/keyspace.ts';
import type { Machine } from '../core/machine.ts';
import { State } from '../core/state.ts';
import type { CommitLog } from '../log/commit-log.ts';
import type { SnapshotStore } from '../log/snapshot-store.ts';
import { decodeManifest, type SnapshotManifest } from '../snapshot/manifest.ts';
import { OffHeapKeyspace } from '../store/off-heap-keyspace.ts';
import { logUnreachable, snapshotsUnreadable, trimmedWithoutSnapshot } from './fatal.ts';
import { clusterOfLog } from './log-cluster.ts';
import { isUnusable, readSnapshot } from './snapshot-reading.ts';

export type RestoreOptions = {
  readonly log: CommitLog;
  readonly store: SnapshotStore;
  readonly world: World;
  readonly logger: Logger;
  /** What the log holds: offsets `from` to before `to`. */
  readonly from: number;
  readonly to: number;
  /** Ids of snapshots that are not to be believed, whatever their digests. */
  readonly distrusted?: ReadonlySet<string>;
  /** The cluster that the data directory belongs to; undefined: to none yet. */
  readonly cluster: string | undefined;
};

/**
 * Restores the newest snapshot from which the log goes on. What is damaged, foreign, of a newer program, or of a log that was
 * lost is passed over for an older one. Without any the machine is a new one, at the log's start. Resolves with the
 * snapshot's id. Rejects with FatalError where the log was trimmed and so does not tell all, and where the store fails.
 */
export async function restoreNewest(machine: Machine, options: RestoreOptions): Promise<string | undefined> {
  const { store, world, logger, log, from, to, distrusted } = options;
  const stored = await store.list().catch(snapshotsUnreadable);
  // Snapshots may outlive their log: without its own word they would be taken for those of the next one.
  const isNeeded = options.cluster === undefined && stored.length > 0;
  const cluster = isNeeded ? await clusterOfLog(log, from, to).catch(logUnreachable) : options.cluster;
  for (const { id, manifest } of stored) {
    try {
      if (distrusted?.has(id)) throw new Unfit('what was restored from it was not believed');
      refuseUnfit({ from, to, cluster }, decodeManifest(manifest));
      const state = new State(newKeyspace(world));
      const { offset, revision, keys } = await readSnapshot(await store.open(id), state, world);
      machine.goOnFrom(state, offset);
      logger.info({ snapshot: id, revision, offset, keys }, 'restored a snapshot');
      return id;
    } catch (error) {
      if (!(error instanceof Unfit) && !isUnusable(error)) snapshotsUnreadable(error);
      logger.warn({ snapshot: id, reason: messageOf(error) }, 'passed over a snapshot');
    }
  }
  if (from > 0) throw trimmedWithoutSnapshot(from);
  machine.goOnFrom(new State(newKeyspace(world)), 0);
  return undefined;
}

export function newKeyspace(world: World): Keyspace {
  return new OffHeapKeyspace(Math.floor(world.random() * 2 ** 53));
}

/** A good snapshot, but none to start from here. */
class Unfit extends Error {}

function refuseUnfit(
  { from, to, cluster }: Pick<RestoreOptions, 'from' | 'to' | 'cluster'>,
  manifest: SnapshotManifest,
): void {
  const { offset } = manifest;
  if (cluster !== undefined && manifest.cluster !== cluster) throw new Unfit(`it is of cluster ${manifest.cluster}`);
  if (offset < from) throw new Unfit(`it goes on at offset ${offset}, and the log begins at ${from}`);
  if (offset > to) throw new Unfit(`it goes on at offset ${offset}, and the log ends at ${to}`);
}
