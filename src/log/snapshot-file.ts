// One snapshot as a file: its grammar, the writing of it, and the reading, which believes nothing.
//
//   file   = 'CHORSNAP' version:u32 chunk* manifest end                 big-endian
//   chunk  = length:u32 checksum:u32 bytes{length}                      CRC-32
//   end    = revision:f64 chunks:u32 chunkBytes:f64 manifestLength:u32 checksum:u32 'CHOREND!'
//                                                                       checksum over the manifest and what stands before it here
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { SNAPSHOT_LIMITS } from '../base/limits.ts';
import { SnapshotUnusable } from './snapshot-store.ts';

const FILE_VERSION = 1;
const MAGIC = Buffer.from('CHORSNAP');
const END_MAGIC = Buffer.from('CHOREND!');
const HEAD_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
const END_BYTES = 36;

export type FileEnd = {
  readonly revision: number;
  readonly manifest: Uint8Array;
  readonly chunks: number;
  readonly chunkBytes: number;
};

/** The file's bytes: pieces that follow each other, a chunk's as they were given, good as long as those are. */
export async function* snapshotFileBytes(
  { revision, manifest }: Pick<FileEnd, 'revision' | 'manifest'>,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly Uint8Array[]> {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt32BE(FILE_VERSION, 8);
  yield [head];
  let count = 0;
  let chunkBytes = 0;
  for await (const chunk of chunks) {
    const chunkHead = Buffer.alloc(CHUNK_HEAD_BYTES);
    chunkHead.writeUInt32BE(chunk.length, 0);
    chunkHead.writeUInt32BE(crc32(chunk), 4);
    yield [chunkHead, chunk];
    count++;
    chunkBytes += chunk.length;
  }
  yield [manifest, endOf({ revision, manifest, chunks: count, chunkBytes })];
}

/** Writes them all and makes them durable, under whatever name the file was opened. */
export async function writeSnapshotFile(file: FileHandle, pieces: AsyncIterable<readonly Uint8Array[]>): Promise<void> {
  for await (const piece of pieces) await writeAll(file, piece);
  await file.sync();
}

/** Rejects with SnapshotUnusable unless the file is as long as it says, and its end is whole. */
export async function readEnd(file: FileHandle): Promise<FileEnd> {
  const { size } = await file.stat();
  const smallest = HEAD_BYTES + END_BYTES;
  if (size < smallest) throw damaged('it is too short');
  const bytes = await readAt(file, size - END_BYTES, END_BYTES);
  if (!bytes.subarray(28).equals(END_MAGIC)) throw damaged('it has no end');
  const manifestLength = bytes.readUInt32BE(20);
  if (manifestLength > Math.min(SNAPSHOT_LIMITS.maxManifestBytes, size - smallest)) throw damaged('its end is damaged');
  const manifest = await readAt(file, size - END_BYTES - manifestLength, manifestLength);
  const end = {
    revision: bytes.readDoubleBE(0),
    manifest,
    chunks: bytes.readUInt32BE(8),
    chunkBytes: bytes.readDoubleBE(12),
  };
  if (!endOf(end).equals(bytes)) throw damaged('its end is damaged');
  if (size !== smallest + manifestLength + end.chunks * CHUNK_HEAD_BYTES + end.chunkBytes)
    throw damaged('it is not whole');
  const head = await readAt(file, 0, HEAD_BYTES);
  if (!head.subarray(0, 8).equals(MAGIC)) throw damaged('it does not begin like a snapshot');
  const version = head.readUInt32BE(8);
  if (version !== FILE_VERSION) throw damaged(`it has format ${version}; this program reads ${FILE_VERSION}`);
  return end;
}

/**
 * The chunks that stand before this end: views, each good until the next one is asked for. Throws SnapshotUnusable at the first
 * that is not as it was written.
 */
export async function* readChunks(file: FileHandle, end: FileEnd): AsyncGenerator<Uint8Array> {
  let count = 0;
  // Two ahead: where the machine is busy, a read waits longer for a processor than for the disk.
  for await (const { bytes, chunks } of oneAhead(oneAhead(blocksOf(file, end)))) {
    for (const { at, length, checksum } of chunks) {
      const chunk = bytes.subarray(at, at + length);
      if (checksum !== crc32(chunk)) throw damaged(`chunk ${count} has a wrong checksum`);
      count++;
      yield chunk;
    }
  }
  if (count !== end.chunks) throw damaged('its chunks end too early');
}

/** Asks for the next one before it gives one away: it is read while the other is used. */
async function* oneAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    for (let next = source.next(); ; ) {
      const { done, value } = await next;
      if (done === true) return;
      next = source.next();
      // Whoever goes on hears of its failure; whoever stops here has no use for it.
      next.catch(() => {});
      yield value;
    }
  } finally {
    await source.return(undefined);
  }
}

type ChunkPlace = { readonly at: number; readonly length: number; readonly checksum: number };
type Block = { readonly bytes: Buffer; readonly chunks: readonly ChunkPlace[] };

/** Whole chunks with their heads, as many as a block holds, and one at least. */
async function* blocksOf(file: FileHandle, end: FileEnd): AsyncGenerator<Block> {
  const stop = HEAD_BYTES + end.chunks * CHUNK_HEAD_BYTES + end.chunkBytes;
  let at = HEAD_BYTES;
  let wanted = SNAPSHOT_LIMITS.blockBytes;
  // One is used and two are read ahead, in turn: new ones each time would have the garbage collected all the time.
  const buffers = [0, 1, 2].map(() => Buffer.alloc(0));
  for (let turn = 0; at < stop; turn++) {
    const length = Math.min(wanted, stop - at);
    const slot = turn % buffers.length;
    let buffer = buffers[slot] as Buffer;
    if (buffer.length < length) buffer = buffers[slot] = Buffer.allocUnsafeSlow(length);
    const bytes = await readInto(buffer.subarray(0, length), file, at);
    const { chunks, next, missing } = placesIn(bytes, stop - at);
    at += next;
    wanted = Math.max(SNAPSHOT_LIMITS.blockBytes, missing);
    if (chunks.length > 0) yield { bytes, chunks };
  }
}

/** The chunks that lie whole in these bytes, where the first one begins that does not, and how long that is. `left`: from here to the chunks' end. */
function placesIn(bytes: Buffer, left: number): { chunks: readonly ChunkPlace[]; next: number; missing: number } {
  const chunks: ChunkPlace[] = [];
  let next = 0;
  let missing = 0;
  while (next < bytes.length) {
    const at = next + CHUNK_HEAD_BYTES;
    if (at > left) throw damaged('its chunks end too early');
    if (at > bytes.length) break;
    const length = bytes.readUInt32BE(next);
    if (length > Math.min(SNAPSHOT_LIMITS.maxChunkBytes, left - at)) throw damaged('a chunk has a wrong length');
    missing = CHUNK_HEAD_BYTES + length;
    if (at + length > bytes.length) break;
    chunks.push({ at, length, checksum: bytes.readUInt32BE(next + 4) });
    next = at + length;
  }
  return { chunks, next, missing };
}

function endOf({ revision, manifest, chunks, chunkBytes }: FileEnd): Buffer {
  const end = Buffer.alloc(END_BYTES);
  end.writeDoubleBE(revision, 0);
  end.writeUInt32BE(chunks, 8);
  end.writeDoubleBE(chunkBytes, 12);
  end.writeUInt32BE(manifest.length, 20);
  end.writeUInt32BE(crc32(end.subarray(0, 24), crc32(manifest)), 24);
  END_MAGIC.copy(end, 28);
  return end;
}

/** `writev` may write less than it was given. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await file.writev(parts);
  let skip = bytesWritten;
  for (const part of parts) {
    let rest = part.subarray(Math.min(skip, part.length));
    skip -= part.length - rest.length;
    while (rest.length > 0) rest = rest.subarray((await file.write(rest)).bytesWritten);
  }
}

function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  return readInto(Buffer.allocUnsafe(length), file, position);
}

async function readInto(bytes: Buffer, file: FileHandle, position: number): Promise<Buffer> {
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await file.read(bytes, read, bytes.length - read, position + read);
    if (bytesRead === 0) throw damaged('it ends too early');
    read += bytesRead;
  }
  return bytes;
}

function damaged(fact: string): SnapshotUnusable {
  return new SnapshotUnusable('damaged', `the snapshot's file is damaged: ${fact}`);
}
