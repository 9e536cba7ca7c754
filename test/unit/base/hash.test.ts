// The hash of digests: the same by every way in which its bytes may come.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Hasher } from '../../../src/base/hash.ts';
import { hashRow, hashRowInWords, rowOf } from '../../../src/base/row.ts';

const bytes = fc.uint8Array({ maxLength: 70 });

test('bytes in the midst of others, or in words, have the hash that they have alone', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.nat(5), fc.integer({ min: 0, max: 255 }), (first, then, skipped, around) => {
      const alone = new Hasher().reset(7).bytes(first).bytes(then);
      const mixed = new Hasher().reset(7);
      for (const part of [first, then]) {
        const words = new Int32Array(skipped + 20).fill(around * 0x01010101);
        new Uint8Array(words.buffer).set(part, 4 * skipped);
        mixed.words(words, skipped, part.length);
      }
      const between = Uint8Array.of(around, ...first, ...then, around);
      const middle = 1 + first.length;
      const inMidst = new Hasher()
        .reset(7)
        .bytes(between, 1, middle)
        .bytes(between, middle, middle + then.length);
      expect([mixed.value, inMidst.value]).toEqual([alone.value, alone.value]);
    }),
  );
});

test('a row has one hash by whatever way, and another one where anything of it is another', () => {
  const types = fc.constantFrom('', 'text/plain', 'text/plaim');
  const facts = fc.record({ contentType: types, revision: fc.nat(2), expiresAt: fc.nat(2) });
  const part = fc.uint8Array({ maxLength: 3, max: 1 });
  fc.assert(
    fc.property(fc.tuple(part, part, facts), fc.tuple(part, part, facts), (one, other) => {
      const [hash, otherHash] = [one, other].map((row) => hashRow(new Hasher(), rowOf(...row)).value);
      const [key, value, rest] = one;
      const words = new Int32Array(4);
      new Uint8Array(words.buffer).set(Uint8Array.of(0, 0, 0, 0, ...key, ...value));
      expect(hashRowInWords(new Hasher(), words, 1, key.length, value.length, rest).value).toBe(hash);
      expect(hash === otherHash).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
  );
});
