// What the store takes for used least: against a true LRU, whatever was read, written and removed before.
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/core/keyspace.ts';
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';

const ENTRY: Entry = { value: Buffer.alloc(10, 1), contentType: 't', revision: 7, expiresAt: 0 };

describe('what is used least', () => {
  test('is what was neither read nor written for long', () => {
    const keyspace = filled(10_000);
    for (let i = 0; i < 10_000; i += 2) keyspace.use(keyOf(i));
    turnOver(keyspace, 2000);
    for (let round = 0; round < 5; round++) {
      const chosen = numbersOf(keyspace, 100);
      expect(chosen).toHaveLength(100);
      expect(chosen.filter((number) => number % 2 === 0)).toEqual([]);
    }
  });

  test('is named by key and revision, at most as many as asked for, each once', () => {
    const keyspace = filled(50);
    expect(keyspace.leastUsed(1, all)).toEqual([{ key: expect.any(Uint8Array), revision: 7 }]);
    const chosen = numbersOf(keyspace, 1000);
    expect(chosen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(new OffHeapKeyspace(1).leastUsed(5, all)).toEqual([]);
  });

  test('is chosen of those that may go alone', () => {
    const keyspace = filled(1000);
    const mayGo = (key: Uint8Array) => numberOf(key) >= 990;
    const chosen = new Set<number>();
    for (let round = 0; round < 20; round++) {
      for (const { key } of keyspace.leastUsed(5, mayGo)) chosen.add(numberOf(key));
    }
    expect([...chosen].sort()).toEqual(Array.from({ length: 10 }, (_, i) => 990 + i));
  });

  test('comes to every entry in its turn, though the keyspace grows meanwhile', () => {
    const keyspace = filled(20_000);
    for (let i = 0; i < 10_000; i++) {
      keyspace.set(keyOf(20_000 + i), ENTRY);
      for (const { key } of keyspace.leastUsed(2, all)) keyspace.delete(key);
      if (keyspace.keys === 0) break;
    }
    const old = Array.from({ length: 20_000 }, (_, i) => keyspace.get(keyOf(i))).filter((entry) => entry !== undefined);
    expect(keyspace.keys).toBe(10_000);
    expect(old.length).toBeLessThan(3000);
  });

  test('is not changed by looking without use, nor is what is stored by using it', () => {
    const keyspace = filled(1000);
    turnOver(keyspace, 1000);
    for (let i = 0; i < 1000; i++) keyspace.get(keyOf(i));
    const digest = { ...keyspace.digest };
    for (let i = 500; i < 1000; i++)
      expect(keyspace.use(keyOf(i))).toEqual({ ...ENTRY, value: new Uint8Array(ENTRY.value) });
    expect(keyspace.digest).toMatchObject({ high: digest.high, low: digest.low });
    expect(numbersOf(keyspace, 50).every((number) => number < 500)).toBe(true);
    expect(keyspace.use(keyOf(5000))).toBeUndefined();
  });
});

function filled(count: number): OffHeapKeyspace {
  const keyspace = new OffHeapKeyspace(0x1234_5678_9abc);
  for (let i = 0; i < count; i++) keyspace.set(keyOf(i), ENTRY);
  return keyspace;
}

/** So many keys come and go: time passes by the clock of uses. */
function turnOver(keyspace: OffHeapKeyspace, count: number): void {
  for (let i = 0; i < count; i++) {
    keyspace.set(keyOf(-1), ENTRY);
    keyspace.delete(keyOf(-1));
  }
}

function numbersOf(keyspace: OffHeapKeyspace, limit: number): number[] {
  return keyspace.leastUsed(limit, all).map(({ key }) => numberOf(key));
}

function all(): boolean {
  return true;
}

function keyOf(number: number): Uint8Array {
  return Buffer.from(`key ${number}`, 'latin1');
}

function numberOf(key: Uint8Array): number {
  return Number(Buffer.from(key).toString('latin1').slice(4));
}
