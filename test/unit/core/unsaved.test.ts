// What the source has yet to take of a cache: it stays until it is saved, by its own revision, or given up by somebody.
import { describe, expect, test } from 'vitest';
import { isExpendable, recordKey } from '../../../src/core/cache-records.ts';
import { FedCache } from './fed-cache.ts';

const K = 'k';

describe('what the source has yet to take', () => {
  test('neither expires nor goes when it is invalidated; its time counts from when it is saved', () => {
    const cache = new FedCache();
    const revision = Number(cache.putBehind(K, 'v', { ttlMs: 100, tags: ['t'] }));
    cache.invalidate({ keys: [K], tags: ['t'], isAll: true });
    cache.pass(1000);
    expect(cache.look(K)).toBe('v');
    expect(cache.expire('E', K)).toBe('stale');
    expect(cache.settle('saved', K, revision)).toBe('done');
    expect(cache.look(K)).toBe('v');
    cache.pass(100);
    expect(cache.look(K)).toBeUndefined();
  });

  test('may not be evicted until it is saved', () => {
    const cache = new FedCache();
    const { keyspace } = cache.fed.machine.state;
    const name = recordKey('E', 'users', Buffer.from(K));
    const revision = Number(cache.putBehind(K, 'v'));
    expect(isExpendable(keyspace, name)).toBe(false);
    expect(isExpendable(keyspace, recordKey('D', 'users', Buffer.from(K)))).toBe(false);
    cache.settle('saved', K, revision);
    expect(isExpendable(keyspace, name)).toBe(true);
    expect(isExpendable(keyspace, Buffer.from('a client’s'))).toBe(true);
  });

  test('saved clears only its own revision', () => {
    const cache = new FedCache();
    const first = Number(cache.putBehind(K, '1'));
    const second = Number(cache.putBehind(K, '2'));
    expect(cache.unsaved).toBe(1);
    expect(cache.settle('saved', K, first)).toBe('stale');
    expect(cache.unsaved).toBe(1);
    expect(cache.settle('saved', K, second)).toBe('done');
    expect([cache.unsaved, cache.look(K)]).toEqual([0, '2']);
  });

  test('a delete says that there is no such row until the source has none', () => {
    const cache = new FedCache();
    cache.fill(K, 'old', cache.now);
    const revision = Number(cache.putBehind(K, null));
    expect(cache.look(K)).toBeNull();
    cache.settle('saved', K, revision);
    expect(cache.look(K)).toBeUndefined();
  });

  test('is bounded in keys, not in writes', () => {
    const cache = new FedCache();
    for (const key of ['a', 'b', 'a', 'b']) cache.putBehind(key, 'v', { maxUnsaved: 2 });
    expect(cache.putBehind('c', 'v', { maxUnsaved: 2 })).toBe('too-many-unsaved');
    expect(cache.look('c')).toBeUndefined();
  });

  test('refuses writes through, which the flush would overwrite, and is refused while one is under way', () => {
    const cache = new FedCache();
    const revision = Number(cache.putBehind(K, 'v'));
    expect([cache.tryHold(K), cache.put(K, 'w')]).toEqual(['unsaved', 'unsaved']);
    expect(cache.drained()).toBe('stale');
    cache.settle('saved', K, revision);
    // A flush that was given up may yet commit, over whatever is written to the source now.
    expect([cache.tryHold(K), cache.tryHold('other')]).toEqual(['unsaved', 'unsaved']);
    expect(cache.drained()).toBe('done');
    const hold = cache.hold(K);
    expect(cache.putBehind(K, 'x')).toBe('held');
    cache.put(K, 'w', { hold });
    expect(cache.putBehind(K, 'x')).toEqual(expect.any(Number));
  });

  test('that the source refused waits with its reason: to be tried again, dropped, or written anew', () => {
    const cache = new FedCache();
    const revision = Number(cache.putBehind(K, 'bad', { ttlMs: 100 }));
    cache.settle('failed', K, revision, 'too long');
    const { revision: failed = 0, error } = cache.failed(K) ?? {};
    expect([error, cache.look(K), cache.unsaved]).toEqual(['too long', 'bad', 1]);
    expect(cache.settle('saved', K, revision)).toBe('stale');
    expect(cache.settle('retry', K, failed)).toBe('done');
    const again = cache.now;
    expect(cache.failed(K)).toBeUndefined();
    cache.settle('failed', K, again, 'still');
    cache.pass(1000);
    expect(cache.look(K)).toBe('bad');
    expect(cache.settle('drop', K, cache.failed(K)?.revision ?? 0)).toBe('done');
    expect([cache.look(K), cache.unsaved]).toEqual([undefined, 0]);
    cache.settle('failed', K, Number(cache.putBehind(K, 'bad')), 'again');
    const good = Number(cache.putBehind(K, 'good'));
    expect([cache.failed(K), cache.unsaved]).toEqual([undefined, 1]);
    cache.settle('saved', K, good);
    expect([cache.look(K), cache.unsaved]).toEqual(['good', 0]);
  });
});
