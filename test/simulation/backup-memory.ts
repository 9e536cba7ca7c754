// A backup in memory, read as one in a file is: the simulated nodes have no disk.
import type { FileHandle } from 'node:fs/promises';
import type { BackupFile } from '../../src/log/backup-file.ts';
import { readChunks, readEnd } from '../../src/log/snapshot-file.ts';

/** Rejects as `receiveBackup` does. */
export async function receiveInMemory(bytes: AsyncIterable<Uint8Array>): Promise<BackupFile> {
  return openInMemory(await gathered(bytes));
}

/** Rejects with SnapshotUnusable. */
export async function openInMemory(bytes: Uint8Array): Promise<BackupFile> {
  const file = fileOf(bytes);
  const end = await readEnd(file);
  return { revision: end.revision, manifest: end.manifest, chunks: readChunks(file, end), close: async () => {} };
}

export async function gathered(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}

function fileOf(bytes: Uint8Array): FileHandle {
  const file = {
    stat: async () => ({ size: bytes.length }),
    read: async (into: Uint8Array, at: number, length: number, position: number) => {
      const part = bytes.subarray(position, position + length);
      into.set(part, at);
      return { bytesRead: part.length, buffer: into };
    },
  };
  return file as Partial<FileHandle> as FileHandle;
}
