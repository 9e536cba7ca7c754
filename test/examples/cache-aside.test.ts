// examples/cache-aside with real Redis and MariaDB: its whole table, with parts killed and hung; and alone, on what is built in.
import { Redis as RedisClient } from 'ioredis';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type Example, startExample } from '../servers/example.ts';
import { type Mariadb, startMariadb } from '../servers/mariadb.ts';
import { type Redis, startRedis } from '../servers/redis.ts';
import { expectRows, expectSoon, type RequestRow, send } from '../suites/request-rows.ts';

const SCRIPT = 'cache-aside/main.ts';
const apple = { id: 1, name: 'apple', quantity: 100 };
const isApple = (from_cache: boolean) => ({ status: 200, body: { data: apple, from_cache } });

/** The application's table, from a cold cache. */
const TABLE: readonly RequestRow[] = [
  ['GET /fruit/1', 200, { data: apple, from_cache: false }],
  ['GET /fruit/1', 200, { data: apple, from_cache: true }],
  ['GET /fruit/2', 200, { data: { id: 2, name: 'orange', quantity: 200 }, from_cache: false }],
  ['GET /fruit/3', 200, { data: { id: 3, name: 'pear', quantity: 300 }, from_cache: false }],
  ['GET /fruit/9', 404, { error: 'Fruit not found' }],
  ['GET /fruit/9', 404, { error: 'Fruit not found' }],
  ['GET /fruit/apple', 404, { error: 'Fruit not found' }],
];

describe('cache-aside on what is built in', () => {
  test('answers its whole table, says what stands in, and stops in order', async () => {
    const app = await startExample(SCRIPT);
    try {
      await expectRows(app.url, TABLE);
      expect(app.output()).toContain('REDIS_URL is not set');
      expect(app.output()).toContain('MYSQL_URL is not set');
      expect((await fetch(app.url)).headers.get('content-type')).toContain('text/html');
      await app.stop();
      await expect(fetch(app.url)).rejects.toThrow();
    } finally {
      await app.close();
    }
  });
});

const isAvailable = available('redis') && available('mariadb');
describe.skipIf(!isAvailable)('cache-aside with Redis and MariaDB', () => {
  let redis: Redis;
  let mariadb: Mariadb;
  let app: Example;
  let cached: RedisClient;
  let rows: Connection;

  beforeAll(async () => {
    [redis, mariadb] = await Promise.all([startRedis({ durable: false }), startMariadb()]);
    app = await startExample(SCRIPT, { REDIS_URL: `redis://127.0.0.1:${redis.port}`, MYSQL_URL: mariadb.url });
    cached = new RedisClient(redis.port, '127.0.0.1');
    cached.on('error', () => {});
    rows = await createConnection(mariadb.url);
    rows.on('error', () => {});
  });
  afterAll(async () => {
    cached?.disconnect();
    rows?.destroy();
    await app?.close();
    await Promise.all([redis?.close(), mariadb?.close()]);
  });
  beforeEach(async () => {
    await expectSoon(app.url, 'GET /health', { status: 'ok' });
    await expect.poll(() => cached.flushall().catch(String), { timeout: 30_000 }).toBe('OK');
  });

  test('answers its whole table', () => expectRows(app.url, TABLE));

  test('keeps what it loaded in Redis as fruit:1', async () => {
    await send(app.url, 'GET /fruit/1');
    expect(await cached.get('fruit:1')).toContain(JSON.stringify(apple));
    expect(await cached.pttl('fruit:1')).toBeGreaterThan(0);
  });

  test('made the table grocerydb.fruit with its first rows, and leaves it alone at the next start', async () => {
    await rows.query("INSERT INTO grocerydb.fruit VALUES (4, 'plum', 5)");
    await rows.query('DELETE FROM grocerydb.fruit WHERE id = 2');
    await app.stop();
    await app.start();
    const [found] = await rows.query('SELECT id FROM grocerydb.fruit ORDER BY id');
    expect(found).toEqual([{ id: 1 }, { id: 3 }, { id: 4 }]);
    await rows.query("INSERT INTO grocerydb.fruit VALUES (2, 'orange', 200)");
    await rows.query('DELETE FROM grocerydb.fruit WHERE id = 4');
  });

  test('asks the database once for 100 parallel requests on a cold cache', async () => {
    const before = await executedSelects();
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(app.url, 'GET /fruit/1')));
    expect(answers.map(({ body }) => body)).toEqual(
      answers.map(() => ({ data: apple, from_cache: expect.anything() })),
    );
    expect((await executedSelects()) - before).toBe(1);
  });

  test.each(['kill', 'pause'] as const)(
    'still answers after a %s of Redis, and uses it again when it is back',
    async (end) => {
      await expectRows(app.url, [['GET /fruit/1', 200, isApple(false).body]]);
      await redis[end]();
      await expectRows(app.url, [
        ['GET /fruit/1', 200, isApple(false).body],
        ['GET /fruit/1', 200, isApple(false).body],
        ['GET /fruit/9', 404, { error: 'Fruit not found' }],
        ['GET /health', 200, { status: 'degraded', redis: expect.anything(), mysql: { role: 'source', state: 'ok' } }],
      ]);
      await (end === 'kill' ? redis.start() : redis.resume());
      await expectSoon(app.url, 'GET /health', { status: 'ok', redis: { state: 'ok' } });
      await expect.poll(() => send(app.url, 'GET /fruit/1'), { timeout: 30_000 }).toEqual(isApple(true));
    },
  );

  test.each(['kill', 'pause'] as const)(
    'serves what it has after a %s of the database, and says what it lacks',
    async (end) => {
      await send(app.url, 'GET /fruit/1');
      await mariadb[end]();
      expect(await send(app.url, 'GET /fruit/1')).toEqual(isApple(true));
      expect((await send(app.url, 'GET /fruit/2')).status).toBeGreaterThanOrEqual(503);
      await expectSoon(app.url, 'GET /health', { status: 'degraded', mysql: { state: 'down' } });
      await (end === 'kill' ? mariadb.start() : mariadb.resume());
      await expectSoon(app.url, 'GET /health', { status: 'ok' });
      expect((await send(app.url, 'GET /fruit/2')).status).toBe(200);
    },
  );

  /** SELECTs that were run as prepared statements: the application's. */
  async function executedSelects(): Promise<number> {
    const [found] = await rows.query("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'");
    return Number((found as { Value: string }[])[0]?.Value);
  }
});
