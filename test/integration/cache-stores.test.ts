// The contracts of the stores with their real servers, Redis, Memcached and Chorus itself, and what they do when those fail.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CacheStore } from '../../src/cache/ports.ts';
import { chorus } from '../../src/cache/tiers/chorus.ts';
import { memcached, memcachedBytes } from '../../src/cache/tiers/memcached.ts';
import { redis, redisBytes } from '../../src/cache/tiers/redis.ts';
import { available } from '../servers/available.ts';
import { type ChorusCluster, type ChorusNodes, startChorusCluster, startChorusNodes } from '../servers/chorus.ts';
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

describe('with a real cluster of Chorus', () => {
  let cluster: ChorusCluster;
  beforeAll(async () => {
    cluster = await startChorusCluster();
  });
  afterAll(() => cluster?.close());

  const urls = (first = 0) =>
    cluster.nodes.map((_, at) => cluster.nodes[(first + at) % cluster.nodes.length]?.url ?? '');
  let opened = 0;
  // Each handle asks another node first.
  cacheStoreContract('Chorus', async () => ({
    open: async () => chorus({ urls: urls(opened++), store: 'space', timeout: '10s' }),
    remove: async () => {},
  }));
  cacheStoreContract('Chorus behind its gateway', async () => ({
    open: async () => chorus({ urls: [cluster.gateway], store: 'behind', prefix: 'space:', timeout: '10s' }),
    remove: async () => {},
  }));
  let scenes = 0;
  stampede('Chorus', (world) => chorus({ urls: urls(), store: `scene${++scenes}`, timeout: '1m', world }));

  test('what a killed node kept is at the others, and calls go on there', async () => {
    const store = chorus({ urls: urls(1), store: 'failover', timeout: '10s' });
    const { note = '' } = await store.get('key');
    const expiresAtMs = Date.now() + 3_600_000;
    const entry = { value: Buffer.from('kept'), freshUntilMs: expiresAtMs, expiresAtMs, tags: [] };
    expect(await store.fill('key', entry, note)).toBe(true);
    process.kill(await cluster.pidOf('node-2'), 'SIGKILL');
    expect(Buffer.from((await store.get('key')).entry?.value ?? []).toString()).toBe('kept');
    await store.invalidate({ keys: ['key'] });
    expect((await store.get('key')).entry).toBeUndefined();
    await store.close();
  });
});

describe('with one node of Chorus', () => {
  let chorusNodes: ChorusNodes;
  beforeAll(async () => {
    chorusNodes = await startChorusNodes({ nodes: 1 });
  });
  afterAll(() => chorusNodes?.close());

  const node = () => {
    const [first] = chorusNodes.nodes;
    if (first === undefined) throw new Error('there is one');
    return first;
  };
  portChaos('Chorus', {
    server: () => node().server,
    open: () => asPort(chorus({ urls: [node().url], store: 'chaos', timeout: '300ms' })),
  });
});

function asPort(store: CacheStore) {
  return { call: () => store.invalidate({ keys: ['any'] }), close: () => store.close() };
}
