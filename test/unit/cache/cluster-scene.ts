// Three real nodes over one log, a cache on each of them, and one SQLite database behind: for the tests of caches on the server.
import { tmpdir } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import { json } from '../../../src/cache/codec.ts';
import { CacheError } from '../../../src/cache/errors.ts';
import { CacheLog } from '../../../src/cache/server/cache-log.ts';
import { ClusterCache } from '../../../src/cache/server/cluster-cache.ts';
import { Flusher } from '../../../src/cache/server/flusher.ts';
import { DEFAULT_POLICY, type ServerPolicy } from '../../../src/cache/server/policy.ts';
import { rows } from '../../../src/cache/sources/rows.ts';
import { sqliteDatabase } from '../../../src/cache/sources/sqlite-database.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { receiveBackup } from '../../../src/log/backup-file.ts';
import { createMemoryLogStore } from '../../../src/log/memory-log.ts';
import { createMemorySnapshots } from '../../../src/log/memory-snapshots.ts';
import { type ChorusNode, createNode } from '../../../src/node/node.ts';

export type User = { readonly id: string; readonly name: string };

const NODES = ['node-1', 'node-2', 'node-3'];
const COLUMNS = { id: 'text', name: 'text' } as const;
export const SOON = { timeoutMs: 10_000 };

export type ClusterScene = Awaited<ReturnType<typeof startCluster>>;

export async function startCluster(policy: Partial<ServerPolicy>) {
  const database = sqliteDatabase({ file: ':memory:' });
  await database.run('CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL CHECK (length(name) < 20))');
  const table = rows(database, { table: 'users', columns: COLUMNS, key: 'id' });
  const counts = { loads: 0, flushes: 0 };
  const trouble = { isDown: false };
  const ask = <T>(call: () => Promise<T>, counted?: keyof typeof counts): Promise<T> => {
    if (trouble.isDown) return Promise.reject(new CacheError('down', 'sqlite', 'is down'));
    if (counted !== undefined) counts[counted]++;
    return call();
  };
  const source: typeof table = {
    ...table,
    load: (key, call) => ask(() => table.load(key, call), 'loads'),
    save: (key, value, call) => ask(() => table.save(key, value, call)),
    flush: (changes, guard, call) => ask(() => table.flush(changes, guard, call), 'flushes'),
    ping: (call) => ask(() => table.ping(call)),
  };
  const store = createMemoryLogStore({ clock: systemWorld.clock });
  const nodes = NODES.map((nodeId) => startNode(nodeId, store.open(nodeId)));
  await Promise.all(nodes.map((node) => node.start()));
  while (nodes.some((node) => node.status().phase !== 'ready')) await nextTurn();
  const first = { ...DEFAULT_POLICY, ...policy };
  const logs = nodes.map((node) => new CacheLog('users', node.caches, first));
  const caches = logs.map((log) => new ClusterCache<User>({ log, source, world: systemWorld }));
  const flushers = nodes.map((node, at) => {
    const log = logs[at] ?? new CacheLog('users', node.caches, first);
    return new Flusher<User>({ log, duty: node.caches, source, world: systemWorld, codec: json<User>() });
  });
  for (const flusher of flushers) flusher.start();
  return {
    nodes,
    logs,
    caches,
    source,
    counts,
    trouble,
    /** The row's name, as the database has it. */
    async row(id: string): Promise<string | undefined> {
      return (await table.load(id))?.name;
    },
    write: (id: string, name: string) => table.save(id, { id, name }),
    async stop() {
      for (const flusher of flushers) flusher.stop();
      for (const cache of caches) await cache.close();
      await Promise.all(nodes.map((node) => node.stop()));
      await database.close();
    },
  };
}

/** Waits until it holds, at most ten seconds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + SOON.timeoutMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error('it never came to hold');
    await nextTurn();
  }
}

function startNode(nodeId: string, log: ReturnType<ReturnType<typeof createMemoryLogStore>['open']>): ChorusNode {
  return createNode({
    nodeId,
    address: `${nodeId}:0`,
    pid: process.pid,
    version: '0.0.0-test',
    log,
    snapshots: { store: createMemorySnapshots().open(), everyBytes: 2 ** 40, everyRecords: 2 ** 40 },
    world: systemWorld,
    logger: pino({ level: 'silent' }),
    limits: { ...STATE_LIMITS, featureLevel: FEATURE_LEVEL, eviction: 'none' },
    identity: { load: async () => undefined, save: async () => {} },
    receiveBackup: (bytes) => receiveBackup(tmpdir(), bytes),
    onFatal: (error) => {
      throw error;
    },
  });
}
