// Eviction as apply judges it: only above the limits, only what is still as it was meant, and writes refused only when it lags.
import { describe, expect, test } from 'vitest';
import { recordKey } from '../../../src/core/cache-records.ts';
import { encodeCommand, encodeFrame } from '../../../src/core/codec.ts';
import { ENTRY_OVERHEAD_BYTES } from '../../../src/core/keyspace.ts';
import { Machine } from '../../../src/core/machine.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';
import { FedMachine, increment, put, transaction } from './fed-machine.ts';
import { applyRecord } from './random-log.ts';

const evict = (key: string | Uint8Array, revision: number) =>
  ({ type: 'evict', key: Buffer.from(key), revision }) as const;

describe('an eviction', () => {
  test('takes the entry only while the state is above its limits', () => {
    const fed = new FedMachine({ maxKeys: 20, eviction: 'lru' });
    const revisions = fill(fed, 22);
    expect(fed.apply(evict('k0', revisions[0] ?? 0)).code).toBe('deleted');
    expect(fed.apply(evict('k1', revisions[1] ?? 0)).code).toBe('deleted');
    expect(fed.apply(evict('k2', revisions[2] ?? 0)).code).toBe('stale');
    expect([fed.text('k1'), fed.text('k2')]).toEqual([undefined, 'v']);
    expect(fed.machine.state.evictions).toBe(2);
  });

  test('leaves alone what was written since it was proposed, and what is gone', () => {
    const fed = new FedMachine({ maxKeys: 20, eviction: 'lru' });
    const [first = 0] = fill(fed, 22);
    fed.apply(put('k0', 'new'));
    expect(fed.apply(evict('k0', first)).code).toBe('stale');
    expect(fed.apply(evict('none', 1)).code).toBe('stale');
    expect(fed.text('k0')).toBe('new');
  });

  test('is judged by memory as by keys', () => {
    const fed = new FedMachine({ maxMemoryBytes: 20 * (ENTRY_OVERHEAD_BYTES + 5), eviction: 'lru' });
    const revisions = fill(fed, 21);
    const codes = revisions.slice(10).map((revision, at) => fed.apply(evict(`k${at + 10}`, revision)).code);
    expect(codes.filter((code) => code === 'deleted')).toHaveLength(1);
  });

  test('is told to watchers', () => {
    const fed = new FedMachine({ maxKeys: 20, eviction: 'lru' });
    const [first = 0] = fill(fed, 21);
    const told: string[] = [];
    fed.machine.state.onChange = (change, key) => told.push(`${change} ${Buffer.from(key).toString()}`);
    fed.apply(evict('k0', first));
    expect(told).toEqual(['evict k0']);
  });

  test('does not take what a cache has yet to give to its source', () => {
    const fed = new FedMachine({ maxKeys: 10, eviction: 'lru' });
    const policy = fed.apply({ type: 'cache-policy', cache: 'c', policy: 0, text: Buffer.from('p') }).revision;
    const content = { ttlMs: 0, tags: [], contentType: '', value: Buffer.from('v') };
    const head = { type: 'cache-put', cache: 'c', policy, hold: 0, content } as const;
    const behind = fed.apply({ ...head, key: Buffer.from('unsaved'), maxUnsaved: 5 });
    const through = fed.apply({ ...head, key: Buffer.from('saved'), maxUnsaved: 0 });
    fill(fed, 6);
    expect(fed.machine.state.isOverfull).toBe(true);
    const codes = [
      fed.apply(evict(recordKey('E', 'c', Buffer.from('unsaved')), behind.revision)).code,
      fed.apply(evict(recordKey('P', 'c'), policy)).code,
      fed.apply(evict(recordKey('E', 'c', Buffer.from('saved')), through.revision)).code,
    ];
    expect(codes).toEqual(['stale', 'stale', 'deleted']);
  });

  test('is refused below its feature level', () => {
    const fed = new FedMachine({ maxKeys: 20, eviction: 'lru', featureLevel: 1 });
    const [first = 0] = fill(fed, 21);
    expect(fed.apply(evict('k0', first)).code).toBe('feature-not-enabled');
  });
});

describe('where entries are evicted, writes', () => {
  test('are refused only once as many keys more are there as a tenth of the limit', () => {
    const fed = new FedMachine({ maxKeys: 20, eviction: 'lru' });
    fill(fed, 22);
    expect(fed.apply(put('k22', 'v')).code).toBe('memory-full');
    expect(fed.apply(transaction([put('k23', 'v')])).code).toBe('memory-full');
    expect(fed.apply(put('k1', 'longer')).code).toBe('replaced');
  });

  test('are refused only once so much more memory is taken; what does not grow is always taken', () => {
    const fed = new FedMachine({ maxMemoryBytes: 10 * (ENTRY_OVERHEAD_BYTES + 4), eviction: 'ttl' });
    fill(fed, 11);
    expect(fed.apply(put('k11', 'v')).code).toBe('memory-full');
    expect(fed.apply(increment('n', 1n)).code).toBe('memory-full');
    expect(fed.apply(put('k1', 'w')).code).toBe('replaced');
  });

  test('come in even if one of them is larger than all the room above the limit: it makes the others go', () => {
    const fed = new FedMachine({ maxMemoryBytes: 1000, eviction: 'lru' });
    fill(fed, 5);
    expect(fed.apply(put('large', 'x'.repeat(5000))).code).toBe('created');
    expect(fed.apply(put('more', 'v')).code).toBe('memory-full');
  });

  test('find room for one key more, however small the limit', () => {
    const fed = new FedMachine({ maxKeys: 1, eviction: 'lru' });
    const [first = 0] = fill(fed, 2);
    expect(fed.apply(put('k2', 'v')).code).toBe('memory-full');
    expect(fed.apply(evict('k0', first)).code).toBe('deleted');
    expect(fed.apply(put('k2', 'v')).code).toBe('created');
  });
});

test('with the policy none nothing is above the limits, so that nothing is evicted', () => {
  const fed = new FedMachine({ maxKeys: 20 });
  const revisions = fill(fed, 20);
  expect(fed.apply(put('k20', 'v')).code).toBe('memory-full');
  expect(fed.apply(evict('k0', revisions[0] ?? 0)).code).toBe('stale');
});

test('the policy is part of the digest, unless it is none', () => {
  const digestOf = (fed: FedMachine) => fed.machine.state.digest();
  const [none, lru, ttl] = (['none', 'lru', 'ttl'] as const).map((eviction) => digestOf(new FedMachine({ eviction })));
  expect(new Set([none, lru, ttl]).size).toBe(3);
  expect(digestOf(new FedMachine())).toBe(none);
});

test('a first frame written before there was eviction has the policy none', () => {
  const limits = {
    maxValueBytes: 9,
    maxKeys: 8,
    maxMemoryBytes: 7,
    maxOutcomes: 6,
    outcomeWindowMs: 5,
    featureLevel: 1,
  };
  const head = { attempt: 0, id: '', caller: '', deadline: 0 };
  const command = encodeCommand(head, { type: 'create-cluster', cluster: 'c', limits: { ...limits, eviction: 'lru' } });
  // As version 1 wrote it: without the last byte, the policy, and so with a length one less.
  const old = Buffer.from(command.subarray(0, -1));
  old[1] = 1;
  const contentBytes = 'Cc'.length + Object.keys(limits).length;
  old.writeUInt32BE(contentBytes, old.length - contentBytes - 4);
  const machine = new Machine(new MapKeyspace());
  const payload = encodeFrame({ node: 'node-1', incarnation: 'i', n: 1 }, [old]);
  expect(applyRecord(machine, { offset: 0, timestamp: 1, payload }).map(({ code }) => code)).toEqual(['created']);
  expect(machine.state.limits).toEqual({ ...limits, eviction: 'none' });
});

/** The revisions of k0, k1, … */
function fill(fed: FedMachine, count: number): number[] {
  return Array.from({ length: count }, (_, at) => fed.apply(put(`k${at}`, 'v')).revision);
}
