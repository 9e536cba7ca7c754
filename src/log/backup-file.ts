// A backup: one snapshot in a file by itself, as a client sent it or an operator kept it.
import { randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readChunks, readEnd, writeSnapshotFile } from './snapshot-file.ts';

export type BackupFile = {
  readonly revision: number;
  readonly manifest: Uint8Array;
  /** To be read once. Rejects with SnapshotUnusable at the first that is not as it was written. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
};

/** Rejects with SnapshotUnusable, and with the file system's error where there is no such file. */
export async function openBackup(path: string): Promise<BackupFile> {
  const file = await open(path, 'r');
  try {
    const end = await readEnd(file);
    const { revision, manifest } = end;
    return { revision, manifest, chunks: readChunks(file, end), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Keeps what comes in `dir` until it is closed. Rejects as `openBackup` does, or with what `bytes` rejects with. */
export async function receiveBackup(dir: string, bytes: AsyncIterable<Uint8Array>): Promise<BackupFile> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, `received-${randomUUID()}.backup`);
  try {
    const file = await open(path, 'wx');
    try {
      await writeSnapshotFile(file, piecesOf(bytes));
    } finally {
      await file.close();
    }
    return await openBackup(path);
  } finally {
    // What is open stays readable without its name, and is gone however this process ends.
    await rm(path, { force: true });
  }
}

async function* piecesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[]> {
  for await (const piece of bytes) yield [piece];
}
