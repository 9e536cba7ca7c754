// The contract of the atomic store, the small port behind `slotted`: compare, swap, and the time after which a key is gone.
import { nanoid } from 'nanoid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AtomicStore } from '../../src/cache/ports.ts';
import { until } from '../servers/chorus.ts';

const HOUR_MS = 3_600_000;

/** `open` gives a handle on one place; the suite closes it and brings keys of its own. */
export function atomicStoreContract(name: string, open: () => Promise<AtomicStore>): void {
  describe(`the contract of the atomic store: ${name}`, () => {
    let store: AtomicStore;
    let key: string;

    beforeEach(async () => {
      store = await open();
      key = `key-${nanoid()}`;
    });
    afterEach(() => store.close());

    const read = async (of = key) => (await store.read([of]))[0];

    test('sets an absent key once, and gives back every byte', async () => {
      const bytes = withVersion(Uint8Array.from({ length: 256 }, (_, byte) => byte));
      expect(await store.swap(key, undefined, bytes, HOUR_MS)).toBe(true);
      expect(await store.swap(key, undefined, withVersion(), HOUR_MS)).toBe(false);
      expect(Buffer.from((await read())?.bytes ?? [])).toEqual(Buffer.from(bytes));
    });

    test('swaps only what is still what was read', async () => {
      await store.swap(key, undefined, withVersion(), HOUR_MS);
      const first = await read();
      expect(await store.swap(key, first?.version, withVersion(), HOUR_MS)).toBe(true);
      expect(await store.swap(key, first?.version, withVersion(), HOUR_MS)).toBe(false);
      expect(await store.swap(key, first?.version, undefined, 0)).toBe(false);
      expect(await store.swap(key, (await read())?.version, undefined, 0)).toBe(true);
      expect(await read()).toBeUndefined();
    });

    test('does not swap a key that is absent, nor one that was removed and set again', async () => {
      await store.swap(key, undefined, withVersion(), HOUR_MS);
      const first = await read();
      await store.swap(key, first?.version, undefined, 0);
      expect(await store.swap(key, first?.version, withVersion(), HOUR_MS)).toBe(false);
      await store.swap(key, undefined, withVersion(), HOUR_MS);
      expect(await store.swap(key, first?.version, withVersion(), HOUR_MS)).toBe(false);
    });

    test('lets one of many swaps succeed', async () => {
      for (const expected of [undefined, 'read'] as const) {
        const version = expected && (await read())?.version;
        const swaps = Array.from({ length: 20 }, () => store.swap(key, version, withVersion(), HOUR_MS));
        expect((await Promise.all(swaps)).filter(Boolean)).toHaveLength(1);
      }
    });

    test('reads several keys in their order, the absent ones too', async () => {
      const bytes = withVersion();
      await store.swap(`${key}-2`, undefined, bytes, HOUR_MS);
      const found = await store.read([`${key}-1`, `${key}-2`, `${key}-3`]);
      expect(found.map((one) => one && Buffer.from(one.bytes))).toEqual([undefined, Buffer.from(bytes), undefined]);
      expect(await store.read([])).toEqual([]);
    });

    test('plants, where it can, something under the first key alone, once, with a version of its own', async () => {
      if (store.readOrPlant === undefined) return;
      await store.swap(`${key}-2`, undefined, withVersion(), HOUR_MS);
      const look = async () => (await store.readOrPlant?.([key, `${key}-2`, `${key}-3`], HOUR_MS)) ?? [];
      const [first, ...others] = await Promise.all(Array.from({ length: 20 }, look));
      expect(first?.map((one) => one !== undefined)).toEqual([true, true, false]);
      for (const other of others) expect(other).toEqual(first);
      expect((await look())[0]?.version).toBe(first?.[0]?.version);
      expect(await store.swap(key, first?.[0]?.version, undefined, 0)).toBe(true);
      expect((await look())[0]?.version).not.toBe(first?.[0]?.version);
      expect(await store.swap(key, first?.[0]?.version, withVersion(), HOUR_MS)).toBe(false);
      expect(await store.swap(key, (await read())?.version, withVersion(), HOUR_MS)).toBe(true);
    });

    test('lets go of a key after its time, and of one without an end never', async () => {
      await store.swap(key, undefined, withVersion(), 1000);
      await store.swap(`${key}-for-ever`, undefined, withVersion(), Number.POSITIVE_INFINITY);
      expect(await read()).toBeDefined();
      await until('the key to expire', async () => (await read()) === undefined);
      expect(await read(`${key}-for-ever`)).toBeDefined();
    });

    test('tells keys apart that are long, or have strange signs', async () => {
      const keys = ['', ' ', '\n', 'ü', '%20', 'x'.repeat(250), 'x'.repeat(251), 'x'.repeat(1000)].map(
        (end) => key + end,
      );
      for (const one of keys) expect(await store.swap(one, undefined, withVersion(), HOUR_MS)).toBe(true);
      const found = await store.read(keys);
      expect(new Set(found.map((one) => Buffer.from(one?.bytes ?? []).toString('latin1'))).size).toBe(keys.length);
    });
  });
}

/** As `slotted` writes: a version first, never the same again. */
function withVersion(rest: Uint8Array = new Uint8Array()): Uint8Array {
  return Buffer.concat([Buffer.from(nanoid()), rest]);
}
