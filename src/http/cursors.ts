// The cursor of a listing: where its next page begins, and the revision that the page must not be older than.
import { crc32 } from 'node:zlib';
import { invalidParameter } from './queries.ts';

export type Cursor = {
  /** The last key that was looked at. */
  readonly after: Buffer;
  /** Of the page that gave the cursor. */
  readonly revision: number;
};

// cursor = base64url( checksum:u32 revision:u48 key ); the checksum is over the prefix and what follows it
const CHECKSUM_BYTES = 4;
const HEAD_BYTES = CHECKSUM_BYTES + 6;

export function cursorText({ after, revision }: { after: Uint8Array; revision: number }, prefix: Buffer): string {
  const bytes = Buffer.alloc(HEAD_BYTES + after.length);
  bytes.writeUIntBE(revision, CHECKSUM_BYTES, 6);
  bytes.set(after, HEAD_BYTES);
  bytes.writeUInt32BE(checksum(bytes, prefix));
  return bytes.toString('base64url');
}

/** Throws a Problem for a text that is no cursor of a listing of this prefix. */
export function readCursor(text: string, prefix: Buffer): Cursor {
  const bytes = Buffer.from(text, 'base64url');
  const isWhole = bytes.length > HEAD_BYTES && bytes.toString('base64url') === text;
  if (!isWhole || bytes.readUInt32BE() !== checksum(bytes, prefix)) {
    throw invalidParameter(
      'cursor',
      '"cursor" is the "next" of an earlier page with the same prefix, as it was given.',
    );
  }
  return { after: bytes.subarray(HEAD_BYTES), revision: bytes.readUIntBE(CHECKSUM_BYTES, 6) };
}

function checksum(bytes: Buffer, prefix: Buffer): number {
  return crc32(bytes.subarray(CHECKSUM_BYTES), crc32(prefix));
}
