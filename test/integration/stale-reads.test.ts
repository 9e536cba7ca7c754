// The stale-fill drill in short, upon a real Redis: the patterns of the library have no stale read, and the drill finds those of others.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CacheStore } from '../../src/cache/ports.ts';
import { redis } from '../../src/cache/tiers/redis.ts';
import { naivePattern, PATTERNS, type Place } from '../drill/cache-patterns.ts';
import { countStaleReads } from '../drill/stale-reads.ts';
import { available } from '../servers/available.ts';
import { type Redis, startRedis } from '../servers/redis.ts';

const OPTIONS = { operations: 3000, clients: 4, seed: 1 };

describe.skipIf(!available('redis'))('with four clients that load and write the same rows', () => {
  let server: Redis;
  beforeAll(async () => {
    server = await startRedis({ durable: false });
  });
  afterAll(() => server?.close());

  const placeOf = (prefix: string, change = (store: CacheStore) => store): Place => ({
    name: 'redis',
    open: () => change(redis({ url: `redis://127.0.0.1:${server.port}`, prefix, timeout: '1m' })),
  });

  test.each(PATTERNS)('$name never shows less than a write that had ended', async (pattern) => {
    const counted = await countStaleReads(pattern, placeOf(`${pattern.name}:`), OPTIONS);
    expect(counted).toMatchObject({ stale: 0, staleAtEnd: 0 });
    expect(counted.reads + counted.writes).toBe(OPTIONS.operations);
    expect(counted.refused).toBeGreaterThan(0);
  });

  test('cache-aside as most write it does, and is found out', async () => {
    const counted = await countStaleReads(naivePattern(server.port), placeOf('naive:'), OPTIONS);
    expect(counted.stale).toBeGreaterThan(0);
  });

  test.each(PATTERNS.slice(0, 2))('$name upon a store that does not compare is found out too', async (pattern) => {
    const comparingNothing = (store: CacheStore): CacheStore => ({
      ...store,
      fill: (key, entry) => store.put(key, entry),
    });
    const counted = await countStaleReads(pattern, placeOf(`bare ${pattern.name}:`, comparingNothing), OPTIONS);
    expect(counted.stale).toBeGreaterThan(0);
  });
});
