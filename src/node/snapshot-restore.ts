// A stored snapshot becomes a machine that goes on from it.
import type { Keyspace } from '../core/keyspace.ts';
import { Machine } from '../core/machine.ts';
import { decodeManifest, type SnapshotManifest } from '../snapshot/manifest.ts';
import { SnapshotReader } from '../snapshot/reader.ts';

/** As the store of snapshots keeps it. */
export type WrittenSnapshot = { readonly manifest: Uint8Array; readonly chunks: AsyncIterable<Uint8Array> };

/**
 * Resolves with a machine over `keyspace`, which must be empty, once all was read and is what the manifest says. Rejects with
 * SnapshotInvalid, or with what `chunks` rejects with; the keyspace is good for nothing then.
 */
export async function restoreSnapshot(
  snapshot: WrittenSnapshot,
  keyspace: Keyspace,
): Promise<{ readonly machine: Machine; readonly manifest: SnapshotManifest }> {
  const manifest = decodeManifest(snapshot.manifest);
  const machine = new Machine(keyspace, manifest.offset);
  const reader = new SnapshotReader(manifest, machine.state);
  for await (const chunk of snapshot.chunks) reader.read(chunk);
  reader.finish();
  return { machine, manifest };
}
