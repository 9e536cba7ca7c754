// What the stale-fill drill is held against: the patterns of the library upon any store, and cache-aside as most write it.
import { Redis } from 'ioredis';
import {
  type CacheEvent,
  type CacheStore,
  cacheAside,
  type FlushableSource,
  readThrough,
  startFlusher,
  tiers,
  writeBehind,
  writeThrough,
} from '../../src/cache/public.ts';
import { memoryQueue } from '../../src/cache/queues/memory-queue.ts';
import { pausing } from '../suites/pausing-store.ts';
import { CountedRows, type Pause } from './counted-rows.ts';

/** One process before the database, with a cache of its own making. */
export type Client = {
  /** Undefined: there is no such row. */
  read(key: number): Promise<number | undefined>;
  /** Resolves with the row's count as of this write, once the write is done: from here on no read may show less. */
  write(key: number): Promise<number>;
  close(): Promise<void>;
};

export type Scene = {
  readonly rows: CountedRows;
  readonly pause: Pause;
  observe(event: CacheEvent): void;
};

/** Where the entries of all clients lie: each client opens its own handle. */
export type Place = { readonly name: string; open(): CacheStore };

export type Pattern = {
  readonly name: string;
  /** Of one key only one client writes: what is promised is promised for that. */
  readonly isOfOneWriter: boolean;
  /** Handles of so many clients, and what ends what they share. */
  start(scene: Scene, place: Place, clients: number): { readonly clients: readonly Client[]; stop(): Promise<void> };
};

/** Long enough for a loaded machine: a store that is skipped promises nothing to the others. */
const PATIENCE = '1m';
const POLICY = { ttl: '1h', negativeTtl: '1h', loadTimeout: PATIENCE, saveTimeout: PATIENCE } as const;

export const PATTERNS: readonly Pattern[] = [
  alone('cache-aside', (scene, options) => {
    const { rows } = scene;
    const cache = cacheAside<number, number>(options);
    return {
      read: (key) => cache.get(key, () => rows.load(key)),
      write: (key) => invalidatedAfter(rows.increment(key), () => cache.invalidate({ keys: [key] })),
      close: () => cache.close(),
    };
  }),
  alone('read-through', (scene, options) => {
    const { rows } = scene;
    const cache = readThrough<number, number>({ ...options, source: sourceOf(rows) });
    return {
      read: (key) => cache.get(key),
      write: (key) => invalidatedAfter(rows.increment(key), () => cache.invalidate({ keys: [key] })),
      close: () => cache.close(),
    };
  }),
  alone('write-through', (scene, options) => {
    const { rows } = scene;
    const { load, name, ping, close } = sourceOf(rows);
    const cache = writeThrough<number, number>({ ...options, source: { load, name, ping, close } });
    return {
      read: (key) => cache.get(key),
      write: (key) => cache.write(key, () => rows.increment(key)),
      close: () => cache.close(),
    };
  }),
  {
    name: 'write-behind',
    isOfOneWriter: true,
    start(scene, place, count) {
      const source = sourceOf(scene.rows);
      const queue = memoryQueue();
      const flusher = startFlusher({ source, queue });
      const written = new Map<number, number>();
      const clients = Array.from({ length: count }, (): Client => {
        const cache = writeBehind<number, number>({ ...optionsOf(scene, place), source, queue });
        return {
          read: (key) => cache.get(key),
          async write(key) {
            const row = (written.get(key) ?? CountedRows.firstOf(key)) + 1;
            written.set(key, row);
            await cache.put(key, row);
            return row;
          },
          close: () => cache.close(),
        };
      });
      return { clients, stop: () => flusher.stop() };
    },
  },
];

/** Get; on a miss load, then set. After a write delete. */
export function naivePattern(port: number): Pattern {
  const start: Pattern['start'] = ({ rows, pause }, _place, count) => {
    const clients = Array.from({ length: count }, (): Client => {
      const redis = new Redis(port);
      return {
        async read(key) {
          await pause();
          const cached = await redis.get(`naive:${key}`);
          if (cached !== null) return Number(cached);
          const row = await rows.load(key);
          await pause();
          if (row !== undefined) await redis.set(`naive:${key}`, row, 'EX', 3600);
          return row;
        },
        async write(key) {
          const row = await rows.increment(key);
          await pause();
          await redis.del(`naive:${key}`);
          return row;
        },
        close: async () => redis.disconnect(),
      };
    });
    return { clients, stop: async () => {} };
  };
  return { name: 'cache-aside as most write it', isOfOneWriter: false, start };
}

type Options = ReturnType<typeof optionsOf>;

/** A pattern whose clients share nothing but the store and the database. */
function alone(name: string, open: (scene: Scene, options: Options) => Client): Pattern {
  const start: Pattern['start'] = (scene, place, count) => ({
    clients: Array.from({ length: count }, () => open(scene, optionsOf(scene, place))),
    stop: async () => {},
  });
  return { name, isOfOneWriter: false, start };
}

function optionsOf({ pause, observe }: Scene, place: Place) {
  const store = tiers([{ store: pausing(place.open(), pause), timeout: PATIENCE }], { observe });
  return { ...POLICY, store, observe };
}

async function invalidatedAfter(write: Promise<number>, invalidate: () => Promise<void>): Promise<number> {
  const row = await write;
  await invalidate();
  return row;
}

function sourceOf(rows: CountedRows): FlushableSource<number, number> {
  return {
    name: 'rows',
    load: (key) => rows.load(key),
    async flush(changes) {
      await rows.set(changes.map(({ key, value }) => [key, value ?? 0] as const));
      return { kind: 'saved' };
    },
    async ping() {},
    async close() {},
  };
}
