// The keyspace on a Map: the contract of all keyspaces, and the bound of what it keeps for expiry.
import { describe, expect, test } from 'vitest';
import { ExpiryIndex } from '../../../src/core/expiry-index.ts';
import { MapKeyspace } from '../../../src/core/map-keyspace.ts';
import { keyspaceContract } from '../../suites/keyspace.ts';
import { keyspaceWalkContract } from '../../suites/keyspace-walk.ts';

keyspaceContract('a Map', () => new MapKeyspace());
keyspaceWalkContract('a Map', () => new MapKeyspace());

describe('the expiry index', () => {
  test('keeps no more for a key renewed ten thousand times than for one set once', () => {
    const index = new ExpiryIndex();
    for (let second = 1; second <= 10_000; second++) {
      index.add('key', second * 1000);
      index.remove('key', second * 1000);
    }
    expect(index.seconds).toBeLessThan(100);
    for (let second = 1; second <= 10_000; second++) {
      index.add('key', 1000);
      index.remove('key', 1000);
    }
    expect(index.seconds).toBeLessThan(100);
  });

  test('names a key once, however often its second was emptied and filled again', () => {
    const index = new ExpiryIndex();
    index.add('early', 1000);
    for (let time = 0; time < 20; time++) {
      index.add('key', 5000);
      index.remove('key', 5000);
    }
    index.add('key', 5000);
    expect([...index.due(9000)]).toEqual(['early', 'key']);
    index.remove('early', 1000);
    expect([...index.due(9000)]).toEqual(['key']);
  });
});
