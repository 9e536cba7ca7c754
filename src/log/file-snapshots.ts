// The snapshot store in files of one directory, which several processes on this machine share.
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readChunks, readEnd, snapshotFileBytes, writeSnapshotFile } from './snapshot-file.ts';
import {
  newestFirst,
  type OpenSnapshot,
  type SnapshotStore,
  SnapshotUnusable,
  type StoredSnapshot,
} from './snapshot-store.ts';

export type FileSnapshotsOptions = {
  /** Made when it is missing. */
  readonly dir: string;
  /** The node's id: its own unfinished files are removed when the store is opened, nobody else's. */
  readonly node: string;
};

/** A finished one; what else lies in the directory is left alone. */
const FILE_NAME = /^(\d{16}-[\w.-]+)\.snapshot$/;

/** Rejects with the file system's error when the directory cannot be used. */
export async function openFileSnapshots({ dir, node }: FileSnapshotsOptions): Promise<SnapshotStore> {
  const folder = join(dir, 'snapshots');
  await mkdir(folder, { recursive: true });
  // No node's id has a tilde in it.
  const ownUnfinished = `.${node}~`;
  for (const name of await readdir(folder)) {
    if (name.startsWith(ownUnfinished)) await rm(join(folder, name), { force: true });
  }
  return new FileSnapshots(folder, ownUnfinished);
}

class FileSnapshots implements SnapshotStore {
  readonly #folder: string;
  readonly #ownUnfinished: string;
  /** Those that were opened and not yet read to their end. */
  readonly #reading = new Set<FileHandle>();

  constructor(folder: string, ownUnfinished: string) {
    this.#folder = folder;
    this.#ownUnfinished = ownUnfinished;
  }

  async save(snapshot: Omit<StoredSnapshot, 'id'>, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const unique = randomUUID();
    const id = `${String(snapshot.revision).padStart(16, '0')}-${unique}`;
    const aside = join(this.#folder, `${this.#ownUnfinished}${unique}`);
    try {
      const file = await open(aside, 'wx');
      try {
        await writeSnapshotFile(file, snapshotFileBytes(snapshot, chunks));
      } finally {
        await file.close();
      }
      await rename(aside, this.#path(id));
      await syncFolder(this.#folder);
      return id;
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
  }

  async list(): Promise<readonly StoredSnapshot[]> {
    const found: StoredSnapshot[] = [];
    for (const name of await readdir(this.#folder)) {
      const id = FILE_NAME.exec(name)?.[1];
      if (id === undefined) continue;
      const stored = await this.#read(id).catch(ifUnusable);
      if (stored !== undefined) found.push(stored);
    }
    return newestFirst(found);
  }

  async open(id: string): Promise<OpenSnapshot> {
    const file = await this.#openFile(id);
    try {
      const end = await readEnd(file);
      this.#reading.add(file);
      return { id, revision: end.revision, manifest: end.manifest, chunks: this.#closing(file, readChunks(file, end)) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Whoever has it open reads on. */
  async remove(id: string): Promise<void> {
    if (FILE_NAME.test(`${id}.snapshot`)) await rm(this.#path(id), { force: true });
  }

  async close(): Promise<void> {
    for (const file of this.#reading) await file.close();
    this.#reading.clear();
  }

  async *#closing(file: FileHandle, chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } finally {
      if (this.#reading.delete(file)) await file.close();
    }
  }

  async #read(id: string): Promise<StoredSnapshot> {
    const file = await this.#openFile(id);
    try {
      const { revision, manifest } = await readEnd(file);
      return { id, revision, manifest };
    } finally {
      await file.close();
    }
  }

  async #openFile(id: string): Promise<FileHandle> {
    try {
      if (FILE_NAME.test(`${id}.snapshot`)) return await open(this.#path(id), 'r');
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    throw new SnapshotUnusable('missing', `there is no snapshot ${id}`);
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.snapshot`);
  }
}

/** The new name must survive a power failure too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A damaged one is not listed, nor one that was removed meanwhile. */
function ifUnusable(error: unknown): undefined {
  if (!(error instanceof SnapshotUnusable)) throw error;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
