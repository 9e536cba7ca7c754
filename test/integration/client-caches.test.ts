// Caches by the TypeScript client on a real cluster: rows by each pattern, from several nodes, what the source refused, and watching.
import { resolve } from 'node:path';
import { ChorusClient } from 'chorus/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChorusCluster, startChorusCluster } from '../servers/chorus.ts';

type Row = { readonly id: string; readonly name: string; readonly mail: string | null };

const CONFIG = resolve(import.meta.dirname, '../suites/contract-config.ts');
const TOO_LONG = 'a name that is much too long';
let cluster: ChorusCluster;
const clients: ChorusClient[] = [];

beforeAll(async () => {
  cluster = await startChorusCluster({ flags: ['--config', CONFIG] });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await cluster?.close();
});

/** A client of all nodes, which begins with this one. */
function clientOf(first: number): ChorusClient {
  const { nodes } = cluster;
  const client = new ChorusClient({ baseUrls: nodes.map((_, at) => nodes[(first + at) % nodes.length]?.url ?? '') });
  clients.push(client);
  return client;
}

const row = (id: string, name = 'Ada'): Row => ({ id, name, mail: null });

test('a row that is written through at one node is a hit at another, until it is invalidated or removed', async () => {
  const [here, there] = [clientOf(0).cache<Row>('rows'), clientOf(1).cache<Row>('rows')];
  expect(await here.get('a/ü')).toMatchObject({ kind: 'absent', cacheStatus: 'memory; fwd=uri-miss; stored' });
  const put = await here.put('a/ü', row('a/ü'));
  expect(put).toMatchObject({ how: 'saved', isReplayed: false, attempts: 1 });
  const seen = { consistency: 'linearizable' } as const;
  const found = await there.get('a/ü', seen);
  expect(found).toMatchObject({ kind: 'found', value: row('a/ü'), revision: put.revision });
  expect(found.cacheStatus).toMatch(/^memory; hit; ttl=\d+$/);
  expect(await there.invalidate({ tags: ['all rows'], keys: ['b'] })).toBeGreaterThan(put.revision);
  expect(await there.get('a/ü')).toMatchObject({ kind: 'found', cacheStatus: 'memory; fwd=uri-miss; stored' });
  expect(await there.delete('a/ü')).toMatchObject({ how: 'saved' });
  expect(await here.get('a/ü', seen)).toMatchObject({ kind: 'absent' });
});

test('what the source refuses, and a cache that there is not, are errors that say so', async () => {
  const rows = clientOf(0).cache<Row>('rows');
  await expect(rows.put('x', row('x', TOO_LONG))).rejects.toMatchObject({
    name: 'ChorusError',
    code: 'source-refused',
    status: 422,
    outcome: 'not-applied',
  });
  const none = clientOf(0).cache<Row>('none');
  for (const asked of [none.get('x'), none.put('x', row('x')), none.drop('x'), none.describe()]) {
    await expect(asked).rejects.toMatchObject({ code: 'no-such-cache', status: 404 });
  }
  await expect(rows.invalidate({})).rejects.toMatchObject({ code: 'invalid-body' });
});

test('a write behind is waited for; one that the source refused is listed, tried again and given up', async () => {
  const behind = clientOf(1).cache<Row>('behind');
  expect(await behind.put('1', row('1'), { isSaved: true, timeoutMs: 30_000 })).toMatchObject({ how: 'behind' });
  await expect(behind.put('2', row('2', TOO_LONG), { isSaved: true, timeoutMs: 30_000 })).rejects.toMatchObject({
    code: 'source-refused',
    outcome: 'unknown',
  });
  const failed = [];
  for await (const one of behind.failed()) failed.push(one);
  expect(failed).toEqual([
    { key: '2', revision: expect.any(Number), ageMs: expect.any(Number), error: expect.stringMatching(/CHECK/) },
  ]);
  expect(await behind.describe()).toMatchObject({ name: 'behind', unsaved: 1, policy: { pattern: 'behind' } });
  expect(await behind.retry('2')).toBe(true);
  await expect(behind.put('2', row('2', TOO_LONG), { isSaved: true, timeoutMs: 30_000 })).rejects.toThrow();
  expect([await behind.drop('2'), await behind.drop('2'), await behind.retry('2')]).toEqual([true, false, false]);
  expect(await behind.get('2')).toMatchObject({ kind: 'absent' });
});

test('a policy is read and changed, and holds for a client of another node', async () => {
  const [here, there] = [clientOf(0).cache<Row>('switched'), clientOf(2).cache<Row>('switched')];
  expect(await here.policy()).toMatchObject({ pattern: 'aside', revision: 0 });
  const policy = await here.setPolicy({ pattern: 'through', ttlMs: 60_000 });
  expect(policy).toMatchObject({ pattern: 'through', ttlMs: 60_000, revision: expect.any(Number) });
  expect(await there.policy({ consistency: 'linearizable' })).toEqual(policy);
  expect(await there.put('1', row('1'))).toMatchObject({ how: 'saved' });
});

test('a watch of a cache tells rows, absent ones and invalidations, and goes on past a killed node', async () => {
  const client = clientOf(2);
  const rows = client.cache<Row>('rows');
  const changes = client.watch({ cache: 'rows', prefix: 'w/', since: (await client.cluster()).revision });
  const next = async () => (await changes.next()).value;
  await rows.put('w/1', row('w/1'));
  const put = await next();
  expect(put).toMatchObject({ kind: 'put', key: 'w/1', tags: ['all rows'], contentType: 'application/json' });
  expect(put?.kind === 'put' && JSON.parse(Buffer.from(put.value).toString())).toEqual(row('w/1'));
  process.kill(await cluster.pidOf('node-3'), 'SIGKILL');
  await rows.delete('w/1');
  await rows.invalidate({ tags: ['all rows'] });
  await rows.invalidate({ all: true });
  const told = [await next(), await next(), await next(), await next()];
  expect(told).toMatchObject([
    { kind: 'delete', key: 'w/1' },
    { kind: 'put-absent', key: 'w/1', tags: ['all rows'] },
    { kind: 'invalidate', key: '', tags: ['all rows'] },
    { kind: 'invalidate', key: '', tags: [] },
  ]);
  await changes.return(undefined);
});
