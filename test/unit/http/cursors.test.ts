// A cursor carries its place unchanged, and nothing else is taken for one.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cursorText, readCursor } from '../../../src/http/cursors.ts';

const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 64 }).map((array) => Buffer.from(array));
const revisions = fc.nat({ max: 2 ** 47 });

test('every key and revision comes back', () => {
  fc.assert(
    fc.property(bytes(1), revisions, bytes(0), (after, revision, prefix) => {
      expect(readCursor(cursorText({ after, revision }, prefix), prefix)).toEqual({ after, revision });
    }),
  );
});

test('a changed character, another prefix and any other text are refused', () => {
  const prefix = Buffer.from('a');
  const text = cursorText({ after: Buffer.from('abc'), revision: 7 }, prefix);
  fc.assert(
    fc.property(fc.nat({ max: text.length - 1 }), fc.constantFrom(...'Aa0_-='), (at, character) => {
      fc.pre(text[at] !== character);
      expect(() => readCursor(text.slice(0, at) + character + text.slice(at + 1), prefix)).toThrow('"cursor"');
    }),
  );
  for (const other of ['', 'x', `${text}=`, text.slice(1), `${text}AAAA`]) {
    expect(() => readCursor(other, prefix)).toThrow('"cursor"');
  }
  expect(() => readCursor(text, Buffer.from('ab'))).toThrow('"cursor"');
});
