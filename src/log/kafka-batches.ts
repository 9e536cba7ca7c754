// Reads the answer to a Fetch request (version 11) into records, without copying a payload.
//
//   answer  = throttle i32, error i16, session i32, topics i32 × (name string, partitions i32 × partition)
//   partition = partition i32, error i16, high watermark i64, last stable offset i64, log start i64,
//               aborted i32 × (i64, i64), preferred replica i32, bytes i32, batch*       (the last one may be cut off)
//   batch   = base offset i64, length i32, epoch i32, magic i8 = 2, crc u32, attributes i16, last offset delta i32,
//             first time i64, append time i64, producer i64, epoch i16, sequence i32, records i32 × record
//   record  = length, attributes i8, time delta, offset delta, key, value, headers       (numbers are zigzag varints)
import { invariant } from '../base/assert.ts';
import { EXIT, FatalError } from '../base/errors.ts';
import type { LogRecord } from './commit-log.ts';

export type Batches = {
  readonly code: number;
  readonly records: readonly LogRecord[];
  /** The offset to fetch from next. */
  readonly next: number;
};

const BATCH_HEAD_BYTES = 12;
const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const CONTROL = 0x20;

/**
 * Records from `wanted` on, contiguous (L1); control batches hold none and are passed over. Throws FatalError when a batch
 * was not written as the topic's settings demand.
 */
export function decodeFetched(bytes: Buffer, wanted: number): Batches {
  const reader = new Reader(bytes);
  reader.int32(); // throttle time: kafkajs has no say in it either
  const requestCode = reader.int16();
  reader.int32(); // session
  if (requestCode !== 0 || reader.int32() === 0) return { code: requestCode, records: [], next: wanted };
  reader.skip(reader.int16()); // the topic's name
  reader.int32(); // one partition
  reader.int32(); // which is 0
  const code = reader.int16();
  reader.skip(24); // high watermark, last stable offset, log start
  reader.skip(Math.max(0, reader.int32()) * 16); // aborted transactions: none on this topic
  reader.int32(); // preferred replica
  const length = Math.max(0, reader.int32());
  if (code !== 0) return { code, records: [], next: wanted };
  return { code, ...decodeBatches(reader.part(length), wanted) };
}

function decodeBatches(reader: Reader, wanted: number): { records: LogRecord[]; next: number } {
  const records: LogRecord[] = [];
  let next = wanted;
  while (reader.remaining >= BATCH_HEAD_BYTES) {
    const baseOffset = reader.int64();
    const length = reader.int32();
    if (length > reader.remaining) break;
    const after = decodeBatch(reader.part(length), baseOffset, next, records);
    next = Math.max(next, after);
  }
  return { records, next };
}

/** Adds the batch's records from `wanted` on; returns the offset after the batch. */
function decodeBatch(reader: Reader, baseOffset: number, wanted: number, records: LogRecord[]): number {
  reader.int32(); // leader epoch
  const magic = reader.int8();
  if (magic !== 2) throw damaged(baseOffset, `has the message format ${magic}`);
  reader.int32(); // CRC-32C: the broker has checked it, and a frame carries its own checksum
  const attributes = reader.int16();
  const after = baseOffset + reader.int32() + 1;
  reader.int64(); // the writer's time
  const timestamp = reader.int64();
  reader.skip(14); // producer, its epoch, its sequence
  const count = reader.int32();
  if ((attributes & CONTROL) !== 0) return after;
  if ((attributes & COMPRESSION) !== 0) throw damaged(baseOffset, 'is compressed (set compression.type=producer)');
  if ((attributes & LOG_APPEND_TIME) === 0) {
    throw damaged(baseOffset, "does not carry the broker's time (set message.timestamp.type=LogAppendTime)");
  }
  let expected = Math.max(wanted, baseOffset);
  invariant('L1', expected === wanted, `offset ${wanted} was expected, the next batch begins at ${baseOffset}`);
  for (let i = 0; i < count; i += 1) {
    const offset = baseOffset + reader.recordHead();
    const payload = reader.value();
    if (offset < wanted) continue;
    invariant('L1', offset === expected, `offset ${expected} was expected, ${offset} came`);
    records.push({ offset, timestamp, payload });
    expected += 1;
  }
  invariant('L1', expected === Math.max(after, wanted), `the batch at ${baseOffset} ends before offset ${after}`);
  return after;
}

function damaged(offset: number, fact: string): FatalError {
  return new FatalError(
    EXIT.damagedData,
    `the record at offset ${offset} of the commit log's topic ${fact}; only Chorus may write to it`,
  );
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  /** Offsets and times stay far below 2^53. */
  int64(): number {
    const at = this.#advance(8);
    return this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** A reader of the next `length` bytes, which are passed over here; fewer when the answer was cut off. */
  part(length: number): Reader {
    const at = this.#advance(Math.min(length, this.remaining));
    return new Reader(this.#bytes.subarray(at, this.#at));
  }

  /** Reads a record up to its key; returns its offset delta. */
  recordHead(): number {
    this.#varint(); // length
    this.skip(1); // attributes
    this.#varint(); // time delta
    return this.#varint();
  }

  /** Reads key, value and headers; returns the value, empty when there is none. */
  value(): Uint8Array {
    this.skip(Math.max(0, this.#varint()));
    const at = this.#advance(Math.max(0, this.#varint()));
    const value = this.#bytes.subarray(at, this.#at);
    for (let headers = this.#varint(); headers > 0; headers -= 1) {
      this.skip(Math.max(0, this.#varint()));
      this.skip(Math.max(0, this.#varint()));
    }
    return value;
  }

  /** A zigzag varint of up to 64 bits; exact below 2^53. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes.readUInt8(this.#advance(1));
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
  }

  #advance(length: number): number {
    const at = this.#at;
    if (length > this.remaining) throw new RangeError(`the answer ends ${length - this.remaining} bytes too early`);
    this.#at += length;
    return at;
  }
}
