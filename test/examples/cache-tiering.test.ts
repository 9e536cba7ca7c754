// examples/cache-tiering with real Memcached, Redis and Nginx and a stand-in for MongoDB: its whole table, with parts killed and hung; and alone.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Redis as RedisClient } from 'ioredis';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type Example, startExample } from '../servers/example.ts';
import { type Memcached, memcachedSays, startMemcached } from '../servers/memcached.ts';
import { type Mongodb, startMongodb } from '../servers/mongodb.ts';
import { type Nginx, startNginx } from '../servers/nginx.ts';
import { type Redis, startRedis } from '../servers/redis.ts';
import { expectRows, expectSoon, type RequestRow, send } from '../suites/request-rows.ts';
import { accord, admin, criminal, tableOf, type User } from '../suites/tiering-table.ts';

const SCRIPT = 'cache-tiering/main.ts';

describe('cache-tiering on what is built in', () => {
  test('answers its whole table, says what stands in, and stops in order', async () => {
    const app = await startExample(SCRIPT);
    try {
      const { body } = await send(app.url, 'GET /users');
      expect((body as { data: User[] }).data.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
      await app.stop();
      await app.start();
      await expectRows(app.url, tableOf('sqlite', 'memory-l1'));
      for (const name of ['MEMCACHED_URL', 'REDIS_URL', 'MONGODB_URL']) {
        expect(app.output()).toContain(`${name} is not set`);
      }
      expect((await fetch(app.url)).headers.get('content-type')).toContain('text/html');
      await app.stop();
      await expect(fetch(app.url)).rejects.toThrow();
    } finally {
      await app.close();
    }
  });
});

const isAvailable = (['memcached', 'redis', 'mongodb', 'nginx'] as const).map(available).every(Boolean);
describe.skipIf(!isAvailable)('cache-tiering with Memcached, Redis, MongoDB, and Nginx over three processes', () => {
  let memcached: Memcached;
  let redis: Redis;
  let mongodb: Mongodb;
  let webs: readonly Example[] = [];
  let nginx: Nginx;
  let url: string;
  let cached: RedisClient;
  let documents: MongoClient;
  let first: readonly User[];

  beforeAll(async () => {
    [memcached, redis, mongodb] = await Promise.all([startMemcached(), startRedis({ durable: false }), startMongodb()]);
    const settings = {
      MEMCACHED_URL: memcached.address,
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      MONGODB_URL: `${mongodb.url}/tiering`,
    };
    webs = await Promise.all([1, 2, 3].map(() => startExample(SCRIPT, settings)));
    nginx = await startNginx(({ port }) => frontOf(port, webs));
    url = `http://127.0.0.1:${nginx.port}`;
    cached = new RedisClient(redis.port, '127.0.0.1');
    cached.on('error', () => {});
    documents = new MongoClient(mongodb.url);
    first = ((await send(url, 'GET /users')).body as { data: User[] }).data;
  });
  afterAll(async () => {
    cached?.disconnect();
    await documents?.close();
    await Promise.all([nginx, ...webs].map((process) => process?.close()));
    await Promise.all([memcached, redis, mongodb].map((server) => server?.close()));
  });
  beforeEach(async () => {
    await allAreWell();
    const users = documents.db('tiering').collection('users');
    await users.deleteMany({});
    await users.insertMany(first.map((user) => ({ ...user })));
    await expect.poll(() => cached.flushall().catch(String), { timeout: 60_000 }).toBe('OK');
    await emptyMemcached();
  });

  test('made the first four users once, though three processes started at once', () => {
    expect(first.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(first[0]).toEqual(admin);
  });

  test('answers its whole table', () => expectRows(url, tableOf('MongoDB', 'Memcached')));

  test('fills both tiers from the database, for an hour, and the nearer from the farther', async () => {
    await expectRows(url, [isAdminFrom('MongoDB'), isAdminFrom('Memcached')]);
    expect(await cached.get('user:1')).toContain(JSON.stringify(admin));
    expect(await cached.pttl('user:1')).toBeLessThanOrEqual(3_600_000);
    expect(await cached.pttl('user:1')).toBeGreaterThan(3_000_000);
    expect(await memcachedSays(memcached.port, 'get user:1')).toContain(JSON.stringify(admin));
    await emptyMemcached();
    await expectRows(url, [isAdminFrom('Redis'), isAdminFrom('Memcached')]);
    await send(url, 'GET /users');
    expect(await cached.exists('all_users')).toBe(1);
  });

  test('shows to every process at once what one of them wrote', async () => {
    for (const [at, writer] of webs.entries()) {
      const user = { ...accord, id: 100 + at };
      for (const { url } of webs) await send(url, 'GET /users');
      for (const { url } of webs) expect((await send(url, `GET /user/${user.id}`)).status).toBe(404);
      expect((await send(writer.url, 'POST /add_user', user)).status).toBe(201);
      for (const { url } of webs) {
        expect((await send(url, `GET /user/${user.id}`)).body).toMatchObject({ data: user });
        expect((await send(url, 'GET /users')).body).toMatchObject({ data: expect.arrayContaining([user]) });
      }
    }
  });

  test.each(['kill', 'pause'] as const)(
    'answers from Redis after a %s of Memcached, and fills it again',
    async (end) => {
      await expectRows(url, [isAdminFrom('MongoDB')]);
      await memcached[end]();
      await expectRows(url, [isAdminFrom('Redis'), isAdminFrom('Redis'), isAdminFrom('Redis')]);
      for (const web of webs) {
        await expectSoon(web.url, 'GET /health', {
          status: 'degraded',
          memcached: { state: 'down' },
          redis: { state: 'ok' },
        });
      }
      await back(memcached, end);
      if (end === 'kill') await expectRows(url, [isAdminFrom('Redis')]);
      await expectRows(url, [isAdminFrom('Memcached')]);
    },
  );

  test.each(['kill', 'pause'] as const)(
    'answers from Memcached, else from MongoDB, after a %s of Redis',
    async (end) => {
      await expectRows(url, [isAdminFrom('MongoDB')]);
      await redis[end]();
      await expectRows(url, [isAdminFrom('Memcached'), isAdminFrom('Memcached'), isAdminFrom('Memcached')]);
      const [, second] = first;
      await expectRows(url, [['GET /user/2', 200, { source: 'MongoDB', data: second }]]);
      for (const web of webs)
        await expectSoon(web.url, 'GET /health', { status: 'degraded', redis: { state: 'down' } });
      await back(redis, end);
      await emptyMemcached();
      await expectRows(url, [isAdminFrom(end === 'kill' ? 'MongoDB' : 'Redis')]);
    },
  );

  test.each(['kill', 'pause'] as const)(
    'answers from MongoDB after a %s of both tiers, reads and writes',
    async (end) => {
      await expectRows(url, [isAdminFrom('MongoDB')]);
      await Promise.all([memcached[end](), redis[end]()]);
      const down = { role: 'tier', state: 'down', reason: expect.any(String) };
      await expectRows(url, [
        ...webs.map(() => isAdminFrom('MongoDB')),
        ['POST /add_user', 201, { message: 'User added successfully', data: accord }, accord],
        ['GET /user/5', 200, { source: 'MongoDB', data: accord }],
        [
          'GET /health',
          200,
          { status: 'degraded', memcached: down, redis: down, mongodb: { role: 'source', state: 'ok' } },
        ],
      ]);
      await back(memcached, end);
      await back(redis, end);
      await expectSoon(url, 'GET /user/5', { source: 'Memcached', data: accord });
    },
  );

  test.each([
    ['Memcached', 'kill'],
    ['Memcached', 'pause'],
    ['Redis', 'kill'],
    ['Redis', 'pause'],
  ] as const)('serves no old value of %s when it is back after a %s', async (name, end) => {
    const tier = name === 'Redis' ? redis : memcached;
    const [writer] = webs;
    if (writer === undefined) throw new Error('there is no web process');
    for (const web of webs) await send(web.url, 'GET /user/1');
    for (const web of webs) await send(web.url, 'GET /users');
    await tier[end]();
    for (const web of webs) await expectSoon(web.url, 'GET /health', { status: 'degraded' });
    expect((await send(writer.url, 'PUT /edit_user/1', criminal)).status).toBe(200);
    await (end === 'kill' ? tier.start() : tier.resume());
    // Who wrote never serves the old value, also in the moments in which the tier comes back; the others not after that.
    await expect
      .poll(
        async () => {
          expect((await send(writer.url, 'GET /user/1')).body).toMatchObject({ data: criminal });
          return (await send(writer.url, 'GET /health')).body;
        },
        { timeout: 60_000, interval: 20 },
      )
      .toMatchObject({ status: 'ok' });
    await allAreWell();
    if (name === 'Redis') await emptyMemcached();
    for (const web of webs) {
      expect((await send(web.url, 'GET /user/1')).body).toMatchObject({ data: criminal });
      expect((await send(web.url, 'GET /users')).body).toMatchObject({ data: expect.arrayContaining([criminal]) });
    }
  });

  test.each(['kill', 'pause'] as const)('goes on after a %s of web processes, by the next', async (end) => {
    const [one, two, three] = webs;
    await one?.[end]();
    const found = { source: expect.any(String), data: first[1] };
    // Twice in turn, so that the one that is away has its turn too.
    for (const _ of [...webs, ...webs]) await expectRows(url, [['GET /user/2', 200, found]]);
    await (end === 'kill' ? one?.start() : one?.resume());
    await Promise.all([two?.kill(), three?.kill()]);
    await expect.poll(() => send(url, 'GET /user/1').catch(String), { timeout: 60_000 }).toMatchObject({ status: 200 });
    expect((await send(url, 'POST /add_user', accord)).status).toBe(201);
    await Promise.all([two?.start(), three?.start()]);
  });

  test.each(['kill', 'pause'] as const)(
    'serves what it has after a %s of MongoDB, and keeps nothing of a failed write',
    async (end) => {
      await expectRows(url, [isAdminFrom('MongoDB')]);
      await mongodb[end]();
      await expectRows(url, [isAdminFrom('Memcached')]);
      expect((await send(url, 'GET /user/2')).status).toBeGreaterThanOrEqual(503);
      expect((await send(url, 'POST /add_user', accord)).status).toBeGreaterThanOrEqual(503);
      await expectSoon(url, 'GET /health', {
        status: 'degraded',
        mongodb: { state: 'down' },
        memcached: { state: 'ok' },
      });
      await (end === 'kill' ? mongodb.start() : mongodb.resume());
      await allAreWell();
      // The breakers' own probes may be a little later than those of the health page.
      for (const web of webs) {
        await expect.poll(() => send(web.url, 'GET /user/3'), { timeout: 60_000 }).toMatchObject({ status: 200 });
      }
      // Whether the write of a hung database happened is unknown; what is answered is what the database has.
      const isThere = (await documents.db('tiering').collection('users').findOne({ id: 5 })) !== null;
      if (end === 'kill') expect(isThere).toBe(false);
      await expect
        .poll(() => send(url, 'GET /user/5'), { timeout: 60_000 })
        .toMatchObject({ status: isThere ? 200 : 404 });
    },
  );

  const isAdminFrom = (source: string): RequestRow => ['GET /user/1', 200, { source, data: admin }];

  async function allAreWell(): Promise<void> {
    for (const web of webs) await expectSoon(web.url, 'GET /health', { status: 'ok' });
  }

  async function back(tier: Memcached | Redis, end: 'kill' | 'pause'): Promise<void> {
    await (end === 'kill' ? tier.start() : tier.resume());
    if ((await memcached.isReady()) && (await redis.isReady())) await allAreWell();
  }

  async function emptyMemcached(): Promise<void> {
    expect(await memcachedSays(memcached.port, 'flush_all')).toBe('OK\r\n');
  }
});

/** The application's own file, but for addresses. */
function frontOf(port: number, webs: readonly Example[]): string {
  const file = resolve(import.meta.dirname, '../../examples/cache-tiering/nginx/web.conf');
  const listening = readFileSync(file, 'utf8').replace('listen 5000;', `listen 127.0.0.1:${port};`);
  return webs.reduce((text, { url }, at) => text.replace(`web-${at + 1}:5000`, url.replace('http://', '')), listening);
}
