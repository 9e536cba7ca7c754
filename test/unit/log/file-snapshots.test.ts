// The snapshot store in files: the common contract, and files that are torn, flipped, foreign, or left by a writer that died.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SNAPSHOT_LIMITS } from '../../../src/base/limits.ts';
import { openFileSnapshots } from '../../../src/log/file-snapshots.ts';
import { SnapshotUnusable } from '../../../src/log/snapshot-store.ts';
import { temporaryDirectory } from '../../servers/places.ts';
import { bytes, noise, text } from '../../suites/log-records.ts';
import { within } from '../../suites/log-tail.ts';
import { each, readAll, revisions, save, snapshotStoreContract } from '../../suites/snapshot-store.ts';

snapshotStoreContract('files', async () => {
  const dir = temporaryDirectory('snapshots');
  return {
    open: (node) => openFileSnapshots({ dir, node }),
    remove: async () => rmSync(dir, { recursive: true, force: true }),
  };
});

describe('the snapshot store in files', () => {
  let dir: string;
  let folder: string;

  beforeEach(() => {
    dir = temporaryDirectory('snapshots');
    folder = join(dir, 'snapshots');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const open = (node = 'node-1') => openFileSnapshots({ dir, node });

  test('gives back chunks of many sizes, one of them longer than what is read at once, many times as much in all', async () => {
    const sizes = Array.from({ length: 90 }, (_, n) => (n === 40 ? SNAPSHOT_LIMITS.blockBytes + 100_000 : n * 9001));
    const chunks = sizes.map((size, n) => noise(size, n));
    const store = await open();
    const id = await store.save({ revision: 1, manifest: bytes('m') }, each(chunks));
    const read = await readAll(await store.open(id));
    expect(read.map((chunk, n) => Buffer.compare(chunk, chunks[n] ?? bytes('')))).toEqual(sizes.map(() => 0));
  });

  /** The file of a small snapshot, beside an older one that is to stay in use. */
  async function saveSmall(): Promise<{ id: string; path: string; whole: Buffer }> {
    const store = await open();
    await save(store, 1);
    const id = await store.save({ revision: 2, manifest: bytes('manifest') }, each([noise(30, 1), noise(20, 2)]));
    const path = join(folder, `${id}.snapshot`);
    return { id, path, whole: readFileSync(path) };
  }

  /** Whether it is taken for a snapshot: listed, and then read to its end. */
  async function isTaken(id: string): Promise<boolean> {
    const store = await open('node-2');
    const listed = await store.list();
    expect(listed.at(-1)?.revision).toBe(1);
    const isListed = listed.some((one) => one.id === id);
    try {
      await readAll(await store.open(id));
    } catch (error) {
      expect(error).toBeInstanceOf(SnapshotUnusable);
      return false;
    } finally {
      await store.close();
    }
    return isListed;
  }

  test('a file cut off anywhere is not listed', async () => {
    const { id, path, whole } = await saveSmall();
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(await revisions(await open('node-2')), `${length} bytes`).toEqual([1]);
      expect(await isTaken(id)).toBe(false);
    }
    writeFileSync(path, whole);
    expect(await isTaken(id)).toBe(true);
  });

  test('a file with any byte changed, or one too many, is not listed or found out when it is read', async () => {
    const { id, path, whole } = await saveSmall();
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at & 7));
      writeFileSync(path, flipped);
      expect(await isTaken(id), `byte ${at}`).toBe(false);
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.of(0)]));
    expect(await isTaken(id)).toBe(false);
  });

  test('a page of zeros in the middle, as a power failure leaves it, is found out', async () => {
    const store = await open();
    await save(store, 1);
    const id = await store.save({ revision: 2, manifest: bytes('m') }, each([noise(20_000, 1)]));
    const path = join(folder, `${id}.snapshot`);
    const torn = readFileSync(path);
    writeFileSync(path, torn.fill(0, 8192, 12_288));
    expect(await isTaken(id)).toBe(false);
  });

  test('a newer format is said to be one', async () => {
    const { id, path, whole } = await saveSmall();
    whole.writeUInt32BE(2, 8);
    writeFileSync(path, whole);
    await expect((await open()).open(id)).rejects.toThrow('format 2');
  });

  test('foreign files and folders are left alone', async () => {
    const store = await open();
    await save(store, 1);
    const foreign = ['README', '0000000000000005-x.snapshot', 'x.snapshot', '.hidden'];
    for (const name of foreign) writeFileSync(join(folder, name), 'not a snapshot');
    mkdirSync(join(folder, 'folder'));
    expect(await revisions(store)).toEqual([1]);
    await store.remove('../snapshots/x');
    expect(readdirSync(folder)).toEqual(expect.arrayContaining([...foreign, 'folder']));
  });

  test('a writer killed in mid-save leaves nothing that is listed, and its file goes when its node starts again, not before', async () => {
    const script = fileURLToPath(new URL('../../suites/crash-saver.ts', import.meta.url));
    // `node` is a part of this node's name: it must not remove its file.
    await save(await open('node'), 1);
    const child = spawn(process.execPath, [script, dir, 'node.1'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await within('the saver to have written', once(child.stdout, 'data'));
      expect(await revisions(await open('node-2'))).toEqual([1]);
    } finally {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await within('the saver to end', closed);
    }
    for (const node of ['node', 'node-2', 'node.']) expect(await revisions(await open(node))).toEqual([1]);
    expect(readdirSync(folder).filter((name) => name.startsWith('.')).length).toBe(1);
    expect(await revisions(await open('node.1'))).toEqual([1]);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('a zombie whose file was removed by its younger self hears of it and harms nobody', async () => {
    const zombie = await open('node-1');
    async function* overtaken() {
      yield bytes('a');
      await save(await open('node-1'), 3);
      yield bytes('b');
    }
    await expect(zombie.save({ revision: 2, manifest: bytes('m') }, overtaken())).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(await revisions(zombie)).toEqual([3]);
  });

  test('a reader reads a removed file to its end', async () => {
    const store = await open();
    const id = await save(store, 1);
    const found = await store.open(id);
    await store.remove(id);
    expect((await readAll(found)).map(text)).toEqual(['chunk of 1', 'another of 1']);
  });

  test('what was opened and never read is closed with the store', async () => {
    const store = await open();
    const found = await store.open(await save(store, 1));
    await store.close();
    await expect(readAll(found)).rejects.toThrow();
  });
});
