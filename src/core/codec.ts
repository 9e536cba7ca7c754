// The bytes of a frame: what one log record holds. The grammar, big-endian; it is versioned, checksummed and total:
//
//   frame    = 'C' 'H' checksum:u32 version:u8 body          CRC-32 over version and body
//   body     = node:text8 incarnation:text8 n:varint count:u16 command{count}
//   command  = number:u8 version:u8 attempt:varint deadline:varint identity length:u32 content{length}
//   identity = 0:u8 | id:text8 caller:text8 hash:u64         hash over number, version and content
//   content  = as the command's family file says (core/commands/)
//   text8    = length:u8 character:u8{length}                Latin-1
//   varint   = seven bits a byte, lowest first, no superfluous byte, below 2^53
//
// A reader tells three kinds of trouble apart: damaged (no frame, or a wrong checksum: may be read once more), garbage
// (a right checksum over what no node can have written: a no-op everywhere), newer (written by a later program: this node must stop).
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, Malformed } from '../base/bytes.ts';
import { hashOf } from '../base/hash.ts';
import { FRAME_LIMITS } from '../base/limits.ts';
import type { Command } from './commands/command.ts';
import { specByNumber, specOf } from './commands/table.ts';

export const FRAME_VERSION = 1;
const MAGIC = 0x4348;
const CHECKSUM_AT = 2;
const CHECKED_FROM = 6;
const BODY_AT = 7;

export type CommandHead = {
  /** Counts the attempts of its (node, incarnation); 0 where nobody waits. */
  readonly attempt: number;
  /** '' for commands that are harmless twice. */
  readonly id: string;
  readonly caller: string;
  /** Log time after which it must not be applied any more; 0: none. */
  readonly deadline: number;
};

export type FrameCommand = CommandHead & {
  /** Of the canonical bytes: the same id with another hash is another command. 0n without an id. */
  readonly hash: bigint;
  readonly command: Command;
};

export type FrameHead = { readonly node: string; readonly incarnation: string; readonly n: number };
export type Frame = FrameHead & { readonly commands: readonly FrameCommand[] };

export type Decoded =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'garbage'; readonly reason: string }
  | { readonly kind: 'newer'; readonly reason: string };

/** The bytes of one command, ready to be packed into a frame. */
export function encodeCommand(head: CommandHead, command: Command): Uint8Array {
  const spec = specOf(command.type);
  content.clear();
  content.u8(spec.number);
  content.u8(spec.version);
  spec.write(content, command);
  const canonical = content.peek(0);
  encoded.clear();
  encoded.u8(spec.number);
  encoded.u8(spec.version);
  encoded.varint(head.attempt);
  encoded.varint(head.deadline);
  encoded.text8(head.id);
  if (head.id !== '') {
    encoded.text8(head.caller);
    encoded.u64(hashOf(canonical));
  }
  encoded.bytes32(canonical.subarray(2));
  return encoded.take();
}

/** The payload of one record. `commands` are as encodeCommand made them; the caller keeps to FRAME_LIMITS. */
export function encodeFrame(head: FrameHead, commands: readonly Uint8Array[]): Uint8Array {
  const bytes = commands.reduce((sum, command) => sum + command.length, 0);
  const writer = new ByteWriter(BODY_AT + bytes + head.node.length + head.incarnation.length + 16);
  writer.u16(MAGIC);
  writer.u32(0);
  writer.u8(FRAME_VERSION);
  writer.text8(head.node);
  writer.text8(head.incarnation);
  writer.varint(head.n);
  writer.u16(commands.length);
  for (const command of commands) writer.raw(command);
  writer.setU32(CHECKSUM_AT, crc32(writer.peek(CHECKED_FROM)));
  return writer.take();
}

/** Total: answers for any bytes. Keys and values are views of the payload. */
export function decodeFrame(payload: Uint8Array): Decoded {
  if (payload.length < BODY_AT) return { kind: 'damaged', reason: 'shorter than a frame head' };
  const head = new ByteReader(payload);
  if (head.u16() !== MAGIC) return { kind: 'damaged', reason: 'does not begin like a frame' };
  if (head.u32() !== crc32(payload.subarray(CHECKED_FROM))) return { kind: 'damaged', reason: 'wrong checksum' };
  const version = head.u8();
  if (version > FRAME_VERSION) return { kind: 'newer', reason: `frame version ${version}` };
  if (version === 0) return { kind: 'garbage', reason: 'frame version 0' };
  return decodeBody(new ByteReader(payload, BODY_AT));
}

// Malformed and Newer are this file's own signals: anything else thrown here is a bug and passes through.
function decodeBody(reader: ByteReader): Decoded {
  try {
    return { kind: 'frame', frame: readFrame(reader) };
  } catch (error) {
    if (error instanceof Newer) return { kind: 'newer', reason: error.message };
    if (error instanceof Malformed) return { kind: 'garbage', reason: error.message };
    throw error;
  }
}

function readFrame(reader: ByteReader): Frame {
  const node = reader.text8();
  const incarnation = reader.text8();
  if (node === '' || incarnation === '') throw new Malformed('a frame has no author');
  const n = reader.varint();
  const count = reader.u16();
  if (n === 0 || count === 0 || count > FRAME_LIMITS.maxFrameCommands) throw new Malformed('a number is out of bounds');
  const commands: FrameCommand[] = [];
  for (let i = 0; i < count; i++) commands.push(readCommand(reader));
  reader.end();
  return { node, incarnation, n, commands };
}

function readCommand(reader: ByteReader): FrameCommand {
  const number = reader.u8();
  const version = reader.u8();
  const attempt = reader.varint();
  const deadline = reader.varint();
  const id = reader.text8();
  const caller = id === '' ? '' : reader.text8();
  const hash = id === '' ? 0n : reader.u64();
  const content = reader.slice(reader.u32());
  const spec = specByNumber(number);
  if (spec === undefined || version > spec.version) throw new Newer(`command ${number} in version ${version}`);
  if (version === 0) throw new Malformed('command version 0');
  const command = spec.read(content, version);
  content.end();
  return { attempt, deadline, id, caller, hash, command };
}

class Newer extends Error {}

// Scratch buffers for all commands: encoding is synchronous, and what is kept is copied out of them.
const content = new ByteWriter(64 * 1024);
const encoded = new ByteWriter(64 * 1024);
