// What every keyspace does: random operations against a Map of plain objects, and the properties of its digest.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, isExpired, type Keyspace, logicalBytes } from '../../src/core/keyspace.ts';

type Operation =
  | { readonly kind: 'set'; readonly key: Uint8Array; readonly entry: Entry }
  | { readonly kind: 'delete'; readonly key: Uint8Array };

/** Far more than the model ever holds. */
const ALL = 1_000_000;

// Few keys, so that they meet; bytes above 0x7f, so that no text encoding may be in between.
const keys = fc.uint8Array({ minLength: 1, maxLength: 2, max: 255 }).map((bytes) => bytes.map((byte) => byte & 0x81));
const times = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9000 }), fc.constantFrom(999, 1000, 1001, 2 ** 41));
const entries: fc.Arbitrary<Entry> = fc.record({
  value: fc.uint8Array({ maxLength: 12 }),
  contentType: fc.constantFrom('', 'text/plain', 'a/b'),
  revision: fc.integer({ min: 1, max: 2 ** 40 }),
  expiresAt: times,
});
const operations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('set'), key: keys, entry: entries }) },
    fc.record({ kind: fc.constant('delete'), key: keys }),
  ),
  { maxLength: 60 },
);

export function keyspaceContract(name: string, create: () => Keyspace): void {
  describe(`the contract of a keyspace: ${name}`, () => {
    test('answers like a Map after every operation', () => {
      fc.assert(
        fc.property(operations, (list) => {
          const keyspace = create();
          const model = new Model();
          for (const operation of list) {
            const { key } = operation;
            if (operation.kind === 'set') keyspace.set(key, operation.entry);
            else expect(keyspace.delete(key)).toBe(model.entries.has(nameOf(key)));
            model.run(operation);
            expect(keyspace.keys).toBe(model.entries.size);
            expect(keyspace.bytes).toBe(model.bytes);
            expect(keyspace.get(key)).toEqual(model.entries.get(nameOf(key))?.entry);
          }
          for (const { key, entry } of model.entries.values()) expect(keyspace.get(key)).toEqual(entry);
        }),
      );
    });

    test('finds what has passed and nothing else, whatever was set and removed before', () => {
      fc.assert(
        fc.property(operations, times, fc.integer({ min: 0, max: 5 }), (list, time, limit) => {
          const keyspace = create();
          const model = new Model();
          for (const operation of list) {
            run(keyspace, operation);
            model.run(operation);
            // Asked in between, since an index may tidy up when it is asked.
            expect(found(keyspace, time)).toEqual(model.expired(time));
          }
          const few = keyspace.expired(time, limit).map(({ key }) => nameOf(key));
          expect(few.length).toBe(Math.min(limit, model.expired(time).length));
          expect(new Set(few).size).toBe(few.length);
          for (const key of few) expect(model.expired(time)).toContainEqual([key, expect.anything()]);
        }),
      );
    });

    test('finds the longest passed first, by the second', () => {
      fc.assert(
        fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 100 }), (seconds) => {
          const keyspace = create();
          for (const second of seconds) keyspace.set(numbered(second), { ...ENTRY, expiresAt: second * 1000 });
          const sorted = seconds.toSorted((a, b) => a - b);
          const passed = keyspace.expired(500_000, ALL).map(({ key }) => nameOf(key));
          expect(passed).toEqual(sorted.map((second) => nameOf(numbered(second))));
          for (const second of sorted.slice(0, 10)) {
            expect(keyspace.expired(500_000, 1).map(({ key }) => nameOf(key))).toEqual([nameOf(numbered(second))]);
            keyspace.delete(numbered(second));
          }
        }),
      );
    });

    test('lists the keys with a prefix after a key in byte order, page by page, as a sorted list would', () => {
      const prefixes = fc.oneof(fc.constant(new Uint8Array(0)), keys);
      fc.assert(
        fc.property(
          operations,
          prefixes,
          fc.option(keys),
          fc.integer({ min: 0, max: 4 }),
          (list, prefix, start, limit) => {
            const keyspace = create();
            const model = new Model();
            for (const operation of list) {
              run(keyspace, operation);
              model.run(operation);
            }
            const after = start ?? undefined;
            const expected = model.keysAfter(prefix, after);
            expect(keyspace.keysAfter(prefix, after, ALL).map(nameOf)).toEqual(expected);
            expect(keyspace.keysAfter(prefix, after, limit).map(nameOf)).toEqual(expected.slice(0, limit));
          },
        ),
      );
    });

    test('lists whole pages of thousands of keys, while others come and go', () => {
      const keyspace = create();
      const present = new Set<number>();
      for (let i = 0; i < 6000; i++) {
        const number = (i * 7919) % 4099;
        if (i % 3 === 2) keyspace.delete(numbered(number));
        else keyspace.set(numbered(number), ENTRY);
        if (i % 3 === 2) present.delete(number);
        else present.add(number);
      }
      const paged: string[] = [];
      for (let page = keyspace.keysAfter(NOTHING, undefined, 100); page.length > 0; ) {
        paged.push(...page.map(nameOf));
        page = keyspace.keysAfter(NOTHING, page.at(-1), 100);
      }
      expect(paged).toEqual([...present].sort((a, b) => a - b).map((number) => nameOf(numbered(number))));
    });

    test('is the same whether its keys came rising or falling, while the last ones come and go', () => {
      const steps = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 300 }), fc.boolean()), { maxLength: 8 });
      const put = (keyspace: Keyspace, n: number) => keyspace.set(numbered(n), { ...ENTRY, revision: n + 1 });
      fc.assert(
        fc.property(steps, (list) => {
          const [changed, inOrder, falling] = [create(), create(), create()];
          for (const [from, count, isRemoved] of list) {
            for (let n = from; n < from + count; n++) isRemoved ? changed.delete(numbered(n)) : put(changed, n);
          }
          const names = changed.keysAfter(NOTHING, undefined, ALL);
          const numbers = names.map(([high, low]) => ((high ?? 0) << 8) | (low ?? 0));
          for (const n of numbers) put(inOrder, n);
          for (const n of numbers.toReversed()) put(falling, n);
          for (const one of [changed, inOrder, falling]) {
            expect(one.keysAfter(NOTHING, undefined, ALL)).toEqual(names);
            expect([one.keys, ...digestOf(one)]).toEqual([numbers.length, ...digestOf(inOrder)]);
            expect(numbers.every((n) => one.get(numbered(n))?.revision === n + 1)).toBe(true);
          }
        }),
      );
    });

    test('an entry has passed at its very millisecond, not before', () => {
      const keyspace = create();
      keyspace.set(numbered(1), { ...ENTRY, expiresAt: 1500 });
      expect(keyspace.expired(1499, ALL)).toEqual([]);
      expect(keyspace.expired(1500, ALL).map(({ revision }) => revision)).toEqual([ENTRY.revision]);
    });

    test('keys and values are copies: what the caller does to its bytes afterwards changes nothing', () => {
      const keyspace = create();
      const key = Uint8Array.of(1, 2);
      const value = Uint8Array.of(3, 4);
      keyspace.set(key, { ...ENTRY, value, expiresAt: 5 });
      key.fill(9);
      value.fill(9);
      expect([...(keyspace.get(Uint8Array.of(1, 2))?.value ?? [])]).toEqual([3, 4]);
      // `slice` of a Buffer is no copy.
      const buffer = Buffer.of(5, 6);
      keyspace.set(buffer, { ...ENTRY, value: buffer });
      const [named] = keyspace.keysAfter(buffer, undefined, 1);
      buffer.fill(9);
      expect([...(keyspace.get(named ?? NOTHING)?.value ?? [])]).toEqual([5, 6]);
      keyspace.delete(Buffer.of(5, 6));
      expect(keyspace.expired(5, ALL).map((passed) => [...passed.key])).toEqual([[1, 2]]);
      const listed = keyspace.keysAfter(NOTHING, undefined, ALL);
      listed[0]?.fill(9);
      expect(keyspace.keysAfter(NOTHING, undefined, ALL).map((found) => [...found])).toEqual([[1, 2]]);
    });

    test('an entry may be set again from the views that get gave, with another time, type or value', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(entries, { maxLength: 8 }), (value, changes) => {
          const keyspace = create();
          keyspace.set(numbered(1), { ...ENTRY, value });
          for (const { contentType, revision, expiresAt } of changes) {
            const old = keyspace.get(numbered(1)) ?? ENTRY;
            keyspace.set(numbered(1), { value: old.value, contentType, revision, expiresAt });
            expect(keyspace.get(numbered(1))).toEqual({ value, contentType, revision, expiresAt });
          }
        }),
      );
    });

    test('equal contents have equal digests, by whatever way and in whatever order they came', () => {
      const contents = fc.uniqueArray(fc.tuple(keys, entries), { selector: ([key]) => nameOf(key), maxLength: 6 });
      fc.assert(
        fc.property(contents, operations, fc.nat(), (pairs, detours, turn) => {
          const straight = create();
          for (const [key, entry] of pairs) straight.set(key, entry);
          const other = create();
          for (const operation of detours) run(other, operation);
          for (const { key } of detours) other.delete(key);
          const at = turn % (pairs.length + 1);
          for (const [key, entry] of [...pairs.slice(at), ...pairs.slice(0, at)]) other.set(key, entry);
          expect(digestOf(other)).toEqual(digestOf(straight));
          expect([other.keys, other.bytes]).toEqual([straight.keys, straight.bytes]);
        }),
      );
    });

    test('a set and its delete bring the digest back, and no other does', () => {
      fc.assert(
        fc.property(operations, keys, entries, (list, key, entry) => {
          const keyspace = create();
          for (const operation of list) run(keyspace, operation);
          keyspace.delete(key);
          const before = digestOf(keyspace);
          keyspace.set(key, entry);
          expect(digestOf(keyspace)).not.toEqual(before);
          keyspace.delete(key);
          expect(digestOf(keyspace)).toEqual(before);
        }),
      );
    });

    test('every part of an entry is in the digest', () => {
      const variants: readonly (readonly [string, Partial<Entry>])[] = [
        ['k', {}],
        ['l', {}],
        ['k', { value: Uint8Array.of(1, 2, 4) }],
        ['k', { value: Uint8Array.of(1, 2) }],
        ['k', { value: Uint8Array.of(1, 2, 3, 0) }],
        ['k', { contentType: 'b' }],
        ['k', { revision: 8 }],
        ['k', { revision: 7 + 2 ** 32 }],
        ['k', { expiresAt: 1 }],
      ];
      const digests = variants.map(([key, change]) => {
        const keyspace = create();
        keyspace.set(Buffer.from(key), { ...ENTRY, ...change });
        return JSON.stringify(digestOf(keyspace));
      });
      expect(new Set(digests).size).toBe(variants.length);
    });
  });
}

const NOTHING = new Uint8Array(0);
const ENTRY: Entry = { value: Uint8Array.of(1, 2, 3), contentType: 'a', revision: 7, expiresAt: 0 };

class Model {
  readonly entries = new Map<string, { key: Uint8Array; entry: Entry }>();

  run(operation: Operation): void {
    const { key } = operation;
    if (operation.kind === 'set') this.entries.set(nameOf(key), { key, entry: operation.entry });
    else this.entries.delete(nameOf(key));
  }

  get bytes(): number {
    return [...this.entries.values()].reduce((sum, { key, entry }) => sum + logicalBytes(key, entry), 0);
  }

  /** Hex keeps the order of bytes. */
  keysAfter(prefix: Uint8Array, after: Uint8Array | undefined): string[] {
    const names = [...this.entries.keys()].filter((name) => name.startsWith(nameOf(prefix)));
    return names.filter((name) => after === undefined || name > nameOf(after)).sort();
  }

  expired(time: number): (readonly [string, number])[] {
    const passed = [...this.entries].filter(([, { entry }]) => isExpired(entry, time));
    return passed.map(([name, { entry }]) => [name, entry.revision] as const).sort(byName);
  }
}

function run(keyspace: Keyspace, operation: Operation): void {
  if (operation.kind === 'set') keyspace.set(operation.key, operation.entry);
  else keyspace.delete(operation.key);
}

function found(keyspace: Keyspace, time: number): (readonly [string, number])[] {
  return keyspace
    .expired(time, ALL)
    .map(({ key, revision }) => [nameOf(key), revision] as const)
    .sort(byName);
}

function byName(a: readonly [string, number], b: readonly [string, number]): number {
  return a[0] < b[0] ? -1 : 1;
}

function digestOf(keyspace: Keyspace): readonly [number, number] {
  return [keyspace.digest.high, keyspace.digest.low];
}

function numbered(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff);
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}
