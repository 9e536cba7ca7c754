// Tiers under failures: what a hung or lost tier costs, and that it serves nothing old when it is back.
import { describe, expect, test } from 'vitest';
import { CACHE_LIMITS } from '../../../src/base/limits.ts';
import { CacheError } from '../../../src/cache/errors.ts';
import type { CacheEvent } from '../../../src/cache/events.ts';
import type { PolicyOptions } from '../../../src/cache/policy.ts';
import type { WritableSource } from '../../../src/cache/ports.ts';
import type { TierOptions } from '../../../src/cache/tier.ts';
import { memory } from '../../../src/cache/tiers/memory.ts';
import { tiers } from '../../../src/cache/tiers.ts';
import { writeThrough } from '../../../src/cache/write-through.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';
import { faulty } from './faulty-store.ts';

/** Two tiers before a table of one row whose value is a number. */
function scene(
  nearOptions: Partial<TierOptions> = {},
  farOptions: Partial<TierOptions> = {},
  policy: Pick<PolicyOptions<string, number>, 'refreshAhead'> = {},
) {
  const clock = new ManualClock();
  const world = manualWorld(clock);
  const near = faulty(memory({ name: 'near', world }));
  const far = faulty(memory({ name: 'far', world }));
  const events: CacheEvent[] = [];
  const observe = (event: CacheEvent) => void events.push(event);
  const chain = [
    { store: near, timeout: '100ms', ...nearOptions },
    { store: far, timeout: '100ms', ...farOptions },
  ] as const;
  const row = { value: 1, loads: 0, isDown: false };
  const source: WritableSource<string, number> = {
    name: 'table',
    async load() {
      row.loads += 1;
      if (row.isDown) throw new CacheError('down', 'table', 'connection refused');
      return row.value;
    },
    async save(_, value) {
      row.value = value;
      return value;
    },
    remove: async () => true,
    async ping() {
      if (row.isDown) throw new CacheError('down', 'table', 'connection refused');
    },
    async close() {},
  };
  const store = tiers(chain, { world, observe });
  const cache = writeThrough<string, number>({
    store,
    source,
    ttl: '1h',
    tags: () => ['rows'],
    world,
    observe,
    ...policy,
  });
  /** The answer of a call, and how long the clock had to be moved for it. */
  const timed = async <T>(call: Promise<T>): Promise<{ result: T; tookMs: number }> => {
    const startMs = clock.monotonicMs();
    let tookMs = -1;
    const ended = call.finally(() => {
      tookMs = clock.monotonicMs() - startMs;
    });
    for (let moves = 0; tookMs < 0 && moves < 100; moves++) await clock.move(10);
    return { result: await ended, tookMs };
  };
  const look = () => timed(cache.look('key'));
  const put = (value: number) => timed(cache.put('key', value));
  const probed = () => clock.move(CACHE_LIMITS.probeMaxMs);
  return { clock, near, far, events, row, store, cache, look, put, timed, probed };
}

describe('a tier that hangs', () => {
  test('costs a read its timeout once, then nothing, and is read again after a probe', async () => {
    const { near, look, probed, cache } = scene();
    await look();
    near.mood = 'hung';
    const first = await look();
    expect([first.result.from, first.tookMs]).toEqual(['far', 100]);
    const second = await look();
    expect([second.result.from, second.tookMs]).toEqual(['far', 0]);
    expect(second.result.status).toMatch(/^far; hit; ttl=\d+, near; fwd=bypass; detail=breaker-open$/);
    expect(cache.health()).toMatchObject({
      status: 'degraded',
      tiers: [{ name: 'near', state: 'down' }, { state: 'ok' }],
    });
    near.mood = 'well';
    await probed();
    expect((await look()).result.from).toBe('near');
    expect(cache.health().status).toBe('ok');
  });

  test('costs a write its timeout once, and the write is done', async () => {
    const { far, put, row } = scene();
    far.mood = 'hung';
    expect((await put(2)).tookMs).toBe(100);
    expect((await put(3)).tookMs).toBe(0);
    expect(row.value).toBe(3);
  });

  test('is probed with growing pauses, not by requests', async () => {
    const { near, look, clock, cache } = scene();
    near.mood = 'hung';
    await look();
    near.calls.length = 0;
    for (let n = 0; n < 50; n++) await cache.look('key');
    expect(near.calls).toEqual([]);
    await clock.move(60_000);
    expect(near.calls.length).toBeGreaterThan(10);
    expect(near.calls.length).toBeLessThan(25);
  });
});

describe('a tier that was away', () => {
  test('does not serve what was written meanwhile by its old value', async () => {
    const { near, far, look, put, probed } = scene();
    for (const tier of [near, far]) {
      await put(1);
      await look();
      tier.mood = 'down';
      await put(2);
      expect((await look()).result.value).toBe(2);
      tier.mood = 'well';
      await probed();
      expect((await look()).result.value).toBe(2);
    }
  });

  test('does not serve what was invalidated meanwhile by key, by tag or as a whole', async () => {
    for (const what of [{ keys: ['key'] }, { tags: ['rows'] }, { all: true }] as const) {
      const { near, cache, look, timed, probed, row } = scene();
      await look();
      near.mood = 'down';
      row.value = 2;
      await timed(cache.invalidate(what));
      near.mood = 'well';
      await probed();
      expect((await look()).result.value).toBe(2);
    }
  });

  test('is not read while its repair fails', async () => {
    const { near, look, put, probed, cache } = scene();
    await look();
    near.mood = 'down';
    await put(2);
    const { invalidate } = near;
    near.invalidate = () => Promise.reject(new CacheError('down', 'near', 'connection refused'));
    near.mood = 'well';
    await probed();
    expect([(await look()).result.value, cache.health().status]).toEqual([2, 'degraded']);
    near.invalidate = invalidate;
    await probed();
    expect([(await look()).result.value, cache.health().status]).toEqual([2, 'ok']);
  });

  test('keeps its other entries, or with onReturn "clear" none', async () => {
    for (const [onReturn, from] of [
      ['repair', 'near'],
      ['clear', 'far'],
    ] as const) {
      const { near, look, timed, cache, probed } = scene({ onReturn });
      await look();
      near.mood = 'down';
      await timed(cache.invalidate({ keys: ['another'] }));
      near.mood = 'well';
      await probed();
      expect((await look()).result.from).toBe(from);
    }
  });

  test('that missed more than can be remembered is invalidated as a whole', async () => {
    const { near, cache, timed, probed, look } = scene();
    await look();
    near.mood = 'down';
    const keys = Array.from({ length: CACHE_LIMITS.maxMissed + 1 }, (_, n) => `other-${n}`);
    await timed(cache.invalidate({ keys }));
    expect(cache.health().tiers[0]).toMatchObject({ missed: 1 });
    near.mood = 'well';
    await probed();
    expect((await look()).result.from).toBe('far');
  });
});

test('with all tiers away the source serves', async () => {
  const { near, far, look, row, cache } = scene();
  near.mood = 'down';
  far.mood = 'down';
  const { result } = await look();
  expect([result.value, result.from]).toEqual([1, 'table']);
  expect(result.status).toBe('far; fwd=bypass; detail=down, near; fwd=bypass; detail=down');
  row.value = 2;
  expect((await look()).result.value).toBe(2);
  expect(cache.health().status).toBe('degraded');
});

test('a value that a tier does not take leaves neither an old one in its place nor a hold', async () => {
  const { near, look, put, store, clock } = scene();
  await look();
  near.mood = 'refusing';
  await put(2);
  expect((await look()).result).toMatchObject({ value: 2, from: 'far' });
  expect((await look()).result).toMatchObject({ value: 2, from: 'near' });
  const expiresAtMs = clock.wallMs() + 3_600_000;
  await store.put('key', { value: Buffer.from('3'), freshUntilMs: expiresAtMs, expiresAtMs, tags: [] });
  expect((await look()).result).toMatchObject({ value: 3, from: 'far' });
});

test('what is loaded ahead of its end reaches all tiers, also those beyond the hit', async () => {
  const { near, look, clock, row } = scene({}, {}, { refreshAhead: 0.5 });
  await look();
  await clock.move(2_000_000);
  row.value = 2;
  expect((await look()).result).toMatchObject({ value: 1, from: 'near' });
  near.mood = 'down';
  expect((await look()).result).toMatchObject({ value: 2, from: 'far' });
});

test('a tier with a maxTtl lets go sooner, and is filled again from the next', async () => {
  const { look, clock, row } = scene({ maxTtl: '10s' });
  await look();
  await clock.move(10_000);
  expect((await look()).result.from).toBe('far');
  expect((await look()).result.from).toBe('near');
  expect(row.loads).toBe(1);
});

test('a source that fails again and again is asked no more until a ping finds it well', async () => {
  const { look, row, clock, probed, cache } = scene();
  row.isDown = true;
  for (let n = 0; n < 5; n++) {
    await expect(cache.look('key')).rejects.toMatchObject({ code: 'down' });
    await clock.settle();
  }
  expect(row.loads).toBe(3);
  expect(cache.health()).toMatchObject({ status: 'degraded', source: { state: 'down' } });
  row.isDown = false;
  await probed();
  expect((await look()).result.value).toBe(1);
  expect(cache.health().status).toBe('ok');
});
