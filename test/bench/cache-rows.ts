// The rows of the cache bench: hits and misses upon Redis, and two tiers, each by all caches with the same reads.
import { Redis } from 'ioredis';
import { startRedis } from '../servers/redis.ts';
import { type CacheUnderTest, loadUser, OPENERS, type Shape } from './cache-contestants.ts';
import type { Contest, Row } from './contest.ts';

export type CacheBenchOptions = {
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** Reads under way at once. */
  readonly parallel: number;
  /** That are read again and again, where hits are measured. */
  readonly keys: number;
};

type CacheRow = Row<CacheBenchOptions>;

const FIGURES = {
  rate: { unit: 'reads/s', better: 'more' },
  processor: { unit: 'µs a read', better: 'less' },
} as const;

export const CACHE_ROWS: readonly CacheRow[] = [
  rowOf('hit', 'a value that is in Redis', 'redis', 'warm'),
  rowOf('miss', 'a value that is nowhere: it is loaded and kept in Redis', 'redis', 'cold'),
  rowOf('near hit', 'two tiers, a value that is in this process', 'memory over redis', 'warm'),
  rowOf('far hit', 'two tiers, a value that is in Redis only: it is kept in this process', 'memory over redis', 'far'),
];

/**
 * Where the values are when a measurement begins: everywhere; nowhere, and each is read once; in Redis, and each is read once
 * in a process that begins with nothing, all of them after another.
 */
type Temperature = 'warm' | 'cold' | 'far';

function rowOf(name: string, help: string, shape: Shape, temperature: Temperature): CacheRow {
  const open = (options: CacheBenchOptions) => contest(shape, temperature, options);
  return { name, help, needs: ['redis'], figures: FIGURES, warmsUp: true, open };
}

async function contest(shape: Shape, temperature: Temperature, options: CacheBenchOptions): Promise<Contest> {
  const server = await startRedis({ durable: false });
  const admin = new Redis(server.port);
  let loads = 0;
  const load = (id: number) => {
    loads += 1;
    return loadUser(id);
  };
  /** A hit that was loaded, or a miss that was not, is other work than the others'. */
  const counted = async (expectedLoads: (reads: number) => number, run: () => Promise<Measured>) => {
    loads = 0;
    const { reads, figures } = await run();
    const expected = expectedLoads(reads);
    if (loads !== expected) throw new Error(`${loads} loads instead of ${expected} in ${reads} reads`);
    return figures;
  };
  const contestants = OPENERS.map(({ name, open }) => ({
    name,
    /** Each begins with a Redis and a process of its own making. */
    async measure() {
      await admin.flushall();
      const cache = open(server.port, shape, load);
      // The first connection is made before the clock runs.
      await cache.get(-1);
      if (temperature === 'cold') return await counted(all, () => readFor(cache, options, (n) => n));
      await readAll(cache, options);
      if (temperature === 'warm') return await counted(none, () => readFor(cache, options, (n) => n % options.keys));
      await cache.close();
      const fresh = open(server.port, shape, load);
      await fresh.get(-1);
      return await counted(none, () => readOnce(fresh, options));
    },
  }));
  return {
    contestants,
    async close() {
      admin.disconnect();
      await server.close();
    },
  };
}

type Measured = { readonly reads: number; readonly figures: Readonly<Record<string, number>> };

const all = (reads: number) => reads;
const none = () => 0;

/** For so many seconds, and then closes. */
async function readFor(
  cache: CacheUnderTest,
  { seconds, parallel }: CacheBenchOptions,
  idOf: (n: number) => number,
): Promise<Measured> {
  const meter = startMeter();
  const endMs = performance.now() + seconds * 1000;
  let reads = 0;
  const lane = async () => {
    while (performance.now() < endMs) await read(cache, idOf(reads++));
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  const figures = meter(reads);
  await cache.close();
  return { reads, figures };
}

async function readOnce(cache: CacheUnderTest, options: CacheBenchOptions): Promise<Measured> {
  const meter = startMeter();
  await readAll(cache, options);
  const figures = meter(options.keys);
  await cache.close();
  return { reads: options.keys, figures };
}

async function readAll(cache: CacheUnderTest, { parallel, keys }: CacheBenchOptions): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < keys) await read(cache, next++);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}

async function read(cache: CacheUnderTest, id: number): Promise<void> {
  const user = await cache.get(id);
  if (user?.id !== id) throw new Error(`read ${JSON.stringify(user)} as user ${id}`);
}

/** Of this process: Redis' own work shows in the rate only. */
function startMeter() {
  const startMs = performance.now();
  const before = process.cpuUsage();
  return (reads: number) => {
    const { user, system } = process.cpuUsage(before);
    return { rate: (reads * 1000) / (performance.now() - startMs), processor: (user + system) / reads };
  };
}
