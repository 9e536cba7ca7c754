// The contracts of the stores with their real servers, Redis and Memcached, and what they do when those fail.
import { afterAll, beforeAll, describe } from 'vitest';
import type { CacheStore } from '../../src/cache/ports.ts';
import { memcached, memcachedBytes } from '../../src/cache/tiers/memcached.ts';
import { redis, redisBytes } from '../../src/cache/tiers/redis.ts';
import { available } from '../servers/available.ts';
import { type Memcached, startMemcached } from '../servers/memcached.ts';
import { type Redis, startRedis } from '../servers/redis.ts';
import { atomicStoreContract } from '../suites/atomic-store.ts';
import { cacheStoreContract } from '../suites/cache-store.ts';
import { portChaos } from '../suites/port-chaos.ts';
import { stampede } from '../suites/stampede.ts';

describe.skipIf(!available('redis'))('with a real Redis', () => {
  let server: Redis;
  beforeAll(async () => {
    server = await startRedis({ durable: false });
  });
  afterAll(() => server?.close());
  const url = () => `redis://127.0.0.1:${server.port}`;

  atomicStoreContract('Redis', async () => redisBytes({ url: url(), timeout: '10s' }));
  cacheStoreContract('Redis', async () => ({
    open: async () => redis({ url: url(), prefix: 'space:', timeout: '10s' }),
    remove: async () => {},
  }));
  let scenes = 0;
  stampede('Redis', (world) => redis({ url: url(), prefix: `scene${++scenes}:`, timeout: '1m', world }));
  portChaos('Redis', { server: () => server, open: () => asPort(redis({ url: url(), timeout: '300ms' })) });
});

describe.skipIf(!available('memcached'))('with a real Memcached', () => {
  let server: Memcached;
  beforeAll(async () => {
    server = await startMemcached();
  });
  afterAll(() => server?.close());

  atomicStoreContract('Memcached', async () => memcachedBytes({ url: server.address, timeout: '10s' }));
  cacheStoreContract('Memcached', async () => ({
    open: async () => memcached({ url: server.address, prefix: 'space:', timeout: '10s' }),
    remove: async () => {},
  }));
  let scenes = 0;
  stampede('Memcached', (world) =>
    memcached({ url: server.address, prefix: `scene${++scenes}:`, timeout: '1m', world }),
  );
  portChaos('Memcached', {
    server: () => server,
    open: () => asPort(memcached({ url: server.address, timeout: '300ms' })),
  });
});

function asPort(store: CacheStore) {
  return { call: () => store.invalidate({ keys: ['any'] }), close: () => store.close() };
}
