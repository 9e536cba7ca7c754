// The snapshot store in memory: the common contract, and the faults that the simulator plans.
import { describe, expect, test } from 'vitest';
import { createMemorySnapshots, type SaveFate } from '../../../src/log/memory-snapshots.ts';
import { each, readAll, revisions, save, snapshotStoreContract } from '../../suites/snapshot-store.ts';

snapshotStoreContract('memory', async () => {
  const snapshots = createMemorySnapshots();
  return { open: async (node) => snapshots.open(node), remove: async () => {} };
});

describe('the planned faults of the memory store', () => {
  const chunks = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6)];

  test('a torn snapshot is listed, and half of its last chunk is missing', async () => {
    expect(await readUnder({ kind: 'torn' })).toEqual([[1, 2, 3, 4], [5]]);
  });

  test('a bit-flipped one is listed, and differs in just that bit', async () => {
    expect(await readUnder({ kind: 'bit-flipped', bit: 9 })).toEqual([
      [1, 0, 3, 4],
      [5, 6],
    ]);
    expect(await readUnder({ kind: 'bit-flipped', bit: 48 + 40 })).toEqual([
      [1, 2, 3, 4],
      [5, 7],
    ]);
  });

  test('a writer that crashes in the middle of a save leaves nothing behind and takes no more chunks', async () => {
    const snapshots = createMemorySnapshots({ fateOfSave: () => ({ kind: 'crash', afterChunks: 1 }) });
    let ended = 0;
    async function* counted() {
      try {
        yield* chunks;
      } finally {
        ended++;
      }
    }
    void snapshots.open().save({ revision: 1, manifest: Uint8Array.of(1) }, counted());
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(1);
    expect(await snapshots.open().list()).toEqual([]);
  });

  test('a refused save rejects and leaves nothing behind; the faults are asked by handle and revision', async () => {
    const fateOfSave = (handle: string, revision: number): SaveFate =>
      handle === 'bad' && revision === 2 ? { kind: 'refused', afterChunks: 0 } : { kind: 'saved' };
    const snapshots = createMemorySnapshots({ fateOfSave });
    await save(snapshots.open('bad'), 1);
    await expect(save(snapshots.open('bad'), 2)).rejects.toThrow('planned');
    await save(snapshots.open('good'), 2);
    expect(await revisions(snapshots.open())).toEqual([2, 1]);
  });

  async function readUnder(fate: SaveFate): Promise<number[][]> {
    const store = createMemorySnapshots({ fateOfSave: () => fate }).open();
    const id = await store.save({ revision: 1, manifest: Uint8Array.of(1) }, each(chunks));
    expect((await store.list()).map((listed) => listed.id)).toEqual([id]);
    return (await readAll(await store.open(id))).map((chunk) => [...chunk]);
  }
});
