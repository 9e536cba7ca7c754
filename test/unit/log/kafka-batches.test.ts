// The reader of Fetch answers, against answers built here byte by byte.
import { describe, expect, test } from 'vitest';
import { InvariantBroken } from '../../../src/base/assert.ts';
import { FatalError } from '../../../src/base/errors.ts';
import { decodeFetched } from '../../../src/log/kafka-batches.ts';

const APPEND_TIME = 8;
const CONTROL = 32;

describe('a Fetch answer', () => {
  test('gives the records of all its batches with the time at which the broker took them', () => {
    const bytes = answer([
      batch({ base: 5, time: 1_700_000_000_000, values: ['a', 'bb'] }),
      batch({ base: 7, time: 9, values: [''] }),
    ]);
    const fetched = decodeFetched(bytes, 5);
    expect(fetched.records.map((r) => [r.offset, r.timestamp, Buffer.from(r.payload).toString()])).toEqual([
      [5, 1_700_000_000_000, 'a'],
      [6, 1_700_000_000_000, 'bb'],
      [7, 9, ''],
    ]);
    expect([fetched.code, fetched.next]).toEqual([0, 8]);
  });

  test('without records leaves the next offset where it was', () => {
    expect(decodeFetched(answer([]), 12)).toEqual({ code: 0, records: [], next: 12 });
  });

  test('that begins inside a batch drops what was not asked for', () => {
    const fetched = decodeFetched(answer([batch({ base: 0, values: ['a', 'b', 'c'] })]), 2);
    expect(fetched.records.map((r) => r.offset)).toEqual([2]);
    expect(fetched.next).toBe(3);
  });

  test('whose last batch is cut off gives the whole ones', () => {
    const whole = batch({ base: 0, values: ['a'] });
    for (const kept of [1, 11, 12, 30, 60]) {
      const fetched = decodeFetched(answer([whole, batch({ base: 1, values: ['b'] }).subarray(0, kept)]), 0);
      expect([fetched.records.length, fetched.next]).toEqual([1, 1]);
    }
  });

  test('passes over control batches, which hold no records of ours', () => {
    const control = batch({ base: 1, attributes: APPEND_TIME | CONTROL, values: ['commit'] });
    const fetched = decodeFetched(
      answer([batch({ base: 0, values: ['a'] }), control, batch({ base: 2, values: ['b'] })]),
      0,
    );
    expect(fetched.records.map((r) => r.offset)).toEqual([0, 2]);
    expect(fetched.next).toBe(3);
  });

  test('with an error code has no records', () => {
    expect(decodeFetched(answer([], 1), 3)).toEqual({ code: 1, records: [], next: 3 });
    expect(decodeFetched(answer([], 0, 6), 3)).toEqual({ code: 6, records: [], next: 3 });
  });

  test('with a gap between batches, or before the first, breaks L1', () => {
    expect(() => decodeFetched(answer([batch({ base: 4, values: ['a'] })]), 3)).toThrow(InvariantBroken);
    const gap = answer([batch({ base: 0, values: ['a'] }), batch({ base: 2, values: ['b'] })]);
    expect(() => decodeFetched(gap, 0)).toThrow(/offset 1 was expected/);
  });

  test('with a batch that says it is longer than its records breaks L1', () => {
    expect(() => decodeFetched(answer([batch({ base: 0, values: ['a'], span: 3 })]), 0)).toThrow(InvariantBroken);
  });

  test("with the writer's time, or compressed, is fatal and names the setting", () => {
    const created = answer([batch({ base: 0, attributes: 0, values: ['a'] })]);
    expect(() => decodeFetched(created, 0)).toThrow(/message.timestamp.type=LogAppendTime/);
    const compressed = answer([batch({ base: 0, attributes: APPEND_TIME | 1, values: ['a'] })]);
    expect(() => decodeFetched(compressed, 0)).toThrow(FatalError);
    expect(() => decodeFetched(compressed, 0)).toThrow(/compression.type=producer/);
  });

  test('takes large values and many of them', () => {
    const values = Array.from({ length: 300 }, (_, n) => 'x'.repeat(n * 7));
    const fetched = decodeFetched(answer([batch({ base: 2 ** 40, values })]), 2 ** 40);
    expect(fetched.records.map((r) => r.payload.length)).toEqual(values.map((value) => value.length));
    expect(fetched.next).toBe(2 ** 40 + 300);
  });
});

function answer(batches: readonly Buffer[], partitionCode = 0, requestCode = 0): Buffer {
  const data = Buffer.concat(batches);
  const head = [
    i32(0),
    i16(requestCode),
    i32(0),
    i32(1),
    i16(3),
    Buffer.from('log'),
    i32(1),
    i32(0),
    i16(partitionCode),
  ];
  return Buffer.concat([...head, i64(99), i64(99), i64(0), i32(-1), i32(-1), i32(data.length), data]);
}

function batch(o: {
  base: number;
  values: readonly string[];
  time?: number;
  attributes?: number;
  span?: number;
}): Buffer {
  const records = o.values.map((value, n) => {
    const body = [Buffer.of(0), varint(0), varint(n), varint(-1), varint(value.length), Buffer.from(value), varint(0)];
    const bytes = Buffer.concat(body);
    return Buffer.concat([varint(bytes.length), bytes]);
  });
  const span = o.span ?? o.values.length;
  const times = [i64(1), i64(o.time ?? 1)];
  const head = [i32(0), Buffer.of(2), i32(0), i16(o.attributes ?? APPEND_TIME), i32(span - 1), ...times];
  const body = Buffer.concat([...head, i64(-1), i16(-1), i32(-1), i32(o.values.length), ...records]);
  return Buffer.concat([i64(o.base), i32(body.length), body]);
}

function i16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function i64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

function varint(value: number): Buffer {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  const bytes: number[] = [];
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.of(...bytes, rest);
}
