// The caches that the cache bench compares, each as its own documentation sets it up, upon the same Redis and for the same values.
import KeyvRedis from '@keyv/redis';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { createCache } from 'cache-manager';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { memory, readThrough, tiers } from '../../src/cache/public.ts';
import { redis } from '../../src/cache/tiers/redis.ts';

export type User = { readonly id: number; readonly name: string; readonly email: string; readonly about: string };

/** The database: it answers at once, so that what is measured is the caches'. */
export async function loadUser(id: number): Promise<User> {
  return { id, name: `User ${id}`, email: `user-${id}@example.com`, about: 'x'.repeat(100) };
}

export type Shape = 'redis' | 'memory over redis';

export type CacheUnderTest = {
  /** Read-through. */
  get(id: number): Promise<User | undefined>;
  close(): Promise<void>;
};

type Load = (id: number) => Promise<User>;
type Opener = { readonly name: string; open(port: number, shape: Shape, load: Load): CacheUnderTest };

/** More than any row has keys. */
const MAX_ENTRIES = 100_000;
const MAX_BYTES = '1gb';
const HOUR_MS = 3_600_000;

export const OPENERS: readonly Opener[] = [
  { name: 'Chorus', open: openOurs },
  { name: 'bentocache', open: openBentocache },
  { name: 'cache-manager', open: openCacheManager },
];

function openOurs(port: number, shape: Shape, load: Load): CacheUnderTest {
  // The time limits are on, as they always are, but too long to end anything here: a tier that is skipped would be no work.
  const far = {
    store: redis({ url: `redis://127.0.0.1:${port}`, prefix: 'ours:', timeout: '30s' }),
    timeout: '30s',
  } as const;
  const near = memory({ maxEntries: MAX_ENTRIES, maxBytes: 2 ** 30 });
  const store = tiers(shape === 'redis' ? [far] : [near, far]);
  const source = { name: 'users', load, async ping() {}, async close() {} };
  return readThrough<number, User>({ store, source, ttl: '1h' });
}

function openBentocache(port: number, shape: Shape, load: Load): CacheUnderTest {
  const connection = new Redis(port);
  const far = redisDriver({ connection });
  const near = memoryDriver({ maxItems: MAX_ENTRIES, maxSize: MAX_BYTES });
  const users = shape === 'redis' ? bentostore().useL2Layer(far) : bentostore().useL1Layer(near).useL2Layer(far);
  const bento = new BentoCache({ default: 'users', ttl: '1h', stores: { users } });
  return {
    get: (id) => bento.getOrSet({ key: String(id), factory: () => load(id) }),
    close: () => bento.disconnectAll(),
  };
}

function openCacheManager(port: number, shape: Shape, load: Load): CacheUnderTest {
  const far = new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${port}`), namespace: 'users' });
  const stores = shape === 'redis' ? [far] : [new Keyv(), far];
  const cache = createCache({ stores, ttl: HOUR_MS });
  return {
    get: (id) => cache.wrap(String(id), () => load(id)),
    async close() {
      await cache.disconnect();
    },
  };
}
