// examples/write-through with real Redis and PostgreSQL: its whole table, with parts killed and hung; and alone, on what is built in.
import { randomUUID } from 'node:crypto';
import { Redis as RedisClient } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isPassword } from '../../examples/write-through/passwords.ts';
import { available } from '../servers/available.ts';
import { type Example, startExample } from '../servers/example.ts';
import { type Postgres, startPostgres } from '../servers/postgres.ts';
import { type Redis, startRedis } from '../servers/redis.ts';
import { expectRows, expectSoon, type RequestRow, send } from '../suites/request-rows.ts';

const SCRIPT = 'write-through/main.ts';
const NO_ROW = { error: 'No values found that matches that query' };

type User = { readonly id: string; readonly username: string; readonly email: string };
type Inserted = { readonly message: string; readonly result: readonly [User] };

const userNamed = (username: string) => ({
  username,
  email: `${username}@example.org`,
  password: `secret of ${username}`,
});

/** The application's table, for a name that nobody has yet. */
function tableFor(name: string): readonly RequestRow[] {
  const { username, email, password } = userNamed(name);
  const result = [{ id: expect.stringMatching(/^[\da-f-]{36}$/), username, email }];
  const missing = { error: 'Missing required fields (username, email, password)' };
  const wrongField = { error: 'A query has exactly one of the fields id, username, email' };
  const taken = { error: 'A user with this username or email exists already' };
  return [
    [`GET /query?username=${name}`, 404, NO_ROW],
    ['POST /', 200, { message: 'INSERT success', result }, { username, email, password }],
    // Nothing that was known of the table before is served after it: not even that there was no such user.
    [`GET /query?username=${name}`, 200, { message: 'Result found in DB', result }],
    [`GET /query?username=${name}`, 200, { message: 'Result found in cache', result }],
    [`GET /query?email=${email}`, 200, { message: 'Result found in DB', result }],
    [`GET /query?email=${email}`, 200, { message: 'Result found in cache', result }],
    ['POST /', 400, missing, { username, email }],
    ['POST /', 400, missing, { username, password, email: '' }],
    ['POST /', 400, missing, { username, email, password: 7 }],
    ['POST /', 400, missing, []],
    ['POST /', 409, taken, { username, email: 'another@example.org', password }],
    ['POST /', 409, taken, { username: `${name}2`, email, password }],
    [`GET /query?username=${name}2`, 404, NO_ROW],
    [`GET /query?id=${randomUUID()}`, 404, NO_ROW],
    ['GET /query?id=7', 404, NO_ROW],
    ['GET /query?password=x', 400, wrongField],
    ['GET /query', 400, wrongField],
    [`GET /query?username=${name}&email=${email}`, 400, wrongField],
    [`GET /query?username=${name}&username=${name}`, 400, wrongField],
  ];
}

async function insert(url: string, name: string): Promise<User> {
  const { status, body } = await send(url, 'POST /', userNamed(name));
  expect(status).toBe(200);
  return (body as Inserted).result[0];
}

describe('write-through on what is built in', () => {
  test('answers its whole table, says what stands in, and stops in order', async () => {
    const app = await startExample(SCRIPT);
    try {
      await expectRows(app.url, tableFor('ada'));
      const { id, ...user } = await insert(app.url, 'bob');
      const found = { message: 'Result found in cache', result: [{ id, ...user }] };
      await expectRows(app.url, [[`GET /query?id=${id}`, 200, found]]);
      expect(app.output()).toContain('POSTGRES_URL is not set');
      expect((await fetch(app.url)).headers.get('content-type')).toContain('text/html');
      await app.stop();
      await expect(fetch(app.url)).rejects.toThrow();
    } finally {
      await app.close();
    }
  });
});

const isAvailable = available('redis') && available('postgres');
describe.skipIf(!isAvailable)('write-through with Redis and PostgreSQL', () => {
  let redis: Redis;
  let postgres: Postgres;
  let app: Example;
  let cached: RedisClient;

  beforeAll(async () => {
    [redis, postgres] = await Promise.all([startRedis({ durable: false }), startPostgres()]);
    app = await startExample(SCRIPT, { REDIS_URL: `redis://127.0.0.1:${redis.port}`, POSTGRES_URL: postgres.url });
    cached = new RedisClient(redis.port, '127.0.0.1');
    cached.on('error', () => {});
  });
  afterAll(async () => {
    cached?.disconnect();
    await app?.close();
    await Promise.all([redis?.close(), postgres?.close()]);
  });
  beforeEach(() => expectSoon(app.url, 'GET /health', { status: 'ok' }));

  test('answers its whole table', () => expectRows(app.url, tableFor('ada')));

  test('has the new row in the cache when it answers, by its id in either case, and asks the database again after 5 s', async () => {
    const user = await insert(app.url, 'bob');
    const found = (where: string) => ({ message: `Result found in ${where}`, result: [user] });
    await expectRows(app.url, [
      [`GET /query?id=${user.id}`, 200, found('cache')],
      [`GET /query?id=${user.id.toUpperCase()}`, 200, found('cache')],
    ]);
    expect(await cached.pttl(`users:id:${user.id}`)).toBeLessThanOrEqual(5_000);
    await expectSoon(app.url, `GET /query?id=${user.id}`, found('DB'));
    await expectRows(app.url, [[`GET /query?id=${user.id}`, 200, found('cache')]]);
  });

  test('remembers that there is no such user, without asking the database again', async () => {
    const key = 'users:username:nobody';
    await expectRows(app.url, [['GET /query?username=nobody', 404, NO_ROW]]);
    expect(await cached.get(key)).toContain('"absent":true');
    const response = await fetch(`${app.url}/query?username=nobody`);
    expect(response.status).toBe(404);
    await expect.poll(() => cached.exists(key), { timeout: 30_000 }).toBe(0);
  });

  test('stores passwords hashed, each with its own salt, and neither answers nor caches them', async () => {
    await insert(app.url, 'carol');
    await send(app.url, 'GET /query?username=carol');
    const keys = await cached.keys('*');
    expect(keys).toContain('users:username:carol');
    for (const key of keys) expect(await cached.get(key)).not.toMatch(/secret of|scrypt/);
    const client = new pg.Client(postgres.url);
    await client.connect();
    const { rows } = await client.query('SELECT * FROM users WHERE username = $1', ['carol']);
    await client.end();
    expect(rows[0].password).toMatch(/^scrypt\$/);
    expect(await isPassword('secret of carol', rows[0].password)).toBe(true);
    expect(await isPassword('secret of Carol', rows[0].password)).toBe(false);
  });

  test('takes what looks like SQL for text', async () => {
    const name = "x'; DROP TABLE users; --";
    const { username, email } = userNamed(name);
    await insert(app.url, name);
    const result = [expect.objectContaining({ username, email })];
    const path = `GET /query?username=${encodeURIComponent(name)}`;
    await expectRows(app.url, [[path, 200, { message: 'Result found in DB', result }]]);
  });

  test.each(['kill', 'pause'] as const)(
    'still inserts and answers after a %s of Redis, and is not stale when it is back',
    async (end) => {
      const path = `GET /query?username=during-${end}`;
      await expectRows(app.url, [[path, 404, NO_ROW]]);
      await redis[end]();
      const user = await insert(app.url, `during-${end}`);
      const found = { message: 'Result found in DB', result: [user] };
      await expectRows(app.url, [
        [path, 200, found],
        [path, 200, found],
        [`GET /query?id=${user.id}`, 200, found],
        [
          'GET /health',
          200,
          { status: 'degraded', redis: expect.anything(), postgres: { role: 'source', state: 'ok' } },
        ],
      ]);
      await (end === 'kill' ? redis.start() : redis.resume());
      await expectSoon(app.url, 'GET /health', { status: 'ok' });
      // A hung Redis comes back with all that it had: also with the entry that said "no such user".
      expect((await send(app.url, path)).body).toMatchObject({ result: [user] });
      await expect
        .poll(() => send(app.url, path), { timeout: 30_000 })
        .toMatchObject({
          body: { message: 'Result found in cache', result: [user] },
        });
    },
  );

  test.each(['kill', 'pause'] as const)(
    'serves what it has after a %s of the database, and keeps nothing of a failed insert',
    async (end) => {
      const user = await insert(app.url, `before-${end}`);
      await postgres[end]();
      const lost = await send(app.url, 'POST /', userNamed(`lost-${end}`));
      expect(lost.status).toBeGreaterThanOrEqual(503);
      await expectSoon(app.url, 'GET /health', { status: 'degraded', postgres: { state: 'down' } });
      await (end === 'kill' ? postgres.start() : postgres.resume());
      await expectSoon(app.url, 'GET /health', { status: 'ok' });
      // The breaker's own probe may be a little later than that of the health page.
      await expect
        .poll(() => send(app.url, `GET /query?id=${user.id}`), { timeout: 30_000 })
        .toMatchObject({ status: 200 });
      // Whether the insert of a hung database happened is unknown; the answers of cache and database are the same.
      const path = `GET /query?username=lost-${end}`;
      const first = await send(app.url, path);
      const again = await send(app.url, path);
      expect([200, 404]).toContain(first.status);
      expect({ ...again, body: expect.anything() }).toEqual({ ...first, body: expect.anything() });
    },
  );
});
