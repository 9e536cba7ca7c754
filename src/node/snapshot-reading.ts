// Reads a stored snapshot back, whole: to start from it, or to judge it.
import type { World } from '../base/world.ts';
import type { State } from '../core/state.ts';
import { type OpenSnapshot, SnapshotUnusable } from '../log/snapshot-store.ts';
import { SnapshotInvalid } from '../snapshot/format.ts';
import { decodeManifest, type SnapshotManifest } from '../snapshot/manifest.ts';
import { SnapshotReader } from '../snapshot/reader.ts';

/** As a store of snapshots keeps it, or a file. */
export type StoredBytes = Pick<OpenSnapshot, 'manifest' | 'chunks'>;

/** Reads the snapshot whole into `state`, which must be new, a chunk a turn. Rejects with what `isUnusable` knows, or the store's failure. */
export async function readSnapshot(
  { manifest: bytes, chunks }: StoredBytes,
  state: State,
  world: World,
): Promise<SnapshotManifest> {
  const manifest = decodeManifest(bytes);
  const reader = new SnapshotReader(manifest, state);
  for await (const chunk of chunks) {
    world.fault('while-reading-snapshot');
    reader.read(chunk);
    await world.clock.nextTurn();
  }
  reader.finish();
  return manifest;
}

/** The snapshot is at fault, and will be the next time too; anything else may be the store's failure. */
export function isUnusable(error: unknown): error is SnapshotInvalid | SnapshotUnusable {
  return error instanceof SnapshotInvalid || error instanceof SnapshotUnusable;
}
