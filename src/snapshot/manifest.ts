// A snapshot's manifest: what it is a snapshot of, small enough to be read of many before one is chosen.
//
//   manifest = 'C' 'M' checksum:u32 version:u8 cluster:text8 revision:varint offset:varint digest:u64 logTime:varint keys:varint
import { ByteWriter } from '../base/bytes.ts';
import { seal, unseal } from './format.ts';

export type SnapshotManifest = {
  readonly cluster: string;
  readonly revision: number;
  /** Of the first record to be applied after the restore. */
  readonly offset: number;
  /** Of the whole state. */
  readonly digest: bigint;
  /** When it was cut; ms. */
  readonly logTime: number;
  readonly keys: number;
};

const MAGIC = 0x434d;

export function encodeManifest(manifest: SnapshotManifest): Uint8Array {
  const writer = new ByteWriter();
  seal(MAGIC, writer, () => {
    writer.text8(manifest.cluster);
    writer.varint(manifest.revision);
    writer.varint(manifest.offset);
    writer.u64(manifest.digest);
    writer.varint(manifest.logTime);
    writer.varint(manifest.keys);
  });
  return writer.take();
}

/** Throws SnapshotInvalid. */
export function decodeManifest(bytes: Uint8Array): SnapshotManifest {
  return unseal(MAGIC, bytes, (reader) => ({
    cluster: reader.text8(),
    revision: reader.varint(),
    offset: reader.varint(),
    digest: reader.u64(),
    logTime: reader.varint(),
    keys: reader.varint(),
  }));
}
