// The hash index: found is what was added and not removed, through splits and gaps.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../../src/core/keyspace.ts';
import { HashIndex } from '../../../src/store/hash-index.ts';
import { Records } from '../../../src/store/records.ts';

const ENTRY: Entry = { value: new Uint8Array(0), contentType: '', revision: 1, expiresAt: 0 };
const SECRET = { first: 1, second: 2 };

test('finds thirty thousand keys after each was added, a third after the others were removed, and none at last', () => {
  const { index, units } = filled(30_000);
  expect(units.every((unit, i) => find(index, i) === unit)).toBe(true);
  for (const [i, unit] of units.entries()) if (i % 3 > 0) index.remove(index.hashOf(keyOf(i)), unit);
  expect(units.every((unit, i) => find(index, i) === (i % 3 > 0 ? 0 : unit))).toBe(true);
  expect(index.size).toBe(10_000);
  for (const [i, unit] of units.entries()) if (i % 3 === 0) index.remove(index.hashOf(keyOf(i)), unit);
  expect(units.every((_, i) => find(index, i) === 0)).toBe(true);
});

test('loses none of more than a million keys that were added before anybody asked', () => {
  const index = new HashIndex(new Records(), SECRET);
  const hashOf = (i: number) => Math.imul(i, 0x9e3779b1);
  const count = 2 ** 20 + 1000;
  for (let i = 1; i <= count; i++) index.add(hashOf(i), i);
  // What is not where its hash says is not removed: an invariant breaks.
  for (let i = 1; i <= count; i++) index.remove(hashOf(i), i);
  expect(index.size).toBe(0);
});

test('tells apart keys of one hash, in one run of slots at the end of the table, whichever is removed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }), (turns) => {
      const records = new Records();
      const index = new HashIndex(records, SECRET);
      const present = new Map<number, number>();
      // Hashes of one table whose homes are the last slot, the one before it, and the first.
      const hashOf = (i: number) => [0xfff, 0xfff, 0xffe, 0xfff, 0x000, 0xffe][i] ?? 0;
      for (const i of turns) {
        const unit = present.get(i);
        if (unit !== undefined) {
          index.remove(hashOf(i), unit);
          present.delete(i);
        } else {
          const added = records.add(keyOf(i), ENTRY);
          index.add(hashOf(i), added);
          present.set(i, added);
        }
        for (let key = 0; key <= 5; key++) expect(index.find(hashOf(key), keyOf(key))).toBe(present.get(key) ?? 0);
      }
    }),
  );
});

test('finds the new record of a key that moved', () => {
  const { index, units, records } = filled(10);
  const moved = records.add(keyOf(3), ENTRY);
  index.replace(index.hashOf(keyOf(3)), units[3] ?? 0, moved);
  expect([find(index, 3), index.size]).toEqual([moved, 10]);
});

function filled(count: number): { index: HashIndex; records: Records; units: number[] } {
  const records = new Records();
  const index = new HashIndex(records, SECRET);
  const units = Array.from({ length: count }, (_, i) => {
    const unit = records.add(keyOf(i), ENTRY);
    index.add(index.hashOf(keyOf(i)), unit);
    return unit;
  });
  return { index, records, units };
}

function find(index: HashIndex, i: number): number {
  return index.find(index.hashOf(keyOf(i)), keyOf(i));
}

function keyOf(i: number): Uint8Array {
  return Buffer.from(`key ${i}`, 'latin1');
}
