// The snapshot store in two logs, over the memory log: the common contract, also with lost acknowledgements, and what spoils it.
import { describe, expect, test } from 'vitest';
import { systemWorld } from '../../../src/base/system-world.ts';
import type { CommitLog } from '../../../src/log/commit-log.ts';
import { LogSnapshots } from '../../../src/log/log-snapshots.ts';
import { type AppendFate, createMemoryLogStore } from '../../../src/log/memory-log.ts';
import { encodePart } from '../../../src/log/snapshot-records.ts';
import { bytes, KIB, noise, numbers, text } from '../../suites/log-records.ts';
import { each, readAll, revisions, save, snapshotStoreContract } from '../../suites/snapshot-store.ts';

const { clock } = systemWorld;
const FINE: AppendFate = { kind: 'acknowledged', landsAfterMs: 0, answersAfterMs: 0 };

snapshotStoreContract('two logs', async () => {
  const place = newPlace(() => FINE);
  return { open: async () => place.open(), remove: async () => {} };
});

snapshotStoreContract('two logs that lose acknowledgements and refuse appends', async () => {
  const fates: readonly AppendFate[] = [
    FINE,
    { kind: 'unknown', landsAfterMs: 0, answersAfterMs: 0 },
    ...Array.from({ length: 4 }, () => FINE),
    { kind: 'refused', answersAfterMs: 0, isPermanent: false },
    ...Array.from({ length: 4 }, () => FINE),
    { kind: 'unknown', landsAfterMs: undefined, answersAfterMs: 0 },
    ...Array.from({ length: 5 }, () => FINE),
  ];
  let appends = 0;
  const place = newPlace(() => fates[appends++ % fates.length] ?? FINE);
  return { open: async () => place.open(), remove: async () => {} };
});

describe('the snapshot store in two logs', () => {
  test('trims away what stands below the oldest that is left', async () => {
    const { open, parts, manifests } = newPlace(() => FINE);
    const store = open();
    const ids: string[] = [];
    for (const revision of [1, 2, 3]) ids.push(await save(store, revision));
    await store.remove(ids[1] ?? '');
    expect(await parts.open().start()).toBe(0);
    await store.remove(ids[0] ?? '');
    expect(await parts.open().start()).toBe(4);
    expect(await manifests.open().start()).toBe(2);
    await store.remove(ids[2] ?? '');
    expect(await parts.open().start()).toBe(6);
    expect(await store.list()).toEqual([]);
  });

  test('a writer whose parts were trimmed away meanwhile hears of it, and is not listed', async () => {
    const { open } = newPlace(() => FINE);
    const [slow, quick] = [open(), open()];
    async function* interrupted() {
      yield bytes('a');
      const id = await save(quick, 9);
      await save(quick, 10);
      await quick.remove(id);
      yield bytes('b');
    }
    const saving = slow.save({ revision: 1, manifest: bytes('m') }, interrupted());
    await expect(saving).rejects.toThrow('trimmed away');
    expect(await revisions(quick)).toEqual([10]);
  });

  test('a list that is read while older snapshots are removed begins anew with what is left', async () => {
    const { open, parts, manifests } = newPlace(() => FINE);
    const store = open();
    const ids: string[] = [];
    for (const revision of [1, 2]) ids.push(await save(store, revision));
    await save(store, 3);
    const log = manifests.open();
    const trimmedMeanwhile: CommitLog = {
      append: (payload) => log.append(payload),
      start: () => log.start(),
      barrier: () => log.barrier(),
      follow: (options) => log.follow(options),
      trim: (before) => log.trim(before),
      close: () => log.close(),
      // Asked between the start and the first record.
      end: async () => {
        for (const id of ids.splice(0)) await store.remove(id);
        return log.end();
      },
    };
    const reader = new LogSnapshots({ manifests: trimmedMeanwhile, parts: parts.open(), random: () => 0.5 });
    expect(await revisions(reader)).toEqual([3]);
  });

  test('ignores records that are damaged or none of its own', async () => {
    const { open, parts, manifests } = newPlace(() => FINE);
    async function* disturbed() {
      yield bytes('a');
      await parts.open().append(bytes('foreign'));
      await parts.open().append(new Uint8Array(100));
      await parts.open().append(encodePart({ id: 'other', number: 1, isLast: true, bytes: bytes('not this') }));
      yield bytes('b');
    }
    await manifests.open().append(noise(200, 1));
    const id = await open().save({ revision: 1, manifest: bytes('m') }, disturbed());
    await manifests.open().append(bytes(''));
    expect(await revisions(open())).toEqual([1]);
    expect((await readAll(await open().open(id))).map(text)).toEqual(['a', 'b']);
  });

  test('finds every flipped bit of a part, and a part that is missing', async () => {
    const { open, parts } = newPlace(() => FINE);
    const id = await open().save(
      { revision: 1, manifest: bytes('m') },
      each(numbers(3).map((n) => noise(20 * KIB, n))),
    );
    const history = parts.history();
    for (const [n, record] of history.entries()) {
      for (const at of [0, 3, 7, 9, 20, record.payload.length - 1]) {
        const payload = record.payload as Uint8Array<ArrayBuffer>;
        payload[at] = (payload[at] ?? 0) ^ 4;
        await expect(readAll(await open().open(id)), `record ${n}, byte ${at}`).rejects.toMatchObject({
          reason: 'damaged',
        });
        payload[at] ^= 4;
      }
    }
    expect((await readAll(await open().open(id))).length).toBe(3);
  });

  test('says that a snapshot is damaged when the log of parts was lost', async () => {
    const { open, manifests } = newPlace(() => FINE);
    const id = await save(open(), 1);
    const empty = createMemoryLogStore({ clock });
    const store = new LogSnapshots({ manifests: manifests.open(), parts: empty.open(), random: () => 0 });
    await expect(store.open(id)).rejects.toMatchObject({ reason: 'damaged' });
  });
});

function newPlace(fateOfAppend: () => AppendFate) {
  const [manifests, parts] = [1, 2].map(() => createMemoryLogStore({ clock, faults: { fateOfAppend } }));
  if (manifests === undefined || parts === undefined) throw new Error('there are two');
  const open = () => new LogSnapshots({ manifests: manifests.open(), parts: parts.open(), random: () => 0 });
  return { open, manifests, parts };
}
