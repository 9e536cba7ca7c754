// Write-behind and its flusher: nothing is lost, nothing is done twice, nothing old overwrites what came later.
import { describe, expect, test } from 'vitest';
import { CacheError } from '../../../src/cache/errors.ts';
import type { CacheEvent } from '../../../src/cache/events.ts';
import { startFlusher } from '../../../src/cache/flusher.ts';
import type { Change, FlushableSource, WriteQueue } from '../../../src/cache/ports.ts';
import { memoryQueue } from '../../../src/cache/queues/memory-queue.ts';
import { memory } from '../../../src/cache/tiers/memory.ts';
import { writeBehind } from '../../../src/cache/write-behind.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';

type Row = { readonly name: string };

/** A table that enters ids in its own transaction; `refuses` are names that it takes from nobody. */
function table() {
  const rows = new Map<number, Row>();
  const ids = new Set<string>();
  const flushes: (readonly Change<number, Row>[])[] = [];
  const refused = new Set<string>();
  const faults: (() => CacheError)[] = [];
  const source: FlushableSource<number, Row> = {
    name: 'table',
    load: async (key) => rows.get(key),
    async flush(changes) {
      const fault = faults.shift()?.();
      if (fault?.isWithoutEffect) throw fault;
      if (changes.some(({ value }) => value && refused.has(value.name))) throw new CacheError('refused', 'table', 'no');
      flushes.push(changes);
      for (const { id, coalesced = [], key, value } of changes) {
        if (!ids.has(id)) value === undefined ? rows.delete(key) : rows.set(key, value);
        for (const one of [id, ...coalesced]) ids.add(one);
      }
      if (fault !== undefined) throw fault;
      return { kind: 'saved' };
    },
    async ping() {},
    async close() {},
  };
  return { rows, flushes, refused, faults, source };
}

function scene(overQueue: (queue: WriteQueue) => Partial<WriteQueue> = () => ({})) {
  const clock = new ManualClock();
  const world = manualWorld(clock);
  const { source, ...rest } = table();
  const kept = memoryQueue();
  const queue = { ...kept, ...overQueue(kept) };
  const events: CacheEvent[] = [];
  const options = { source, queue, world, observe: (event: CacheEvent) => void events.push(event) };
  const cache = writeBehind<number, Row>({ ...options, store: memory({ world }), ttl: '1h' });
  const flusher = (maxBatch = 4) => startFlusher<number, Row>({ ...options, maxBatch, maxDelay: '50ms' });
  return { clock, cache, flusher, queue, dead: kept.dead, events, ...rest };
}

const row = (name: string): Row => ({ name });

describe('a write', () => {
  test('is read at once, while the source does not know it yet', async () => {
    const { cache, rows } = scene();
    await cache.put(1, row('Ada'));
    expect([await cache.get(1), rows.size]).toEqual([row('Ada'), 0]);
  });

  test('of a removal is read as absent, while the source still has the row', async () => {
    const { cache, rows } = scene();
    rows.set(1, row('Ada'));
    await cache.remove(1);
    expect(await cache.get(1)).toBeUndefined();
  });

  test('that the queue did not take changes nothing', async () => {
    const { cache } = scene(() => ({ publish: () => Promise.reject(new CacheError('down', 'queue', 'no broker')) }));
    await expect(cache.put(1, row('Ada'))).rejects.toMatchObject({ code: 'down' });
    expect(await cache.get(1)).toBeUndefined();
  });

  test('whose confirmation was lost leaves no old value in the cache', async () => {
    let isLost = false;
    const { cache } = scene((queue) => ({
      async publish(message) {
        await queue.publish(message);
        if (isLost) throw new CacheError('unknown', 'queue', 'the connection broke');
      },
    }));
    await cache.put(1, row('old'));
    isLost = true;
    await expect(cache.put(1, row('new'))).rejects.toMatchObject({ code: 'unknown' });
    expect(await cache.get(1)).toBeUndefined();
  });

  test('that waits for its confirmation is cached after those before it', async () => {
    const gates: (() => void)[] = [];
    const { cache, clock } = scene(() => ({ publish: () => new Promise((resolve) => void gates.push(resolve)) }));
    const both = [cache.put(1, row('first')), cache.put(1, row('second'))];
    await clock.settle();
    expect(gates).toHaveLength(1);
    gates[0]?.();
    await clock.settle();
    gates[1]?.();
    await Promise.all(both);
    expect(await cache.get(1)).toEqual(row('second'));
  });
});

describe('the flusher', () => {
  test('brings the newest value of each key in one batch, after the delay', async () => {
    const { cache, flusher, clock, rows, flushes } = scene();
    const flushing = flusher();
    for (const name of ['a', 'b', 'c']) await cache.put(1, row(name));
    await clock.move(49);
    expect(flushes).toHaveLength(0);
    await clock.move(1);
    expect(flushes.map((changes) => changes.map(({ value }) => value?.name))).toEqual([['c']]);
    expect(rows.get(1)).toEqual(row('c'));
    await flushing.stop();
  });

  test('does not wait when a batch is full', async () => {
    const { cache, flusher, clock, flushes, queue } = scene();
    for (let key = 0; key < 8; key++) await cache.put(key, row('x'));
    const flushing = flusher();
    await clock.settle();
    expect(flushes.map((changes) => changes.length)).toEqual([4, 4]);
    expect(await queue.count()).toEqual({ waiting: 0, dead: 0 });
    await flushing.stop();
  });

  test('acknowledges nothing before the source has committed, and tries again until it has', async () => {
    const { cache, flusher, clock, faults, queue, rows, flushes } = scene();
    for (let n = 0; n < 5; n++) faults.push(() => new CacheError('down', 'table', 'no route'));
    await cache.put(1, row('Ada'));
    const flushing = flusher();
    await clock.move(60);
    expect(flushing.health()).toMatchObject({ status: 'degraded', waiting: 1 });
    expect(await queue.count()).toEqual({ waiting: 1, dead: 0 });
    await clock.move(5000);
    expect([rows.get(1), flushes.length, flushing.health().status]).toEqual([row('Ada'), 1, 'ok']);
    await flushing.stop();
  });

  test('writes nothing twice when the answer of a commit is lost', async () => {
    const { cache, flusher, clock, faults, rows } = scene();
    faults.push(() => new CacheError('unknown', 'table', 'the connection broke'));
    await cache.put(1, row('Ada'));
    const flushing = flusher();
    await clock.move(60);
    rows.set(1, row('changed by another since'));
    await clock.move(5000);
    expect(rows.get(1)).toEqual(row('changed by another since'));
    await flushing.stop();
  });

  test('does not bring back an older value when it died between commit and acknowledgement', async () => {
    const unended: (() => Promise<void>)[] = [];
    let isDying = true;
    const { cache, flusher, clock, rows } = scene((kept) => ({
      consume: (options) =>
        kept.consume({
          ...options,
          onDelivery(delivery) {
            const acknowledge = async () =>
              isDying ? void unended.unshift(delivery.giveBack) : delivery.acknowledge();
            options.onDelivery({ ...delivery, acknowledge });
          },
        }),
    }));
    await cache.put(1, row('old'));
    await cache.put(1, row('new'));
    const first = flusher();
    await clock.move(50);
    await first.stop();
    expect(rows.get(1)).toEqual(row('new'));
    for (const giveBack of unended) await giveBack();
    isDying = false;
    // The second time they do not come together.
    const second = flusher(1);
    await clock.settle();
    await second.stop();
    expect(rows.get(1)).toEqual(row('new'));
  });

  test('buries the write that the source refuses again and again, and none besides', async () => {
    const { cache, flusher, clock, refused, dead, rows, queue } = scene();
    refused.add('bad');
    for (const [key, name] of ['a', 'b', 'bad', 'd'].entries()) await cache.put(key, row(name));
    const flushing = flusher();
    await clock.move(1000);
    expect([...rows.values()].map(({ name }) => name)).toEqual(['a', 'b', 'd']);
    expect(dead).toHaveLength(1);
    expect(dead[0]?.reason).toContain('no');
    expect(await queue.count()).toEqual({ waiting: 0, dead: 1 });
    await flushing.stop();
  });

  test('buries the newest write of a key alone, and keeps the one before it', async () => {
    const { cache, flusher, clock, refused, dead, rows } = scene();
    refused.add('bad');
    await cache.put(1, row('good'));
    await cache.put(1, row('bad'));
    const flushing = flusher();
    await clock.move(1000);
    expect([rows.get(1), dead.length]).toEqual([row('good'), 1]);
    await flushing.stop();
  });

  test('buries what it cannot read, and goes on', async () => {
    const { cache, flusher, clock, dead, rows, queue } = scene();
    await queue.publish({ id: 'strange', body: Buffer.from('no message of ours') });
    await cache.put(1, row('Ada'));
    const flushing = flusher();
    await clock.move(50);
    expect([dead.map(({ id }) => id), rows.get(1)]).toEqual([['strange'], row('Ada')]);
    await flushing.stop();
  });

  test('gives back in order what it did not flush when it stops', async () => {
    const { cache, flusher, clock, faults, queue, flushes } = scene();
    faults.push(() => new CacheError('down', 'table', 'no route'));
    for (let key = 0; key < 6; key++) await cache.put(key, row('x'));
    const flushing = flusher();
    await clock.settle();
    await flushing.stop();
    expect(await queue.count()).toEqual({ waiting: 6, dead: 0 });
    const next = flusher();
    await clock.move(50);
    expect(flushes.flat().map(({ key }) => key)).toEqual([0, 1, 2, 3, 4, 5]);
    await next.stop();
  });
});
