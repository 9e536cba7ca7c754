// Keys in request targets: percent-decoding against its grammar, and what is no key.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Problem } from '../../../src/http/problems.ts';
import { keyOf, percentDecoded } from '../../../src/http/targets.ts';

const PREFIX = '/v1/keys/';

function keyIn(rest: string): string {
  return keyOf(PREFIX + rest, PREFIX.length, 1024).toString('utf8');
}

/** How a target arrives: one character per byte, some of them percent-encoded. */
const encodings = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.constantFrom('raw', 'upper', 'lower')), {
    minLength: 1,
    maxLength: 200,
  })
  .map((bytes) => ({
    bytes: Uint8Array.from(bytes, ([byte]) => byte),
    text: bytes.map(([byte, form]) => encoded(byte, form)).join(''),
  }));

function encoded(byte: number, form: string): string {
  const isPlain = byte > 0x20 && byte !== 0x25 && byte !== 0x3f && byte !== 0x7f;
  if (form === 'raw' && isPlain) return String.fromCharCode(byte);
  const hex = byte.toString(16).padStart(2, '0');
  return `%${form === 'upper' ? hex.toUpperCase() : hex}`;
}

test('any bytes are read back from any mixture of raw and percent-encoded ones', () => {
  fc.assert(
    fc.property(encodings, ({ bytes, text }) => {
      expect(percentDecoded(text, 0, text.length)).toEqual(Buffer.from(bytes));
    }),
  );
});

test('a key is taken exactly when its bytes are UTF-8, as a fatal TextDecoder judges', () => {
  fc.assert(
    fc.property(encodings, ({ bytes, text }) => {
      let expected: string | undefined;
      try {
        expected = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      } catch {
        expected = undefined;
      }
      if (expected === undefined) expect(() => keyIn(text)).toThrow(Problem);
      else expect(keyIn(text)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test('what encodeURIComponent makes of a text is that text as a key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (text) => {
      expect(keyIn(encodeURIComponent(text))).toBe(text);
    }),
  );
});

test('a text with a % that no two hex digits follow is never decoded', () => {
  const tail = fc.constantFrom('%', '%4', '%g0', '%0g', '% 1', '%-1', '%+f', '%%');
  fc.assert(
    fc.property(encodings, tail, fc.constantFrom('', 'x', '/'), ({ text }, broken, after) => {
      const whole = text + broken + after;
      // `%4` + `x` is still broken, and so is every other pairing here.
      expect(percentDecoded(whole, 0, whole.length)).toBeUndefined();
    }),
  );
});

test.each([
  ['a/b', 'a/b'],
  ['a%2Fb', 'a/b'],
  ['a%2fb', 'a/b'],
  ['a//b', 'a//b'],
  ['/a', '/a'],
  ['a/', 'a/'],
  ['a/../b', 'a/../b'],
  ['a%25b', 'a%b'],
  ['a%2525', 'a%25'],
  ['a+b', 'a+b'],
  ['a?ttl=5', 'a'],
  ['a%3Fb', 'a?b'],
  ['%00', '\0'],
  ['caf\xc3\xa9', 'café'],
])('%j is the key %j', (rest, key) => {
  expect(keyIn(rest)).toBe(key);
});

test.each([
  ['', 'invalid-key'],
  ['?a', 'invalid-key'],
  ['%c3', 'invalid-key'],
  ['%', 'invalid-key'],
  ['k'.repeat(1025), 'key-too-long'],
])('%j is no key', (rest, code) => {
  expect(() => keyIn(rest)).toThrow(expect.objectContaining({ code }));
});

test('the longest key has 1024 bytes, not characters', () => {
  expect(keyIn('k'.repeat(1024))).toHaveLength(1024);
  expect(keyIn('%C3%A9'.repeat(512))).toHaveLength(512);
  expect(() => keyIn('%C3%A9'.repeat(513))).toThrow(expect.objectContaining({ code: 'key-too-long' }));
});
