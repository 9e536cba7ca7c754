// The primitives of the grammar: what is written is read again, and nothing is read beyond the end.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter, highHalf, joinHalves, Malformed } from '../../../src/base/bytes.ts';
import { latin1, naturals } from '../core/arbitraries.ts';

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64 = { min: 0n, max: 2n ** 64n - 1n };

describe('what a writer wrote', () => {
  test('a reader reads again, whatever it was, through all growth of the buffer', () => {
    const parts = fc.array(
      fc.record({
        u8: fc.nat(0xff),
        u16: fc.nat(0xffff),
        u32: fc.nat(0xffff_ffff),
        u64: fc.bigInt(UINT64),
        i64: fc.bigInt(INT64),
        varint: naturals,
        text: latin1(0, 255),
        bytes: fc.uint8Array({ maxLength: 300 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(parts, (written) => {
        const writer = new ByteWriter(1);
        for (const part of written) {
          writer.u8(part.u8);
          writer.u16(part.u16);
          writer.u32(part.u32);
          writer.u64(part.u64);
          writer.i64(part.i64);
          writer.varint(part.varint);
          writer.text8(part.text);
          writer.bytes16(part.bytes);
          writer.bytes32(part.bytes);
        }
        const bytes = writer.take();
        // At an odd place of a greater buffer, as a record of a fetched batch lies.
        const reader = new ByteReader(new Uint8Array([9, ...bytes, 9]).subarray(1, bytes.length + 1));
        const read = written.map(() => ({
          u8: reader.u8(),
          u16: reader.u16(),
          u32: reader.u32(),
          u64: reader.u64(),
          i64: reader.i64(),
          varint: reader.varint(),
          text: reader.text8(),
          bytes: reader.bytes16(),
          again: reader.bytes32(),
        }));
        reader.end();
        expect(read).toEqual(written.map((part) => ({ ...part, again: part.bytes })));
      }),
    );
  });

  test('each of the 256 Latin-1 characters is one byte and comes back as itself', () => {
    for (let code = 0; code < 256; code++) {
      const bytes = written((writer) => writer.text8(String.fromCharCode(code)));
      expect([...bytes]).toEqual([1, code]);
      expect(new ByteReader(bytes).text8().charCodeAt(0)).toBe(code);
    }
  });

  test('texts that differ in one place only are told apart, whichever was read before', () => {
    const texts = ['text/plain', 'text/plaim', 'Text/plain', 'text/plai', '', 'text/plain', 'text/plainx'];
    const read = texts.map((text) => new ByteReader(written((writer) => writer.text8(text))).text8());
    expect(read).toEqual(texts);
  });

  test('a varint takes one byte for each seven bits begun', () => {
    for (let bits = 1; bits <= 53; bits++) {
      expect(written((writer) => writer.varint(2 ** bits - 1)).length).toBe(Math.ceil(bits / 7));
    }
  });

  test('is taken out as a copy, and the writer begins anew', () => {
    const writer = new ByteWriter(4);
    writer.u32(1);
    const first = writer.take();
    writer.u32(2);
    expect([...first]).toEqual([0, 0, 0, 1]);
    expect(writer.length).toBe(4);
    writer.setU32(0, 3);
    expect([...writer.take()]).toEqual([0, 0, 0, 3]);
    expect(writer.length).toBe(0);
  });
});

describe('a reader', () => {
  const readings: Readonly<Record<string, (reader: ByteReader) => unknown>> = {
    u8: (reader) => reader.u8(),
    u16: (reader) => reader.u16(),
    u32: (reader) => reader.u32(),
    u64: (reader) => reader.u64(),
    i64: (reader) => reader.i64(),
    varint: (reader) => reader.varint(),
    flag: (reader) => reader.flag(),
    text8: (reader) => reader.text8(),
    bytes16: (reader) => reader.bytes16(),
    bytes32: (reader) => reader.bytes32(),
    slice: (reader) => reader.slice(1),
  };
  test.each(Object.entries(readings))('throws Malformed and nothing else where %s does not fit', (_name, read) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.nat(12), (bytes, length) => {
        // What lies behind the end of a slice belongs to the next part.
        const reader = new ByteReader(bytes).slice(Math.min(length, bytes.length));
        const before = reader.remaining;
        try {
          read(reader);
          expect(reader.remaining).toBeGreaterThanOrEqual(0);
          expect(reader.remaining).toBeLessThan(before);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }),
    );
  });

  test('refuses a superfluous byte of a varint, and a number above 2^53 - 1', () => {
    expect(() => new ByteReader(Uint8Array.of(0x80, 0x00)).varint()).toThrow(Malformed);
    expect(() => new ByteReader(Uint8Array.of(0xff, 0x80, 0x00)).varint()).toThrow(Malformed);
    const tooGreat = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10);
    expect(() => new ByteReader(tooGreat).varint()).toThrow(Malformed);
    expect(() => new ByteReader(new Uint8Array(20).fill(0xff)).varint()).toThrow(Malformed);
    const greatest = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(new ByteReader(greatest).varint()).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('refuses a flag that is neither 0 nor 1, and bytes that are left over', () => {
    expect(() => new ByteReader(Uint8Array.of(2)).flag()).toThrow(Malformed);
    const reader = new ByteReader(Uint8Array.of(1, 0));
    expect(reader.flag()).toBe(true);
    expect(() => reader.end()).toThrow(Malformed);
    expect(reader.flag()).toBe(false);
    reader.end();
  });
});

test('two halves of 32 bits join to the number they are of', () => {
  fc.assert(
    fc.property(naturals, (value) => {
      expect(joinHalves(highHalf(value), value % 2 ** 32)).toBe(BigInt(value));
    }),
  );
});

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}
