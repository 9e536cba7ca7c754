// The contract of the cache store: every implementation of the port passes it, with the real server where there is one.
import { nanoid } from 'nanoid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CacheEntry, CacheStore, Note } from '../../src/cache/ports.ts';
import { until } from '../servers/chorus.ts';

/** One place for entries, which other suites may share: the suite brings keys of its own. */
type TestCachePlace = {
  /** A further handle on it, as another process would have one. The suite closes every handle. */
  open(): Promise<CacheStore>;
  /** Called after all handles were closed. */
  remove(): Promise<void>;
};

const HOUR_MS = 3_600_000;
const HOLD_MS = 60_000;

export function cacheStoreContract(name: string, createPlace: () => Promise<TestCachePlace>): void {
  describe(`the contract of the cache store: ${name}`, () => {
    let place: TestCachePlace;
    let store: CacheStore;
    let other: CacheStore;
    let key: string;
    let tag: string;

    beforeEach(async () => {
      place = await createPlace();
      store = await place.open();
      other = await place.open();
      key = `key-${nanoid()}`;
      tag = `tag-${nanoid()}`;
    });

    afterEach(async () => {
      await Promise.all([store, other].map((handle) => handle.close()));
      await place.remove();
    });

    const textAt = async (from: CacheStore = other, of = key) => textOf((await from.get(of)).entry);

    async function noteOf(of = key, from: CacheStore = store): Promise<Note> {
      const { note } = await from.get(of);
      expect(note).toBeDefined();
      return note ?? '';
    }

    describe('a fill', () => {
      test('is seen by all, with every byte and its times and tags', async () => {
        const filled: CacheEntry = { ...entry('', HOUR_MS, [tag, 'a tag, with "signs" and ü']), value: everyByte };
        expect(await store.fill(key, filled, await noteOf())).toBe(true);
        const { entry: found } = await other.get(key);
        expect(found && { ...found, value: Buffer.from(found.value ?? []) }).toEqual({
          ...filled,
          value: Buffer.from(everyByte),
        });
      });

      test('may say that there is no such row, and may be empty: these are two things', async () => {
        await store.fill(key, { ...entry(''), value: undefined }, await noteOf());
        expect((await other.get(key)).entry).toMatchObject({ value: undefined });
        await store.fill(`${key}-empty`, entry(''), await noteOf(`${key}-empty`));
        expect((await other.get(`${key}-empty`)).entry?.value).toHaveLength(0);
      });

      test('replaces a value when it shows the note that was taken with it', async () => {
        await store.fill(key, entry('old'), await noteOf());
        expect(await other.fill(key, entry('new'), await noteOf(key, other))).toBe(true);
        expect(await textAt(store)).toBe('new');
      });

      test('takes keys of every kind', async () => {
        const kinds = ['with space', 'ü€😀', 'a\nline', 'x'.repeat(1000), 'a:b/c?d#e', '~', '%20'];
        for (const kind of kinds) {
          const strange = `${key} ${kind}`;
          expect(await store.fill(strange, entry(kind), await noteOf(strange))).toBe(true);
        }
        for (const kind of kinds) expect(await textAt(other, `${key} ${kind}`)).toBe(kind);
      });

      test('keeps a value of 512 KiB', async () => {
        const big = 'x'.repeat(512 * 1024);
        expect(await store.fill(key, entry(big), await noteOf())).toBe(true);
        expect(await textAt()).toBe(big);
      });

      test('is refused with a note taken before the key was put, though absent then and now', async () => {
        const note = await noteOf();
        await other.put(key, entry('new'));
        await other.invalidate({ keys: [key] });
        expect(await store.fill(key, entry('stale'), note)).toBe(false);
        expect(await textAt()).toBeUndefined();
      });

      test('is refused with a note taken before an invalidation of the absent key', async () => {
        const note = await noteOf();
        await other.invalidate({ keys: [key] });
        expect(await store.fill(key, entry('stale'), note)).toBe(false);
      });

      test('is worth nothing with a note taken before its tag was invalidated', async () => {
        const note = await noteOf();
        await other.invalidate({ tags: [tag] });
        await store.fill(key, entry('stale', HOUR_MS, [tag]), note);
        expect(await textAt()).toBeUndefined();
      });

      test('is worth nothing with a note taken before everything was invalidated', async () => {
        const note = await noteOf();
        await other.invalidate({ all: true });
        await store.fill(key, entry('stale'), note);
        expect(await textAt()).toBeUndefined();
      });

      test('is refused with a note taken before a hold, during it and after it', async () => {
        const note = await noteOf();
        const hold = await other.hold(key, { forMs: HOLD_MS });
        expect((await store.get(key)).note).toBeUndefined();
        expect(await store.fill(key, entry('stale'), note)).toBe(false);
        await other.put(key, undefined, hold);
        expect(await store.fill(key, entry('stale'), note)).toBe(false);
        expect(await store.fill(key, entry('fresh'), await noteOf())).toBe(true);
      });

      test('is refused after another with the same note', async () => {
        const [mine, others] = [await noteOf(), await noteOf(key, other)];
        expect(await other.fill(key, entry('first'), others)).toBe(true);
        expect(await store.fill(key, entry('second'), mine)).toBe(false);
        expect(await textAt()).toBe('first');
      });

      test('succeeds for one of many at once', async () => {
        const note = await noteOf();
        const fills = Array.from({ length: 20 }, (_, n) => (n % 2 ? store : other).fill(key, entry(`${n}`), note));
        expect((await Promise.all(fills)).filter(Boolean)).toHaveLength(1);
      });
    });

    describe('an entry', () => {
      test('is gone after its time', async () => {
        await store.fill(key, entry('short', 1000), await noteOf());
        await until('the entry to expire', async () => (await textAt()) === undefined);
      });

      test('is kept beyond its freshness, until it expires', async () => {
        await store.fill(key, { ...entry('stale'), freshUntilMs: Date.now() - 1000 }, await noteOf());
        expect(await textAt()).toBe('stale');
      });

      test('goes with its tag, its key, or all others, and only with its own', async () => {
        await store.fill(key, entry('tagged', HOUR_MS, [tag, `${tag}-2`]), await noteOf());
        await other.invalidate({ tags: [`${tag}-other`] });
        await other.invalidate({ keys: [`${key}-other`] });
        expect(await textAt()).toBe('tagged');
        await other.invalidate({ tags: [`${tag}-2`] });
        expect(await textAt(store)).toBeUndefined();
        await store.fill(key, entry('again', HOUR_MS, [tag]), await noteOf());
        expect(await textAt()).toBe('again');
        await other.invalidate({ keys: [`${key}-other`, key] });
        expect(await textAt(store)).toBeUndefined();
        await store.fill(key, entry('third'), await noteOf());
        await other.invalidate({ all: true });
        expect(await textAt(store)).toBeUndefined();
      });
    });

    describe('a hold', () => {
      test('drops the entry, keeps fills out, and its put is seen by all', async () => {
        await store.fill(key, entry('old'), await noteOf());
        const hold = await store.hold(key, { forMs: HOLD_MS });
        expect(await other.get(key)).toMatchObject({ entry: undefined, note: undefined });
        expect(await store.put(key, entry('written'), hold)).toBe(true);
        expect(await textAt()).toBe('written');
      });

      test('that overlapped another lets neither put keep its value, and the last to end lets fills in again', async () => {
        const first = await store.hold(key, { forMs: HOLD_MS });
        const second = await other.hold(key, { forMs: HOLD_MS });
        expect(await store.put(key, entry('first'), first)).toBe(false);
        expect(await store.get(key)).toMatchObject({ entry: undefined, note: undefined });
        expect(await other.put(key, entry('second'), second)).toBe(false);
        expect(await textAt()).toBeUndefined();
        expect(await store.fill(key, entry('loaded'), await noteOf())).toBe(true);
      });

      test('of three overlapping ones in any order keeps nothing', async () => {
        const holds = [];
        for (let n = 0; n < 3; n++) holds.push(await store.hold(key, { forMs: HOLD_MS }));
        for (const hold of holds.toReversed()) {
          expect((await other.get(key)).note).toBeUndefined();
          expect(await other.put(key, entry('written'), hold)).toBe(false);
        }
        expect(await textAt()).toBeUndefined();
        await noteOf();
      });

      test('that ended by its time makes its put invalidate', async () => {
        const hold = await store.hold(key, { forMs: 1000 });
        // Of several tiers it ends in one a moment before the other: not before this it has ended in all.
        const endsAtMs = Date.now() + 1000;
        const isOver = async () => Date.now() > endsAtMs && (await store.get(key)).note !== undefined;
        await until('the hold to end', isOver);
        expect(await store.fill(key, entry('loaded before the commit'), await noteOf())).toBe(true);
        expect(await store.put(key, entry('written'), hold)).toBe(false);
        expect(await textAt()).toBeUndefined();
      });

      test('outlives an invalidation of its key, which makes its put keep nothing', async () => {
        const hold = await store.hold(key, { forMs: HOLD_MS });
        await other.invalidate({ keys: [key] });
        expect((await other.get(key)).note).toBeUndefined();
        expect(await store.put(key, entry('written'), hold)).toBe(false);
        expect(await textAt()).toBeUndefined();
      });

      test('makes a value worth nothing whose tag was invalidated meanwhile', async () => {
        const hold = await store.hold(key, { forMs: HOLD_MS });
        await other.invalidate({ tags: [tag] });
        await store.put(key, entry('written', HOUR_MS, [tag]), hold);
        expect(await textAt()).toBeUndefined();
      });

      test('is not ended by a put without it, which keeps nothing and spoils it', async () => {
        const hold = await store.hold(key, { forMs: HOLD_MS });
        expect(await other.put(key, entry('without'))).toBe(false);
        expect((await other.get(key)).note).toBeUndefined();
        expect(await store.put(key, entry('written'), hold)).toBe(false);
      });
    });

    describe('a put without a hold', () => {
      test('replaces whatever is there', async () => {
        expect(await store.put(key, entry('first'))).toBe(true);
        expect(await other.put(key, entry('second'))).toBe(true);
        expect(await textAt(store)).toBe('second');
        await other.put(key, undefined);
        expect(await textAt(store)).toBeUndefined();
      });

      test('of twenty at once leaves one of them, whole', async () => {
        const values = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(1000));
        await Promise.all(values.map((value, n) => (n % 2 ? store : other).put(key, entry(value))));
        expect(values).toContain(await textAt());
      });
    });
  });
}

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function entry(text: string, ttlMs = HOUR_MS, tags: readonly string[] = []): CacheEntry {
  const expiresAtMs = Date.now() + ttlMs;
  return { value: new TextEncoder().encode(text), freshUntilMs: expiresAtMs, expiresAtMs, tags };
}

function textOf(found: CacheEntry | undefined): string | undefined {
  return found?.value && new TextDecoder().decode(found.value);
}
