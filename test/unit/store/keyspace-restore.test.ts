// Rows of a snapshot in a keyspace: restored they are what set would have made of them, by either keyspace.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowOf } from '../../../src/base/row.ts';
import type { Keyspace } from '../../../src/core/keyspace.ts';
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';

const KEYSPACES: Readonly<Record<string, () => Keyspace>> = {
  'a Map': () => new MapKeyspace(),
  'outside the heap': () => new OffHeapKeyspace(0x1234_5678_9abc),
};
/** More than have a number each. */
const TYPES = ['', 'a/b', ...Array.from({ length: 300 }, (_, i) => `type/${i}`)];
const FIRST = new Uint8Array(0);

const rows = fc.array(
  fc.record({
    key: fc.uint8Array({ minLength: 1, maxLength: 2 }),
    // Long ones are copied in another way than short ones.
    value: fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.constant(new Uint8Array(600).fill(3))),
    contentType: fc.constantFrom(...TYPES),
    revision: fc.integer({ min: 1, max: 2 ** 40 }),
    expiresAt: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9000 })),
  }),
  { maxLength: 400, size: 'max' },
);

for (const [name, create] of Object.entries(KEYSPACES)) {
  test(`rows in any order, some keys twice, make what set makes: ${name}`, () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (list, isSorted) => {
        const [restored, set] = [create(), create()];
        for (const row of isSorted ? list.toSorted((a, b) => Buffer.compare(a.key, b.key)) : list) {
          const { key, value, contentType, revision, expiresAt } = row;
          const bytes = new Uint8Array(value);
          set.set(key, { value: bytes, contentType, revision, expiresAt });
          const given = rowOf(key, bytes, row);
          restored.restore(given);
          given.bytes.fill(9);
          expect(restored.get(key)).toEqual(set.get(key));
        }
        expect(pictureOf(restored)).toEqual(pictureOf(set));
      }),
      { numRuns: 20 },
    );
  });
}

function pictureOf(keyspace: Keyspace): object {
  const { keys, bytes, digest } = keyspace;
  const { high, low } = digest;
  const expired = keyspace
    .expired(10_000, keys)
    .map(({ key, revision }) => `${Buffer.from(key).toString('hex')} ${revision}`);
  return { keys, bytes, high, low, list: keyspace.keysAfter(FIRST, undefined, keys), expired: expired.sort() };
}
