// Poison for the commit log: records that no node wrote. Noise, damaged frames, and frames whose checksum is right over nonsense.
import { crc32 } from 'node:zlib';
import { decodeFrame, encodeCommand, encodeFrame } from '../../src/core/codec.ts';
import type { Command } from '../../src/core/commands/command.ts';
import { ALWAYS } from '../../src/core/condition.ts';
import type { Random } from '../random.ts';

const CHECKSUM_AT = 2;
const CHECKED_FROM = 6;
const MAX_NOISE = 600;

/** Never one that a later program would have written: at that a node must stop. */
export function poison(random: Random): Buffer {
  for (;;) {
    const bytes = random.one(MAKERS)(random);
    if (isPoison(bytes)) return bytes;
  }
}

const MAKERS: readonly [(random: Random) => Buffer, ...((random: Random) => Buffer)[]] = [
  noise,
  (random) => damaged(frame(random), random),
  (random) => checked(damaged(frame(random), random)),
  (random) => checked(damaged(damaged(frame(random), random), random)),
  frame,
];

// A heartbeat would make its author a member: a liar among the nodes is no part of what is promised.
function isPoison(bytes: Buffer): boolean {
  const decoded = decodeFrame(bytes);
  if (decoded.kind !== 'frame') return decoded.kind !== 'newer';
  return decoded.frame.commands.every(({ command }) => ['put', 'delete', 'increment'].includes(command.type));
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.below(MAX_NOISE) }, () => random.below(256)));
}

/** By an author of whom nobody ever heard. */
function frame(random: Random): Buffer {
  const head = { node: `stranger-${random.below(5)}`, incarnation: `i-${random.below(5)}`, n: 1 + random.below(100) };
  const commands = Array.from({ length: 1 + random.below(3) }, (_, n) =>
    encodeCommand({ attempt: n, id: `poison-${random.below(1000)}`, caller: '', deadline: 0 }, command(random)),
  );
  return Buffer.from(encodeFrame(head, commands));
}

function command(random: Random): Command {
  const key = Buffer.from(`poison/${random.below(100)}`);
  const put = { type: 'put', key, value: noise(random), contentType: 't', ttlMs: 0, condition: ALWAYS } as const;
  return random.one<Command>([
    put,
    { type: 'delete', key, condition: ALWAYS },
    { type: 'increment', key, by: BigInt(random.below(100)), ttlMs: 0, condition: ALWAYS },
  ]);
}

function damaged(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const taken = random.below(4);
  const put = Buffer.from(Array.from({ length: random.below(4) }, () => random.below(256)));
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + taken)]);
}

/** With the checksum that belongs to it. */
function checked(bytes: Buffer): Buffer {
  if (bytes.length <= CHECKED_FROM) return bytes;
  bytes.write('CH', 'latin1');
  bytes.writeUInt32BE(crc32(bytes.subarray(CHECKED_FROM)), CHECKSUM_AT);
  return bytes;
}
