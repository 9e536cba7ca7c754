// The records of the snapshot store in two logs, written and read; the grammar stands in log-snapshots.ts.
import { crc32 } from 'node:zlib';
import { SNAPSHOT_LIMITS } from '../base/limits.ts';

export type PartRecord = {
  readonly id: string;
  readonly number: number;
  readonly isLast: boolean;
  readonly bytes: Uint8Array;
};

export type ManifestRecord = {
  readonly id: string;
  readonly revision: number;
  readonly first: number;
  readonly after: number;
  readonly parts: number;
  readonly manifest: Uint8Array;
};

export type SnapshotRecord =
  | ({ readonly kind: 'part' } & PartRecord)
  | ({ readonly kind: 'manifest' } & ManifestRecord)
  | { readonly kind: 'removal'; readonly id: string };

const MAGIC = 0x5352;
const VERSION = 1;
const KIND = { part: 1, manifest: 2, removal: 3 } as const;
const CHECKED_FROM = 6;
const HEAD_BYTES = 9;
const PART_BYTES = 5;
const MANIFEST_BYTES = 28;

export function encodePart({ id, number, isLast, bytes }: PartRecord): Uint8Array {
  const rest = Buffer.alloc(PART_BYTES);
  rest.writeUInt32BE(number, 0);
  rest.writeUInt8(isLast ? 1 : 0, 4);
  return encode(KIND.part, id, rest, bytes);
}

/** Throws RangeError when the manifest is too large to be read again. */
export function encodeManifest({ id, revision, first, after, parts, manifest }: ManifestRecord): Uint8Array {
  if (manifest.length > SNAPSHOT_LIMITS.maxManifestBytes) throw new RangeError('a manifest is too large');
  const rest = Buffer.alloc(MANIFEST_BYTES);
  rest.writeDoubleBE(revision, 0);
  rest.writeDoubleBE(first, 8);
  rest.writeDoubleBE(after, 16);
  rest.writeUInt32BE(parts, 24);
  return encode(KIND.manifest, id, rest, manifest);
}

export function encodeRemoval(id: string): Uint8Array {
  return encode(KIND.removal, id, Buffer.alloc(0), Buffer.alloc(0));
}

/** Undefined for what is damaged, or none of ours. Bytes are views. */
export function decodeSnapshotRecord(payload: Uint8Array): SnapshotRecord | undefined {
  const record = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (record.length < HEAD_BYTES || record.readUInt16BE(0) !== MAGIC) return undefined;
  if (record.readUInt32BE(2) !== crc32(record.subarray(CHECKED_FROM)) || record.readUInt8(6) !== VERSION)
    return undefined;
  const restAt = HEAD_BYTES + record.readUInt8(8);
  const id = record.toString('latin1', HEAD_BYTES, restAt);
  const rest = record.subarray(restAt);
  const kind = record.readUInt8(7);
  if (kind === KIND.part && rest.length >= PART_BYTES) {
    return {
      kind: 'part',
      id,
      number: rest.readUInt32BE(0),
      isLast: rest.readUInt8(4) === 1,
      bytes: rest.subarray(PART_BYTES),
    };
  }
  if (kind === KIND.manifest && rest.length >= MANIFEST_BYTES) {
    const [revision, first, after] = [rest.readDoubleBE(0), rest.readDoubleBE(8), rest.readDoubleBE(16)];
    const manifest = rest.subarray(MANIFEST_BYTES);
    return { kind: 'manifest', id, revision, first, after, parts: rest.readUInt32BE(24), manifest };
  }
  return kind === KIND.removal ? { kind: 'removal', id } : undefined;
}

function encode(kind: number, id: string, rest: Uint8Array, bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES + id.length);
  head.writeUInt16BE(MAGIC, 0);
  head.writeUInt8(VERSION, 6);
  head.writeUInt8(kind, 7);
  head.writeUInt8(id.length, 8);
  head.write(id, HEAD_BYTES, 'latin1');
  const record = Buffer.concat([head, rest, bytes]);
  record.writeUInt32BE(crc32(record.subarray(CHECKED_FROM)), 2);
  return record;
}
