// Records: what they keep, how they reuse space, and the sizes at the edges of their classes.
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/core/keyspace.ts';
import { Records } from '../../../src/store/records.ts';

const KEY = Buffer.from('key');
const ENTRY: Entry = { value: Buffer.alloc(100, 1), contentType: 'text/plain', revision: 2 ** 45, expiresAt: 0 };

describe('records', () => {
  test('keep an entry of any size, and its space takes the next one of that size', () => {
    const records = new Records();
    for (const length of [0, 1, 7, 8, 9, 979, 980, 981, 1004, 1005, 1006, 2000, 65_000, 1_000_000, 3_000_000]) {
      const entry = { ...ENTRY, value: Buffer.alloc(length, length), expiresAt: length };
      const unit = records.add(KEY, entry);
      expect(records.entry(unit)).toEqual({ ...entry, value: new Uint8Array(entry.value) });
      records.remove(unit);
      expect(records.add(KEY, entry)).toBe(unit);
    }
  });

  test('are written over in place while their size fits, else not at all', () => {
    const records = new Records();
    const unit = records.add(KEY, ENTRY);
    expect(records.rewrite(unit, KEY, { ...ENTRY, revision: 3, value: Buffer.alloc(99, 2) })).toBe(true);
    expect(records.revision(unit)).toBe(3);
    expect(records.rewrite(unit, KEY, { ...ENTRY, value: Buffer.alloc(300, 3) })).toBe(false);
    expect([...records.entry(unit).value]).toEqual([...Buffer.alloc(99, 2)]);
  });

  test('keep content types beyond the 255th, of any Latin-1 characters, and the empty one', () => {
    const records = new Records();
    const types = ['', ...Array.from({ length: 400 }, (_, i) => `type/é${'x'.repeat(i % 200)}${i}`)];
    const units = types.map((contentType) => records.add(KEY, { ...ENTRY, contentType }));
    expect(units.map((unit) => records.entry(unit).contentType)).toEqual(types);
    expect(units.map((unit) => Buffer.from(records.key(unit)).toString())).toEqual(types.map(() => 'key'));
  });

  test('compare keys in byte order, a beginning before what goes on', () => {
    const records = new Records();
    const unit = records.add(Uint8Array.of(5, 200), { ...ENTRY, expiresAt: 9 });
    const signs = [[5], [5, 199, 1], [5, 200], [5, 200, 0], [6], []].map((key) =>
      Math.sign(records.compareKey(unit, Uint8Array.from(key))),
    );
    expect(signs).toEqual([1, 1, 0, -1, -1, 1]);
    expect([[5, 200], [5, 201], [5]].map((key) => records.hasKey(unit, Uint8Array.from(key)))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('go on in further chunks: seventy megabytes of them come back whole', () => {
    const records = new Records();
    const units = Array.from({ length: 70 }, (_, i) =>
      records.add(KEY, { ...ENTRY, revision: i, value: Buffer.alloc(1_000_000, i) }),
    );
    for (const [i, unit] of units.entries()) {
      const { revision, value } = records.entry(unit);
      expect([revision, value[0], value.at(-1)]).toEqual([i, i & 255, i & 255]);
    }
  });
});
