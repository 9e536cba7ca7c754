// Cache-aside with time: stale values within their grace, refreshing ahead, jitter, time limits, and shared loads.
import { describe, expect, test } from 'vitest';
import { type CacheOptions, cacheAside } from '../../../src/cache/aside.ts';
import { json } from '../../../src/cache/codec.ts';
import type { CacheEvent } from '../../../src/cache/events.ts';
import { memory } from '../../../src/cache/tiers/memory.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';

function scene(options: Partial<CacheOptions<string, number>> = {}) {
  const clock = new ManualClock();
  const world = { ...manualWorld(clock), random: () => 0.5 };
  const store = memory({ world });
  const events: CacheEvent[] = [];
  const observe = (event: CacheEvent) => void events.push(event);
  const cache = cacheAside<string, number>({ ttl: '10s', world, observe, store, ...options });
  const loads: { resolve(value: number | undefined): void; reject(error: unknown): void }[] = [];
  const load = () => new Promise<number | undefined>((resolve, reject) => void loads.push({ resolve, reject }));
  /** A read; the loads that it makes wait until the test ends them. */
  const look = async () => {
    const answer = cache.look('key', load);
    answer.catch(() => {});
    await clock.settle();
    return { answer };
  };
  /** The key is kept with this value. */
  const fill = async (value: number) => {
    const { answer } = await look();
    loads.shift()?.resolve(value);
    await answer;
  };
  return { clock, cache, store, events, loads, look, fill, load };
}

describe('with a grace', () => {
  test('one caller of a stale value loads it anew, the others are served it at once', async () => {
    const { clock, fill, look, loads } = scene({ grace: '1m' });
    await fill(1);
    await clock.move(11_000);
    const first = await look();
    const others = [await look(), await look()];
    for (const { answer } of others) {
      expect(await answer).toMatchObject({ value: 1, isStale: true, status: 'memory; hit; ttl=-1' });
    }
    expect(loads).toHaveLength(1);
    loads[0]?.resolve(2);
    expect(await first.answer).toMatchObject({ value: 2, isStale: false });
    expect(await (await look()).answer).toMatchObject({ value: 2, from: 'memory' });
  });

  test('a stale value is served when the load fails, and says why', async () => {
    const { clock, fill, look, loads } = scene({ grace: '1m', loadTimeout: '2s' });
    await fill(1);
    await clock.move(11_000);
    const refused = await look();
    loads.shift()?.reject(new Error('no'));
    expect(await refused.answer).toMatchObject({ value: 1, status: 'memory; hit; ttl=-1; detail=source-failed' });
    const hung = await look();
    await clock.move(2000);
    expect(await hung.answer).toMatchObject({ value: 1, status: expect.stringContaining('detail=timeout') });
  });

  test('whoever loads anew waits no longer than its patience', async () => {
    const { clock, fill, look, loads } = scene({ grace: '1m', patience: '100ms' });
    await fill(1);
    await clock.move(11_000);
    const { answer } = await look();
    await clock.move(100);
    expect(await answer).toMatchObject({ value: 1, isStale: true });
    loads[0]?.resolve(2);
    await clock.settle();
    expect(await (await look()).answer).toMatchObject({ value: 2, from: 'memory' });
  });

  test('nothing is served once the grace is over', async () => {
    const { clock, fill, look, loads } = scene({ grace: '1m' });
    await fill(1);
    await clock.move(70_000);
    const { answer } = await look();
    loads[0]?.reject(new Error('no'));
    await expect(answer).rejects.toThrow('no');
  });

  test('it is never served stale that a row is absent', async () => {
    const { clock, look, loads } = scene({ grace: '1m', negativeTtl: '1s' });
    const first = await look();
    loads.shift()?.resolve(undefined);
    await first.answer;
    expect(await (await look()).answer).toMatchObject({ value: undefined, from: 'memory' });
    await clock.move(1000);
    await look();
    expect(loads).toHaveLength(1);
  });
});

test('a hit in the last part of its time loads the value anew in the background, once', async () => {
  const { clock, fill, look, loads } = scene({ refreshAhead: 0.2 });
  await fill(1);
  await clock.move(7000);
  await (await look()).answer;
  expect(loads).toHaveLength(0);
  await clock.move(1500);
  for (let n = 0; n < 3; n++) expect(await (await look()).answer).toMatchObject({ value: 1, from: 'memory' });
  expect(loads).toHaveLength(1);
  loads[0]?.resolve(2);
  await clock.settle();
  expect(await (await look()).answer).toMatchObject({ value: 2, status: 'memory; hit; ttl=10' });
});

test('jitter shortens the time to live, and is off unless set', async () => {
  for (const [jitter, ttl] of [
    [undefined, 10],
    [0.4, 8],
  ] as const) {
    const { fill, look } = scene(jitter === undefined ? {} : { jitter });
    await fill(1);
    expect((await (await look()).answer).status).toBe(`memory; hit; ttl=${ttl}`);
  }
});

test('a load that hangs ends with its time, and what it brings later is not kept', async () => {
  const { clock, look, loads } = scene({ loadTimeout: '1s' });
  const { answer } = await look();
  await clock.move(1000);
  await expect(answer).rejects.toMatchObject({ code: 'timeout' });
  loads.shift()?.resolve(1);
  await clock.settle();
  await look();
  expect(loads).toHaveLength(1);
});

test('an error of the load is everybody’s who waited for it, and the next read loads again', async () => {
  const { look, loads } = scene();
  const both = [await look(), await look()];
  loads.shift()?.reject(new Error('no'));
  for (const { answer } of both) await expect(answer).rejects.toThrow('no');
  await look();
  expect(loads).toHaveLength(1);
});

test('a read that began after an invalidation does not share a load that began before', async () => {
  const { cache, clock, look, loads } = scene();
  const before = await look();
  await cache.invalidate({ keys: ['key'] });
  const after = [await look(), await look()];
  expect(loads).toHaveLength(1);
  loads[0]?.resolve(1);
  expect(await before.answer).toMatchObject({ value: 1 });
  await clock.settle();
  expect(loads).toHaveLength(2);
  loads[1]?.resolve(2);
  for (const { answer } of after) expect(await answer).toMatchObject({ value: 2 });
  expect(await (await look()).answer).toMatchObject({ value: 2, from: 'memory' });
});

test('while a writer holds the key reads share loads two by two, and keep nothing', async () => {
  const { store, look, loads, clock } = scene();
  const hold = await store.hold('key', { forMs: 60_000 });
  const reads = [await look(), await look(), await look()];
  expect(loads).toHaveLength(1);
  loads[0]?.resolve(1);
  await clock.settle();
  expect(loads).toHaveLength(2);
  loads[1]?.resolve(1);
  for (const { answer } of reads) expect((await answer).value).toBe(1);
  await store.put('key', undefined, hold);
  await look();
  expect(loads).toHaveLength(3);
});

test('a value that cannot be decoded any more is loaded anew, and replaced', async () => {
  const even = (kept: unknown): number => {
    if (typeof kept !== 'number' || kept % 2 !== 0) throw new Error('odd');
    return kept;
  };
  const { events, fill, look, loads } = scene({ codec: json(even) });
  await fill(1);
  const { answer } = await look();
  loads[0]?.resolve(2);
  expect(await answer).toMatchObject({ value: 2, status: 'memory; fwd=miss; stored' });
  expect(events).toContainEqual(expect.objectContaining({ kind: 'undecodable', key: 'key' }));
  expect(await (await look()).answer).toMatchObject({ value: 2, from: 'memory' });
});
