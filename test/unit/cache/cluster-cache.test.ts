// Caches on the server over three real nodes and a real database: one load for all, writes by each pattern, and what is told when the source is down.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { systemWorld } from '../../../src/base/system-world.ts';
import { CacheError } from '../../../src/cache/errors.ts';
import { CacheLog } from '../../../src/cache/server/cache-log.ts';
import { ClusterCache } from '../../../src/cache/server/cluster-cache.ts';
import { DEFAULT_POLICY, type ServerPolicy } from '../../../src/cache/server/policy.ts';
import type { Command, Replica } from '../../../src/cache/server/replica.ts';
import { type ClusterScene, SOON, startCluster, type User, until } from './cluster-scene.ts';

let scene: ClusterScene | undefined;
afterEach(async () => {
  await scene?.stop();
  scene = undefined;
});

async function cluster(policy: Partial<ServerPolicy>): Promise<ClusterScene> {
  scene = await startCluster(policy);
  return scene;
}

describe('a read', () => {
  test('of a cold key by a thousand callers on three nodes is one query, and warms every node', async () => {
    const { caches, counts, write } = await cluster({ pattern: 'aside' });
    await write('1', 'Ada');
    const callers = Array.from({ length: 1000 }, (_, at) => caches[at % 3]?.get('1'));
    const found = await Promise.all(callers);
    expect(new Set(found.map((one) => one?.value?.name))).toEqual(new Set(['Ada']));
    expect(counts.loads).toBe(1);
    for (const cache of caches) expect(await cache.get('1')).toMatchObject({ how: 'hit', value: { name: 'Ada' } });
  });

  test('remembers that there is no such row for as long as the policy says', async () => {
    const { caches, counts } = await cluster({ negativeTtlMs: 60_000 });
    expect(await caches[0]?.get('9')).toMatchObject({ value: undefined, how: 'loaded', revision: expect.any(Number) });
    expect(await caches[0]?.get('9')).toMatchObject({ value: undefined, how: 'hit' });
    expect(counts.loads).toBe(1);
  });

  test('is answered by the source, and keeps nothing, while the log takes no commands here', async () => {
    const { nodes, source, counts, write } = await cluster({});
    await write('1', 'Ada');
    const [node] = nodes;
    if (node === undefined) throw new Error('there are three');
    const log = new CacheLog(
      'users',
      refusing(node, () => true),
    );
    const cache = new ClusterCache<User>({ log, source, world: systemWorld });
    expect(await cache.get('1')).toMatchObject({ value: { name: 'Ada' }, how: 'loaded', revision: 0 });
    expect(await cache.get('1')).toMatchObject({ how: 'loaded' });
    expect(counts.loads).toBe(2);
  });

  test('that fails ends its lease: whoever waits on another node is told why, and the next one loads', async () => {
    const { caches, trouble, counts, write } = await cluster({});
    await write('1', 'Ada');
    trouble.isDown = true;
    const tried = await Promise.allSettled(caches.map((cache) => cache.get('1')));
    expect(tried).toMatchObject(caches.map(() => ({ status: 'rejected', reason: { code: 'down' } })));
    trouble.isDown = false;
    for (const cache of caches) expect(await cache.get('1')).toMatchObject({ value: { name: 'Ada' } });
    expect(counts.loads).toBe(1);
  });

  test('is served a stale value within its grace while the source is down, and fails without one', async () => {
    const { caches, counts, trouble, write } = await cluster({ ttlMs: 1, graceMs: 60_000 });
    await write('1', 'Ada');
    await caches[0]?.get('1');
    trouble.isDown = true;
    await until(async () => (await caches[0]?.get('1'))?.how === 'stale');
    expect(await caches[0]?.get('1')).toMatchObject({ value: { name: 'Ada' }, how: 'stale' });
    await expect(caches[0]?.get('2')).rejects.toMatchObject({ code: 'down' });
    expect(counts.loads).toBe(1);
  });
});

describe('a write through', () => {
  test('is in the source and in the cache of every node when it is answered, and drops what was there', async () => {
    const { caches, row, counts } = await cluster({ pattern: 'through' });
    const { revision, how } = (await caches[0]?.write('1', { id: '1', name: 'Ada' }, SOON)) ?? {};
    expect([how, await row('1')]).toEqual(['saved', 'Ada']);
    await until(
      () => caches[1]?.log.replica.revision !== undefined && caches[1].log.replica.revision >= (revision ?? 0),
    );
    expect(await caches[1]?.get('1')).toMatchObject({ how: 'hit', value: { name: 'Ada' } });
    await caches[1]?.write('1', undefined, SOON);
    expect(await row('1')).toBeUndefined();
    expect((await caches[1]?.get('1'))?.value).toBeUndefined();
    expect(counts.loads).toBe(1);
  });

  test('whose end does not come into the log is seen all the same by who reads after it, beside a load that began before it', async () => {
    const { nodes, source } = await cluster({ pattern: 'through' });
    const [node] = nodes;
    if (node === undefined) throw new Error('there are three');
    const replica = refusing(node, ({ type }) => type === 'cache-put');
    const log = new CacheLog('users', replica, { ...DEFAULT_POLICY, pattern: 'through' });
    const saving = Promise.withResolvers<void>();
    const loading = Promise.withResolvers<void>();
    const slow: typeof source = {
      ...source,
      save: (key, value, call) => saving.promise.then(() => source.save(key, value, call)),
      async load(key, call) {
        const value = await source.load(key, call);
        await loading.promise;
        return value;
      },
    };
    const cache = new ClusterCache<User>({ log, source: slow, world: systemWorld });
    const write = cache.write('1', { id: '1', name: 'Ada' }, SOON);
    await until(() => log.look(Buffer.from('1')).isHeld);
    const before = cache.get('1');
    await nextTurn();
    saving.resolve();
    expect(await write).toMatchObject({ how: 'saved' });
    const after = cache.get('1');
    loading.resolve();
    expect((await before).value).toBeUndefined();
    expect((await after).value).toEqual({ id: '1', name: 'Ada' });
  });

  test('that the source refuses leaves nothing behind, and the error is passed on', async () => {
    const { caches, write } = await cluster({ pattern: 'through' });
    await write('1', 'Ada');
    await caches[0]?.get('1');
    const tooLong = { id: '1', name: 'a name that is much too long' };
    await expect(caches[0]?.write('1', tooLong, SOON)).rejects.toBeInstanceOf(CacheError);
    expect(await caches[0]?.get('1')).toMatchObject({
      value: { name: 'Ada' },
      how: 'loaded',
      revision: expect.any(Number),
    });
  });
});

describe('a write behind', () => {
  test('is served at once and comes to the source, the newest value alone', async () => {
    const { caches, row, counts, nodes } = await cluster({ pattern: 'behind', maxDelayMs: 200 });
    for (let at = 1; at <= 20; at++) await caches[0]?.write('1', { id: '1', name: `Ada ${at}` }, SOON);
    expect(await caches[0]?.get('1')).toMatchObject({ how: 'hit', value: { name: 'Ada 20' } });
    await until(() => nodes.every((node) => node.caches.unsavedNumber('users').count === 0));
    expect(await row('1')).toBe('Ada 20');
    expect(counts.flushes).toBeLessThan(20);
    await caches[0]?.write('1', undefined, SOON);
    expect((await caches[0]?.get('1'))?.value).toBeUndefined();
    await until(async () => (await row('1')) === undefined);
  });

  test('waits while the source is down, up to the bound, and is lost by nobody', async () => {
    const { caches, row, trouble } = await cluster({ pattern: 'behind', maxUnsaved: 2, maxDelayMs: 0 });
    trouble.isDown = true;
    for (const id of ['1', '2']) await caches[0]?.write(id, { id, name: 'Ada' }, SOON);
    await expect(caches[0]?.write('3', { id: '3', name: 'Ada' }, SOON)).rejects.toMatchObject({ code: 'full' });
    trouble.isDown = false;
    await until(async () => (await row('1')) === 'Ada' && (await row('2')) === 'Ada');
  });

  test('that the source refuses is listed with its reason, and the others go on', async () => {
    const { caches, row, logs } = await cluster({ pattern: 'behind', maxDelayMs: 0 });
    await caches[0]?.write('bad', { id: 'bad', name: 'a name that is much too long' }, SOON);
    for (const id of ['1', '2', '3']) await caches[0]?.write(id, { id, name: 'Ada' }, SOON);
    await until(async () => (await row('3')) === 'Ada' && logs[0]?.unsaved('failed', undefined, 10).length === 1);
    const [failed] = logs[0]?.unsaved('failed', undefined, 10) ?? [];
    expect(failed?.error).toMatch(/CHECK/);
    expect(Buffer.from(failed?.key ?? []).toString()).toBe('bad');
  });
});

test('a cache leaves write-behind only when it is drained: the first write through waits for it', async () => {
  const { caches, row, logs, nodes, trouble } = await cluster({ pattern: 'behind', maxDelayMs: 0 });
  const [first, second] = caches;
  trouble.isDown = true;
  await first?.write('1', { id: '1', name: 'behind' }, SOON);
  const text = Buffer.from(JSON.stringify({ pattern: 'through' }));
  expect((await logs[0]?.send({ type: 'cache-policy', text }))?.code).toBe('done');
  const through = second?.write('1', { id: '1', name: 'through' }, SOON);
  trouble.isDown = false;
  await through;
  expect(await row('1')).toBe('through');
  await until(() => nodes.every((node) => node.caches.unsavedNumber('users').isDrained));
  expect((await second?.get('1'))?.value?.name).toBe('through');
});

/** The node's replica, which takes no commands of one kind. */
function refusing({ caches }: ClusterScene['nodes'][number], isRefused: (command: Command) => boolean): Replica {
  return {
    cluster: '',
    revision: 0,
    look: (cache, key) => caches.look(cache, key),
    policy: (cache) => caches.policy(cache),
    unsaved: () => [],
    unsavedNumber: (cache) => caches.unsavedNumber(cache),
    submit: async (command, timeoutMs) =>
      isRefused(command)
        ? { kind: 'refused', id: '', reason: 'paused', isUnknown: false }
        : caches.submit(command, timeoutMs),
    news: (timeoutMs) => caches.news(timeoutMs),
  };
}
