// The contract of the snapshot store: every implementation of the port passes it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OpenSnapshot, type SnapshotStore, SnapshotUnusable } from '../../src/log/snapshot-store.ts';
import { bytes, KIB, MIB, noise, numbers, text } from './log-records.ts';
import { gate, within } from './log-tail.ts';

/** One fresh, empty place for snapshots. */
type TestSnapshotPlace = {
  /** A further handle on it, as another node would have one. The suite closes every handle. */
  open(node: string): Promise<SnapshotStore>;
  /** Called after all handles were closed. */
  remove(): Promise<void>;
};

export function snapshotStoreContract(name: string, createPlace: () => Promise<TestSnapshotPlace>): void {
  describe(`the contract of the snapshot store: ${name}`, () => {
    let place: TestSnapshotPlace;
    let store: SnapshotStore;
    let handles: SnapshotStore[];

    async function open(node: string): Promise<SnapshotStore> {
      const handle = await place.open(node);
      handles.push(handle);
      return handle;
    }

    beforeEach(async () => {
      handles = [];
      place = await createPlace();
      store = await open('node-1');
    });

    afterEach(async () => {
      for (const handle of handles) await within('a handle to close', handle.close());
      await place.remove();
    });

    test('is empty at first', async () => {
      expect(await store.list()).toEqual([]);
    });

    test('gives back every byte of manifest and chunks, and where each chunk ends', async () => {
      const sizes = [1, 0, 255, 256 * KIB, MIB - 1, MIB, MIB + 1, 3 * MIB + 7, 5];
      const chunks = sizes.map((size, seed) => noise(size, seed));
      const manifest = noise(300, 99);
      const id = await store.save({ revision: 2 ** 40, manifest }, each(chunks));
      for (const reader of [store, await open('node-2')]) {
        const [listed] = await reader.list();
        expect(listed).toMatchObject({ id, revision: 2 ** 40 });
        expect(Buffer.compare(listed?.manifest ?? bytes(''), manifest)).toBe(0);
        const found = await reader.open(id);
        expect(found).toMatchObject({ id, revision: 2 ** 40 });
        expect(Buffer.compare(found.manifest, manifest)).toBe(0);
        const read = await readAll(found);
        expect(read.map((chunk) => chunk.length)).toEqual(sizes);
        for (const [n, chunk] of chunks.entries()) expect(Buffer.compare(read[n] ?? bytes('?'), chunk)).toBe(0);
      }
    });

    test('gives back a snapshot that is larger than what is read ahead, though its reader is slower than it', async () => {
      const sizes = Array.from({ length: 64 }, (_, n) => (n % 8 === 7 ? 3 * MIB + n : 300 * KIB + n));
      const chunks = sizes.map((size, seed) => noise(size, seed));
      const found = await store.open(await store.save({ revision: 1, manifest: bytes('m') }, each(chunks)));
      let read = 0;
      for await (const chunk of found.chunks) {
        for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
        expect(Buffer.compare(chunk, chunks[read++] ?? bytes('?'))).toBe(0);
      }
      expect(read).toBe(sizes.length);
    });

    test('takes a snapshot without chunks', async () => {
      const id = await store.save({ revision: 0, manifest: bytes('m') }, each([]));
      expect(await readAll(await store.open(id))).toEqual([]);
    });

    test('keeps what the caller does with its bytes afterwards out of it', async () => {
      const scratch = bytes('first');
      const manifest = bytes('manifest');
      async function* reused() {
        yield scratch;
        scratch.set(bytes('other'));
        yield scratch;
      }
      const id = await store.save({ revision: 1, manifest }, reused());
      manifest.fill(0);
      expect((await readAll(await store.open(id))).map(text)).toEqual(['first', 'other']);
      expect((await store.list()).map((listed) => text(listed.manifest))).toEqual(['manifest']);
    });

    test('lists the highest revision first, in whatever order they were saved: a late writer is not the newest', async () => {
      const other = await open('node-2');
      for (const [n, revision] of [30, 9, 100, 20].entries()) await save(n % 2 === 0 ? store : other, revision);
      for (const reader of [store, other, await open('node-3')])
        expect(await revisions(reader)).toEqual([100, 30, 20, 9]);
    });

    test('lists nothing of a snapshot before all of it was saved', async () => {
      const { opened, open: release } = gate();
      const { opened: begun, open: begin } = gate();
      async function* slow() {
        yield bytes('a');
        begin();
        await opened;
        yield bytes('b');
      }
      const saving = store.save({ revision: 7, manifest: bytes('m') }, slow());
      await within('the first chunk to be taken', begun);
      expect(await store.list()).toEqual([]);
      expect(await (await open('node-2')).list()).toEqual([]);
      release();
      await saving;
      expect(await revisions(store)).toEqual([7]);
    });

    test('rejects with what its chunks rejected with, and lists nothing of it', async () => {
      await save(store, 1);
      async function* broken() {
        yield bytes('a');
        throw new Error('given up');
      }
      await expect(store.save({ revision: 2, manifest: bytes('m') }, broken())).rejects.toThrow('given up');
      expect(await revisions(store)).toEqual([1]);
      await save(store, 3);
      expect(await revisions(await open('node-2'))).toEqual([3, 1]);
    });

    test('keeps several that are saved at once apart, also of one revision', async () => {
      const others = [store, await open('node-2'), await open('node-3')];
      const ids = await Promise.all(
        others.map((one, n) => one.save({ revision: 5, manifest: bytes(`m${n}`) }, slowly(n))),
      );
      expect(new Set(ids).size).toBe(3);
      expect((await store.list()).map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
      for (const [n, id] of ids.entries()) {
        const found = await store.open(id);
        expect(text(found.manifest)).toBe(`m${n}`);
        expect((await readAll(found)).map(text)).toEqual(numbers(20).map((i) => `${n}-${i}`));
      }
    });

    test('removes one and leaves the others, whichever it is', async () => {
      const ids = new Map<number, string>();
      for (const revision of [1, 2, 3, 4, 5]) ids.set(revision, await save(store, revision));
      const other = await open('node-2');
      const left = [1, 2, 3, 4, 5];
      for (const revision of [3, 1, 5]) {
        await other.remove(ids.get(revision) ?? '');
        left.splice(left.indexOf(revision), 1);
        for (const reader of [store, other]) expect(await revisions(reader)).toEqual(left.toReversed());
        for (const one of left) {
          const read = await readAll(await store.open(ids.get(one) ?? ''));
          expect(read.map(text)).toEqual([`chunk of ${one}`, `another of ${one}`]);
        }
      }
      await expect(store.open(ids.get(3) ?? '')).rejects.toMatchObject({ reason: 'missing' });
      await store.remove(ids.get(3) ?? '');
    });

    test('is used again and again: old generations go, the last two stay', async () => {
      for (let revision = 1; revision <= 12; revision++) {
        await save(store, revision);
        for (const { id } of (await store.list()).slice(2)) await store.remove(id);
      }
      const [newest, before] = await store.list();
      expect((await readAll(await store.open(newest?.id ?? ''))).map(text)[0]).toBe('chunk of 12');
      expect((await readAll(await store.open(before?.id ?? ''))).map(text)[0]).toBe('chunk of 11');
      expect(await revisions(store)).toEqual([12, 11]);
    });

    test('a reader survives a removal: it reads to the end, or is told that the snapshot is missing', async () => {
      const chunks = numbers(40).map((n) => noise(512 * KIB, n));
      const id = await store.save({ revision: 1, manifest: bytes('m') }, each(chunks));
      await save(store, 2);
      const found = await (await open('node-2')).open(id);
      const iterator = found.chunks[Symbol.asyncIterator]();
      await iterator.next();
      await store.remove(id);
      const read = await readAll({ ...found, chunks: { [Symbol.asyncIterator]: () => iterator } }).catch(
        (e: unknown) => e,
      );
      if (Array.isArray(read)) expect(read.length).toBe(39);
      else expect(read).toMatchObject({ name: 'SnapshotUnusable', reason: 'missing' });
      expect(await revisions(store)).toEqual([2]);
    });

    test('knows no snapshot that was never saved', async () => {
      for (const id of ['', 'x', '../x', '0000000000000001-x']) {
        await expect(store.open(id)).rejects.toBeInstanceOf(SnapshotUnusable);
        await store.remove(id);
      }
    });

    test('a reader may leave before the end, and begin again', async () => {
      const id = await save(store, 1);
      for (let i = 0; i < 3; i++) {
        for await (const chunk of (await store.open(id)).chunks) {
          expect(text(chunk)).toBe('chunk of 1');
          break;
        }
      }
    });
  });
}

export async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export async function readAll({ chunks }: Pick<OpenSnapshot, 'chunks'>): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  for await (const chunk of chunks) read.push(Uint8Array.from(chunk));
  return read;
}

export function save(store: SnapshotStore, revision: number): Promise<string> {
  const chunks = [bytes(`chunk of ${revision}`), bytes(`another of ${revision}`)];
  return store.save({ revision, manifest: bytes(`manifest of ${revision}`) }, each(chunks));
}

export async function revisions(store: SnapshotStore): Promise<number[]> {
  return (await store.list()).map(({ revision }) => revision);
}

async function* slowly(n: number): AsyncGenerator<Uint8Array> {
  for (const i of numbers(20)) {
    await new Promise((resolve) => setImmediate(resolve));
    yield bytes(`${n}-${i}`);
  }
}
