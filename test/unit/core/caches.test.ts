// The commands of caches: no stale fill, holds as a set, leases, invalidation, policies; each race as a schedule.
import { describe, expect, test } from 'vitest';
import { FedCache } from './fed-cache.ts';
import { deletePrefix, put } from './fed-machine.ts';

const K = 'k';

describe('a fill', () => {
  test('is kept where nothing happened since its load began, and lives for its time', () => {
    const cache = new FedCache();
    expect(cache.fill(K, 'v', cache.now, { ttlMs: 1000 })).toBe('created');
    expect(cache.look(K)).toBe('v');
    cache.pass(1000);
    expect(cache.look(K)).toBeUndefined();
  });

  test('can say that there is no such row', () => {
    const cache = new FedCache();
    cache.fill(K, null, cache.now, { ttlMs: 1000 });
    expect(cache.look(K)).toBeNull();
  });

  const events: Readonly<Record<string, (cache: FedCache) => void>> = {
    'was put': (cache) => cache.put(K, 'new'),
    'was put and deleted': (cache) => [cache.put(K, 'new'), cache.put(K, undefined)],
    'was deleted, though absent': (cache) => cache.put(K, undefined),
    'was invalidated, though absent': (cache) => cache.invalidate({ keys: [K] }),
    'had its tag invalidated': (cache) => cache.invalidate({ tags: ['t'] }),
    'was invalidated with all': (cache) => cache.invalidate({ isAll: true }),
    'is held': (cache) => cache.hold(K),
    'was held, and is no more': (cache) => cache.put(K, undefined, { hold: cache.hold(K) }),
    'was filled by another': (cache) => cache.fill(K, 'other', cache.now),
    'was filled and expired': (cache) => {
      cache.fill(K, 'other', cache.now, { ttlMs: 5 });
      cache.pass(5);
      expect(cache.expire('E', K)).toBe('deleted');
    },
    'is unsaved': (cache) => cache.putBehind(K, 'new'),
    'was written behind and saved': (cache) => cache.settle('saved', K, Number(cache.putBehind(K, 'new'))),
    'was deleted behind and saved': (cache) => cache.settle('saved', K, Number(cache.putBehind(K, null))),
  };
  test.each(Object.entries(events))('is refused if the key since %s', (_, happen) => {
    const cache = new FedCache();
    const since = cache.now;
    happen(cache);
    const before = cache.look(K);
    expect(cache.fill(K, 'stale', since, { tags: ['t'] })).toBe('stale');
    expect(cache.look(K)).toBe(before);
  });

  test('is not refused for what happened to another tag', () => {
    const cache = new FedCache();
    const since = cache.now;
    cache.invalidate({ tags: ['other'] });
    expect(cache.fill(K, 'v', since, { tags: ['t'] })).toBe('created');
  });

  test('noted during a hold is refused for ever, however the hold ends', () => {
    for (const end of ['put', 'release', 'time'] as const) {
      const cache = new FedCache();
      const hold = cache.hold(K, 1000);
      const since = cache.now;
      if (end === 'put') cache.put(K, 'new', { hold });
      if (end === 'release') cache.put(K, undefined, { hold });
      if (end === 'time') cache.pass(1000);
      expect(cache.fill(K, 'stale', since), end).toBe('stale');
      if (end === 'time') {
        expect(cache.expire('H', K)).toBe('deleted');
        expect(cache.fill(K, 'stale', since)).toBe('stale');
        expect(cache.fill(K, 'fresh', cache.now)).toBe('created');
      }
    }
  });
});

describe('a hold', () => {
  test('drops the entry, keeps fills out, and gives way to the put', () => {
    const cache = new FedCache();
    cache.put(K, 'old');
    const hold = cache.hold(K);
    expect(cache.look(K)).toBeUndefined();
    expect(cache.fill(K, 'old', cache.now)).toBe('stale');
    expect(cache.put(K, 'new', { hold })).toBe('created');
    expect(cache.look(K)).toBe('new');
    expect(cache.fill(K, 'newer', cache.now)).toBe('replaced');
  });

  test('of two writers: neither caches, in whatever order they end, and the last one lets fills in', () => {
    for (const isInOrder of [true, false]) {
      const cache = new FedCache();
      const first = cache.hold(K);
      const second = cache.hold(K);
      const order = isInOrder ? [first, second] : [second, first];
      for (const [at, hold] of order.entries()) {
        expect(cache.put(K, `of ${hold}`, { hold })).toBe('not-kept');
        expect(cache.look(K)).toBeUndefined();
        expect(cache.fill(K, 'loaded', cache.now)).toBe(at === 0 ? 'stale' : 'created');
      }
    }
  });

  test('that began while another lasted caches nothing, though that one ended by its time', () => {
    const cache = new FedCache();
    cache.hold(K, 100);
    const second = cache.hold(K, 5000);
    cache.pass(100);
    expect(cache.put(K, 'v', { hold: second })).toBe('not-kept');
    expect(cache.expire('H', K)).toBe('deleted');
    expect(cache.fill(K, 'v', cache.now)).toBe('created');
  });

  test('that is gone when its put comes: the put invalidates', () => {
    const cache = new FedCache();
    const hold = cache.hold(K, 100);
    cache.pass(100);
    cache.expire('H', K);
    cache.fill(K, 'loaded', cache.now);
    const since = cache.now;
    expect(cache.put(K, 'v', { hold })).toBe('not-kept');
    expect(cache.look(K)).toBeUndefined();
    expect(cache.fill(K, 'loaded', since)).toBe('stale');
  });

  const between: Readonly<Record<string, (cache: FedCache) => void>> = {
    'the key was invalidated': (cache) => cache.invalidate({ keys: [K] }),
    'its tag was invalidated': (cache) => cache.invalidate({ tags: ['t'] }),
    'all was invalidated': (cache) => cache.invalidate({ isAll: true }),
    'somebody put without a hold': (cache) => cache.put(K, 'other'),
    'somebody deleted without a hold': (cache) => cache.put(K, undefined),
  };
  test.each(Object.entries(between))('caches nothing where meanwhile %s', (_, happen) => {
    const cache = new FedCache();
    const hold = cache.hold(K);
    happen(cache);
    expect(cache.look(K)).toBeUndefined();
    expect(cache.put(K, 'v', { hold, tags: ['t'] })).toBe('not-kept');
    expect(cache.look(K)).toBeUndefined();
  });

  test('is refused where too many hold the key', () => {
    const cache = new FedCache();
    for (let writer = 0; writer < 64; writer++) expect(cache.tryHold(K)).toBe('done');
    expect(cache.tryHold(K)).toBe('held');
  });
});

describe('a lease', () => {
  test('is for one: the others are refused until it filled, and then need not load', () => {
    const cache = new FedCache();
    const since = cache.now;
    expect(cache.lease(K, since)).toBe('done');
    const leased = cache.now;
    expect(cache.lease(K, since)).toBe('leased');
    expect(cache.fill(K, 'v', leased)).toBe('created');
    expect(cache.lease(K, since)).toBe('stale');
    expect(cache.lease(K, cache.now)).toBe('done');
  });

  test('ends by its time', () => {
    const cache = new FedCache();
    cache.lease(K, cache.now, 100);
    cache.pass(100);
    expect(cache.lease(K, cache.now)).toBe('done');
  });

  test('ends when its load may not fill, and is not given while the key is held', () => {
    const cache = new FedCache();
    cache.lease(K, cache.now);
    const leased = cache.now;
    const hold = cache.hold(K);
    expect(cache.fill(K, 'stale', leased)).toBe('stale');
    expect(cache.lease(K, cache.now)).toBe('held');
    cache.put(K, undefined, { hold });
    expect(cache.lease(K, cache.now)).toBe('done');
  });
});

test.each(['key', 'tag', 'all'] as const)(
  'a lease does not bind those who come after an invalidation (%s): its load is worth nothing',
  (what) => {
    const cache = new FedCache();
    cache.lease(K, cache.now);
    const early = cache.now;
    cache.invalidate({ key: { keys: [K] }, tag: { tags: ['x'] }, all: { isAll: true } }[what]);
    expect(cache.lease(K, cache.now)).toBe('done');
    const late = cache.now;
    expect(cache.fill(K, 'old', early, { tags: ['x'] })).toBe('stale');
    // The lease of the later load has not ended with it.
    expect(cache.lease(K, cache.now)).toBe('leased');
    expect(cache.fill(K, 'new', late, { tags: ['x'] })).toBe('created');
  },
);

test('an invalidated tag takes its entries along, and no others; all takes all', () => {
  const cache = new FedCache();
  cache.put('a', '1', { tags: ['x', 'y'] });
  cache.put('b', '2', { tags: ['z'] });
  cache.invalidate({ tags: ['y'] });
  expect([cache.look('a'), cache.look('b')]).toEqual([undefined, '2']);
  cache.put('a', '3', { tags: ['x', 'y'] });
  expect(cache.look('a')).toBe('3');
  cache.invalidate({ isAll: true });
  expect([cache.look('a'), cache.look('b')]).toEqual([undefined, undefined]);
});

test('a command of an old policy is refused, and says which one there is', () => {
  const cache = new FedCache();
  expect(cache.fed.apply({ type: 'cache-policy', cache: 'users', policy: 0, text: Buffer.from('x') })).toMatchObject({
    code: 'old-policy',
    detail: BigInt(cache.policy),
  });
  const newer = cache.setPolicy(cache.policy);
  expect(cache.put(K, 'v')).toBe('old-policy');
  expect(cache.look(K)).toBeUndefined();
  cache.policy = newer;
  expect(cache.put(K, 'v')).toBe('created');
});

test('adopting lifts the revision above the fence that the source has, and never lowers it', () => {
  const cache = new FedCache();
  cache.adopt(1_000_000);
  expect(cache.now).toBe(1_000_001);
  cache.adopt(7);
  expect(cache.now).toBe(1_000_002);
});

test('clients neither see the records of caches nor delete them', () => {
  const cache = new FedCache();
  const told: string[] = [];
  cache.fed.apply(put('client', '1'));
  cache.put(K, 'v');
  cache.fed.machine.state.onChange = (_, key) => told.push(Buffer.from(key).toString('latin1'));
  expect(cache.fed.apply(deletePrefix(''))).toMatchObject({ code: 'deleted', detail: 1n });
  expect([cache.look(K), told]).toEqual(['v', ['client']]);
});

test('a value that is too large is not kept, and leaves nothing old behind', () => {
  const cache = new FedCache({ maxValueBytes: 10 });
  cache.put(K, 'short');
  expect(cache.put(K, 'much longer than that')).toBe('not-kept');
  expect(cache.look(K)).toBeUndefined();
  expect(cache.fill(K, 'much longer than that', cache.now)).toBe('value-too-large');
  expect(cache.putBehind(K, 'much longer than that')).toBe('value-too-large');
  expect(cache.unsaved).toBe(0);
});
