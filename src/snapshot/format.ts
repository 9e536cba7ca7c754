// What the parts of a snapshot have in common: a head with checksum and version, and the error of whoever reads them.
//
//   part = magic:u16 checksum:u32 version:u8 body          big-endian; CRC-32 over version and body
import { crc32 } from 'node:zlib';
import { ByteReader, type ByteWriter, Malformed } from '../base/bytes.ts';

export const SNAPSHOT_VERSION = 1;
const CHECKSUM_AT = 2;
const CHECKED_FROM = 6;
const HEAD_BYTES = 7;

/**
 * The snapshot cannot be used. 'damaged': its bytes are not what was written, or do not make the state that they say.
 * 'newer': a later program wrote it.
 */
export class SnapshotInvalid extends Error {
  readonly kind: 'damaged' | 'newer';

  constructor(kind: 'damaged' | 'newer', message: string) {
    super(message);
    this.name = 'SnapshotInvalid';
    this.kind = kind;
  }
}

/** A part whose body `write` writes; a view, good until `writer` is written to again. What was in it before is gone. */
export function seal(magic: number, writer: ByteWriter, write: () => void): Uint8Array {
  writer.clear();
  writer.u16(magic);
  writer.u32(0);
  writer.u8(SNAPSHOT_VERSION);
  write();
  writer.setU32(CHECKSUM_AT, crc32(writer.peek(CHECKED_FROM)));
  return writer.peek(0);
}

/** What `read` makes of a part's body, all of it. Throws SnapshotInvalid. */
export function unseal<T>(magic: number, part: Uint8Array, read: (reader: ByteReader) => T): T {
  if (part.length < HEAD_BYTES) throw new SnapshotInvalid('damaged', 'a part is shorter than its head');
  const reader = new ByteReader(part);
  if (reader.u16() !== magic) throw new SnapshotInvalid('damaged', 'a part does not begin as it should');
  if (reader.u32() !== crc32(part.subarray(CHECKED_FROM))) throw new SnapshotInvalid('damaged', 'a wrong checksum');
  requireKnown('a snapshot', reader.u8(), SNAPSHOT_VERSION);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof Malformed) throw new SnapshotInvalid('damaged', error.message);
    throw error;
  }
}

export function requireKnown(what: string, version: number, newest: number): void {
  if (version === 0) throw new SnapshotInvalid('damaged', `${what} of version 0`);
  if (version > newest)
    throw new SnapshotInvalid('newer', `${what} of version ${version}; this program knows ${newest}`);
}
