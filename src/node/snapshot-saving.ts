// Saves one snapshot: cut in the turn in which its frame was applied, then walked and written in slices while commands go on being applied.
import type { World } from '../base/world.ts';
import type { Machine } from '../core/machine.ts';
import type { SnapshotStore } from '../log/snapshot-store.ts';
import { cutSnapshot, type SnapshotLimits } from '../snapshot/cut.ts';
import { encodeManifest } from '../snapshot/manifest.ts';
import type { SavedSnapshot } from './snapshot-requests.ts';

export type SavingOptions = {
  readonly machine: Machine;
  readonly store: SnapshotStore;
  readonly world: World;
  readonly slices: SnapshotLimits;
  /** Ends it: this node stops. */
  readonly signal: AbortSignal;
};

/**
 * To be called at the end of a frame, in the turn in which it was applied: what the call finds there is what is saved.
 * Rejects with WalkGivenUp when too much was changed meanwhile, with the signal's reason, or with the store's failure.
 */
export async function saveSnapshot({ machine, store, world, slices, signal }: SavingOptions): Promise<SavedSnapshot> {
  const { clock } = world;
  const startedAt = clock.monotonicMs();
  const { manifest, chunks, end } = cutSnapshot(machine.state, machine.nextOffset, slices);
  const { revision, offset, keys } = manifest;
  let bytes = 0;
  async function* inSlices(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) {
      signal.throwIfAborted();
      world.fault('while-saving-snapshot');
      bytes += chunk.length;
      yield chunk;
      await clock.nextTurn();
    }
  }
  try {
    const id = await store.save({ revision, manifest: encodeManifest(manifest) }, inSlices());
    return { id, revision, offset, keys, bytes, tookMs: Math.round(clock.monotonicMs() - startedAt) };
  } finally {
    end();
  }
}
