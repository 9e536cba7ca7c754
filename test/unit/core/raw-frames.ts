// Frames written byte by byte, behind a right checksum: what no node writes, but a log may hold.
import { crc32 } from 'node:zlib';
import { ByteWriter } from '../../../src/base/bytes.ts';
import { FRAME_VERSION } from '../../../src/core/codec.ts';

/** A body under a right head. */
export function sealed(body: Uint8Array, version = FRAME_VERSION): Uint8Array {
  const checked = Uint8Array.of(version, ...body);
  const writer = new ByteWriter();
  writer.u16(0x4348);
  writer.u32(crc32(checked));
  writer.raw(checked);
  return writer.take();
}

type Body = { node: number[]; incarnation: number[]; n: number[]; count: number[]; command: Iterable<number> };

/** A frame of one barrier, of which parts may be replaced by other bytes. */
export function bodyOf(parts: Partial<Body>): Uint8Array {
  const whole: Body = {
    node: [1, 65],
    incarnation: [1, 66],
    n: [1],
    count: [0, 1],
    command: rawCommand(7, 1, []),
    ...parts,
  };
  return sealed(Uint8Array.of(...whole.node, ...whole.incarnation, ...whole.n, ...whole.count, ...whole.command));
}

/** A command without an id, its content as given. */
export function rawCommand(number: number, version: number, content: Iterable<number>): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(number);
  writer.u8(version);
  writer.raw(Uint8Array.of(0, 0, 0)); // attempt, deadline, no id
  writer.bytes32(Uint8Array.of(...content));
  return writer.take();
}

/** The content of a delete of a key of so many bytes. */
export function deletion(keyBytes: number): Uint8Array {
  const writer = new ByteWriter();
  writer.bytes16(new Uint8Array(keyBytes).fill(65));
  writer.raw(Uint8Array.of(0, 0));
  return writer.take();
}

/** The content of a touch of the key `A`. */
export function touch(ttlMs: number): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(Uint8Array.of(0, 1, 65, 0, 0));
  writer.varint(ttlMs);
  return writer.take();
}
