// Caches over HTTP: a SQLite table behind a node, read and written by the pattern of the policy, which is switched while it runs.
import { afterEach, describe, expect, test } from 'vitest';
import type { CacheDeclaration } from '../../../src/cache/server/declaration.ts';
import { rows } from '../../../src/cache/sources/rows.ts';
import { sqliteDatabase } from '../../../src/cache/sources/sqlite-database.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { EventStream } from '../../suites/event-stream.ts';
import { OpenApiDocument } from '../../suites/open-api-document.ts';
import { until } from '../cache/cluster-scene.ts';
import { type Received, type RunningNode, send, startRunningNode } from './running-node.ts';

let running: RunningNode | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const document = new OpenApiDocument();
const JSON_BODY = { 'content-type': 'application/json' };

async function start(declaration: Partial<CacheDeclaration> = {}) {
  const database = sqliteDatabase({ file: ':memory:' });
  await database.run(
    'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE CHECK (length(name) < 20))',
  );
  const table = rows(database, { table: 'users', columns: { id: 'integer', name: 'text' }, key: 'id' });
  const users: CacheDeclaration = {
    source: () => table,
    keyOf: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
    tags: () => ['table:users'],
    ttl: '1h',
    ...declaration,
  };
  const node = await startRunningNode({ caches: { users } });
  running = node;
  await until(() => node.node.cluster().limits.featureLevel === FEATURE_LEVEL);
  return {
    table,
    ask: (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
      send(node.url, method, `/v1/caches${path}`, {
        headers: { ...(body === undefined ? {} : JSON_BODY), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

const codeOf = (received: Received) => JSON.parse(received.text).code;

describe('an entry', () => {
  test('is loaded once, then served from memory, and says so', async () => {
    const { table, ask } = await start();
    await table.save(1, { id: 1, name: 'Ada' });
    const [first, second] = [await ask('GET', '/users/entries/1'), await ask('GET', '/users/entries/1')];
    expect([first.status, first.headers['cache-status']]).toEqual([200, 'memory; fwd=uri-miss; stored']);
    expect([second.status, second.headers['cache-status']]).toEqual([
      200,
      expect.stringMatching(/^memory; hit; ttl=3\d+$/),
    ]);
    expect(JSON.parse(second.text)).toEqual({ id: 1, name: 'Ada' });
    const etag = second.headers.etag ?? '';
    expect((await ask('GET', '/users/entries/1', undefined, { 'if-none-match': etag })).status).toBe(304);
  });

  test('of no row, and one whose key no row can have, is 404; so is a cache that is not declared', async () => {
    const { ask } = await start();
    for (const path of ['/users/entries/9', '/users/entries/none']) {
      expect(codeOf(await ask('GET', path))).toBe('not-found');
    }
    expect(codeOf(await ask('GET', '/others/entries/9'))).toBe('no-such-cache');
    expect((await ask('POST', '/users/entries/9')).status).toBe(405);
  });

  test('written through is in the source when it is answered', async () => {
    const { table, ask } = await start({ pattern: 'through' });
    const put = await ask('PUT', '/users/entries/1', { id: 1, name: 'Ada' });
    expect([put.status, put.headers['chorus-write'], (await table.load(1))?.name]).toEqual([200, 'saved', 'Ada']);
    expect((await ask('GET', '/users/entries/1')).headers['cache-status']).toMatch(/^memory; hit/);
    expect((await ask('DELETE', '/users/entries/1')).status).toBe(204);
    expect((await ask('GET', '/users/entries/1')).status).toBe(404);
  });

  test('that the source refuses is 409 or 422, and is certainly not applied', async () => {
    const { ask } = await start({ pattern: 'through' });
    await ask('PUT', '/users/entries/1', { id: 1, name: 'Ada' });
    const conflict = await ask('PUT', '/users/entries/2', { id: 2, name: 'Ada' });
    expect([conflict.status, codeOf(conflict)]).toEqual([409, 'source-conflict']);
    const refused = await ask('PUT', '/users/entries/2', { id: 2, name: 'a name that is much too long' });
    expect([refused.status, codeOf(refused), JSON.parse(refused.text).outcome]).toEqual([
      422,
      'source-refused',
      'not-applied',
    ]);
  });

  test('written behind is answered by the log; `wait=saved` waits for the source, and says what it refused', async () => {
    const { table, ask } = await start({ pattern: 'behind', maxDelay: '1ms' });
    const put = await ask('PUT', '/users/entries/1?wait=saved', { id: 1, name: 'Ada' });
    expect([put.status, put.headers['chorus-write'], (await table.load(1))?.name]).toEqual([200, 'behind', 'Ada']);
    const refused = await ask('PUT', '/users/entries/2?wait=saved&timeout=30s', {
      id: 2,
      name: 'a name that is much too long',
    });
    expect([refused.status, codeOf(refused)]).toEqual([422, 'source-refused']);
    const { failed } = JSON.parse((await ask('GET', '/users/failed')).text);
    expect(failed).toEqual([
      { key: '2', revision: expect.any(Number), ageMs: expect.any(Number), error: expect.stringMatching(/CHECK/) },
    ]);
    expect((await ask('POST', '/users/failed/2/retry')).status).toBe(204);
    await until(async () => JSON.parse((await ask('GET', '/users')).text).failed === 1);
    const view = JSON.parse((await ask('GET', '/users')).text);
    expect(view).toMatchObject({ name: 'users', unsaved: 1, failed: 1, policy: { pattern: 'behind' } });
    const metrics = (await send(running?.url ?? '', 'GET', '/metrics')).text;
    expect(metrics).toMatch(/^chorus_cache_failed_keys\{.*cache="users".*\} 1$/m);
    expect((await ask('DELETE', '/users/failed/2')).status).toBe(204);
    expect((await ask('DELETE', '/users/failed/2')).status).toBe(404);
    expect((await ask('GET', '/users/entries/2')).status).toBe(404);
  });
});

test('invalidation takes keys, tags, or everything', async () => {
  const { table, ask } = await start();
  for (const what of [{ keys: ['1'] }, { tags: ['table:users'] }, { all: true }]) {
    await table.save(1, { id: 1, name: 'old' });
    await ask('GET', '/users/entries/1');
    await table.save(1, { id: 1, name: 'new' });
    expect(JSON.parse((await ask('GET', '/users/entries/1')).text).name).toBe('old');
    expect((await ask('POST', '/users:invalidate', what)).status).toBe(200);
    expect(JSON.parse((await ask('GET', '/users/entries/1')).text).name).toBe('new');
    await ask('POST', '/users:invalidate', { all: true });
  }
  expect(codeOf(await ask('POST', '/users:invalidate', { everything: true }))).toBe('invalid-body');
});

test('a repeat of a write behind under its id is the first one, on whichever node and with whatever jitter', async () => {
  const { ask } = await start({ pattern: 'behind', jitter: 0.9, maxDelay: '1ms' });
  const put = () => ask('PUT', '/users/entries/1', { id: 1, name: 'Ada' }, { 'idempotency-key': 'once' });
  const [first, second] = [await put(), await put()];
  expect([first.status, second.status]).toEqual([200, 200]);
  expect([second.headers.etag, second.headers['idempotency-replayed']]).toEqual([first.headers.etag, 'true']);
});

test('a source that takes no batches is refused at the start where it is to be written behind', async () => {
  const source = () => ({ name: 's', load: async () => undefined, ping: async () => {}, close: async () => {} });
  await expect(start({ source, pattern: 'behind' })).rejects.toThrow(/caches\.users: its source takes no batches/);
});

test('a watch of a cache tells what happens to its entries, and what is invalidated, and nothing of keys', async () => {
  const { ask } = await start({ pattern: 'behind', maxDelay: '1ms', negativeTtl: '1h' });
  const url = running?.url ?? '';
  const watch = (query: string) => EventStream.open(url, `/v1/watch?cache=users${query}`);
  const [all, some] = [await watch(''), await watch('&prefix=2')];
  expect(codeOf(await send(url, 'GET', '/v1/watch?cache=others'))).toBe('no-such-cache');
  await send(url, 'PUT', '/v1/keys/2', { body: 'a key' });
  await ask('PUT', '/users/entries/1?wait=saved', { id: 1, name: 'Ada' });
  await ask('GET', '/users/entries/2');
  await ask('POST', '/users:invalidate', { keys: ['1'] });
  await ask('POST', '/users:invalidate', { tags: ['ü', 'other'] });
  await ask('POST', '/users:invalidate', { all: true, tags: ['any'] });
  const events = await all.take(6);
  const revision = expect.any(Number);
  const time = { expiresAt: expect.stringMatching(/Z$/) };
  const tags = ['table:users'];
  const row = { contentType: 'application/json', value: '{"id":1,"name":"Ada"}' };
  const rest = [
    ['invalidate', { revision, tags: ['ü', 'other'] }],
    ['invalidate', { revision, all: true }],
  ];
  expect(events.map(({ event, data }) => [event, data])).toEqual([
    ['put', { key: '1', revision, tags, ...row }],
    ['touch', { key: '1', revision, ...time }],
    ['put', { key: '2', revision, tags, absent: true, ...time }],
    ['delete', { key: '1', revision }],
    ...rest,
  ]);
  const told = await some.take(3);
  expect(told.map(({ event, data }) => [event, data])).toEqual([['put', events[2]?.data], ...rest]);
  const change = document.component('schemas', 'Change');
  for (const { data } of events) expect(document.faults(change, data)).toBe('');
  const resumed = await watch(`&since=${told[0]?.id}`);
  expect((await resumed.take(1))[0]).toEqual(events[3]);
  for (const stream of [all, some, resumed]) stream.close();
});

test("a source with another cluster's fence is flushed once that is adopted, by revisions above it", async () => {
  const { table, ask } = await start({ pattern: 'behind', maxDelay: '1ms' });
  await table.flush([], { kind: 'fence', cluster: 'another', n: 5000 });
  await ask('PUT', '/users/entries/1', { id: 1, name: 'Ada' });
  const flusher = async () => JSON.parse((await ask('GET', '/users')).text).flusher;
  await until(async () => (await flusher()).fence !== undefined);
  expect(await flusher()).toMatchObject({ rows: 0, fence: { cluster: 'another', n: 5000 } });
  expect(codeOf(await ask('POST', '/users:adopt', { cluster: 'another', n: 4999 }))).toBe('fence-differs');
  const adopted = await ask('POST', '/users:adopt', { cluster: 'another', n: 5000 });
  expect([adopted.status, JSON.parse(adopted.text).revision > 5000]).toEqual([200, true]);
  await until(async () => (await table.load(1))?.name === 'Ada');
  // The fence has gone on: there is nothing to be adopted any more.
  expect(codeOf(await ask('POST', '/users:adopt', { cluster: 'another', n: 5000 }))).toBe('fence-differs');
});

test('a policy is switched while it runs; what is wrong with one is said', async () => {
  const { table, ask } = await start({ pattern: 'behind', maxDelay: '1ms' });
  await ask('PUT', '/users/entries/1', { id: 1, name: 'behind' });
  const switched = await ask('PUT', '/users/policy', { pattern: 'through' });
  expect([switched.status, JSON.parse(switched.text)]).toEqual([
    200,
    expect.objectContaining({ pattern: 'through', maxDelayMs: 1 }),
  ]);
  const put = await ask('PUT', '/users/entries/1', { id: 1, name: 'through' });
  expect([put.status, put.headers['chorus-write'], (await table.load(1))?.name]).toEqual([200, 'saved', 'through']);
  for (const policy of [{ pattern: 'sideways' }, { ttlMs: -1 }, { ttl: 1 }, []]) {
    expect(codeOf(await ask('PUT', '/users/policy', policy))).toBe('invalid-body');
  }
});
