// examples/write-behind with real Memcached, RabbitMQ and MariaDB: a user is queued, cached and inserted once, whatever is killed or hung; and alone.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { available } from '../servers/available.ts';
import { startDeafWay } from '../servers/deaf-way.ts';
import { type Example, startExample } from '../servers/example.ts';
import { type Mariadb, startMariadb } from '../servers/mariadb.ts';
import { type Memcached, memcachedSays, startMemcached } from '../servers/memcached.ts';
import { type Rabbitmq, startRabbitmq } from '../servers/rabbitmq.ts';
import { expectSoon, send } from '../suites/request-rows.ts';

const CONSUMER = 'write-behind/consumer.ts';
const PUBLISHER = resolve(import.meta.dirname, '../../examples/write-behind/publisher.ts');
const SOON = { timeout: 60_000, interval: 50 };

type Published = { readonly code: number; readonly output: string };
type Settings = Readonly<Record<string, string>>;

/** Runs the publisher to its end. */
function publish(args: readonly string[], settings: Settings = {}): Promise<Published> {
  const options = { env: { ...process.env, ...settings }, timeout: 120_000 };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PUBLISHER, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

const named = (name: string, age = 25) => ['-l', name, '-f', 'John', '-a', String(age)];

describe('write-behind on what is built in', () => {
  test('the publisher brings its user to the database itself, and says what stands in', async () => {
    const { code, output } = await publish(named('Smith'));
    expect(output).toContain('"LastName":"Smith","FirstName":"John","age":25');
    for (const name of ['AMQP_URL', 'MEMCACHED_URL', 'MYSQL_URL']) expect(output).toContain(`${name} is not set`);
    expect(code).toBe(0);
  });

  test.each([
    ['nothing', []],
    ['no age', ['-l', 'Smith', '-f', 'John']],
    ['an age that is none', named('Smith').with(5, '2x')],
    ['an empty name', named('')],
    ['a name that is too long', named('x'.repeat(192))],
    ['an ID that is none', [...named('Smith'), '-i', '7']],
    ['what it does not know', [...named('Smith'), '-z']],
  ])('the publisher refuses %s, and says how it is used', async (_, args) => {
    const { code, output } = await publish(args);
    expect(output).toContain('Usage: publisher.ts -l <last name>');
    expect(code).toBe(64);
  });

  test('the consumer takes users by its page too, and stops in order', async () => {
    const app = await startExample(CONSUMER);
    try {
      const user = { LastName: 'Smith', FirstName: 'John', age: 25 };
      const { status, body } = await send(app.url, 'POST /users', user);
      const { data } = body as { data: { ID: string } };
      expect({ status, body }).toEqual({ status: 202, body: { message: 'User queued', id: expect.any(String), data } });
      expect(data).toEqual({ ID: expect.any(String), ...user });
      expect((await send(app.url, `GET /user/${data.ID}`)).body).toEqual({ source: 'memory', data });
      await expectSoon(app.url, 'GET /users', { source: 'sqlite', data: [data] });
      expect((await send(app.url, 'POST /users', { ...user, age: '25' })).status).toBe(400);
      expect((await send(app.url, `GET /user/${randomUUID()}`)).status).toBe(404);
      expect((await fetch(app.url)).headers.get('content-type')).toContain('text/html');
      await app.stop();
      await expect(fetch(app.url)).rejects.toThrow();
    } finally {
      await app.close();
    }
  });
});

const isAvailable = (['memcached', 'rabbitmq', 'mariadb'] as const).map(available).every(Boolean);
describe.skipIf(!isAvailable)('write-behind with Memcached, RabbitMQ and MariaDB', () => {
  let memcached: Memcached;
  let rabbitmq: Rabbitmq;
  let mariadb: Mariadb;
  let settings: Settings;
  let consumer: Example;
  let before: Published;

  beforeAll(async () => {
    [memcached, rabbitmq, mariadb] = await Promise.all([startMemcached(), startRabbitmq(), startMariadb()]);
    settings = { MEMCACHED_URL: memcached.address, AMQP_URL: rabbitmq.url, MYSQL_URL: mariadb.url };
    before = await publish(named('Before'), settings);
    consumer = await startExample(CONSUMER, settings);
  });
  afterAll(async () => {
    await consumer?.close();
    await Promise.all([memcached, rabbitmq, mariadb].map((server) => server?.close()));
  });
  beforeEach(() => expectSoon(consumer.url, 'GET /health', { status: 'ok' }));

  test('a publisher may come before any consumer', async () => {
    expect(before.code).toBe(0);
    await expectOneRow('Before');
  });

  test('publishes typed data through exchange order and key sql to sql_queue, and caches it', async () => {
    const { code, output } = await publish(named('Smith'), settings);
    expect(code).toBe(0);
    const user = { ID: idIn(output), LastName: 'Smith', FirstName: 'John', age: 25 };
    expect(await memcachedSays(memcached.port, `get user:${user.ID}`)).toContain(JSON.stringify(user));
    await expectOneRow('Smith');
    expect(await query('SELECT * FROM users WHERE LastName = ?', 'Smith')).toEqual([user]);
    expect((await send(consumer.url, `GET /user/${user.ID}`)).body).toEqual({ source: 'memcached', data: user });
  });

  test('takes what looks like SQL for text, in any language', async () => {
    for (const name of ["x'; DROP TABLE users; --", 'Łukasz 😀 "\\']) {
      expect((await publish(named(name), settings)).code).toBe(0);
      await expectOneRow(name);
    }
  });

  test.each(['kill', 'pause'] as const)(
    'publishes after a %s of the database, and the row is there once when it is back',
    async (end) => {
      const name = `During ${end}`;
      await mariadb[end]();
      const { code, output } = await publish(named(name), settings);
      expect(code).toBe(0);
      await expectSoon(consumer.url, 'GET /health', { status: 'degraded', mysql: { state: 'down' } });
      const { body } = await send(consumer.url, `GET /user/${idIn(output)}`);
      expect(body).toMatchObject({ source: 'memcached', data: { LastName: name } });
      await (end === 'kill' ? mariadb.start() : mariadb.resume());
      await expectOneRow(name);
      await expectNothingWaits();
      await expectOneRow(name);
    },
  );

  test('publishes without Memcached, and says that it is not cached', async () => {
    await memcached.kill();
    const { code, output } = await publish(named('Uncached'), settings);
    await memcached.start();
    expect(output).toContain('not cached (memcached');
    expect(code).toBe(0);
    await expectOneRow('Uncached');
  });

  test('leaves nothing behind where the broker is down or hung, and goes on when it is back, also with a consumer that came before it', async () => {
    const [hung, down] = [randomUUID(), randomUUID()];
    await rabbitmq.pause();
    expect(await publish([...named('Never'), '-i', hung], settings)).toMatchObject({
      code: 69,
      output: expect.stringMatching(/^Not queued, and nothing was cached: rabbitmq/),
    });
    await rabbitmq.kill();
    expect(await publish([...named('Never'), '-i', down], settings)).toMatchObject({
      code: 69,
      output: expect.stringMatching(/^Not queued, and nothing was cached: rabbitmq/),
    });
    for (const id of [hung, down]) expect(await memcachedSays(memcached.port, `get user:${id}`)).toBe('END\r\n');
    await consumer.stop();
    await consumer.start();
    await expectSoon(consumer.url, 'GET /health', { status: 'degraded', rabbitmq: { role: 'queue', state: 'down' } });
    await rabbitmq.start();
    await expectSoon(consumer.url, 'GET /health', { status: 'ok' });
    expect((await publish(named('After'), settings)).code).toBe(0);
    await expectOneRow('After');
    expect(await rowsNamed('Never')).toBe(0);
  });

  test('says that a write is unknown whose confirmation is lost; the same ID again makes no second row', async () => {
    const id = randomUUID();
    const way = await startDeafWay(rabbitmq.port, 'Unconfirmed');
    onTestFinished(() => way.close());
    const AMQP_URL = rabbitmq.url.replace(`:${rabbitmq.port}`, `:${way.port}`);
    const lost = await publish([...named('Unconfirmed'), '-i', id], { ...settings, AMQP_URL });
    expect(lost.output).toContain('It is unknown whether it was queued, and nothing was cached');
    expect(lost.output).toContain(`-i ${id}`);
    expect(lost.code).toBe(75);
    expect(await memcachedSays(memcached.port, `get user:${id}`)).not.toContain('Unconfirmed');
    await expectOneRow('Unconfirmed');
    expect((await publish([...named('Unconfirmed'), '-i', id], settings)).code).toBe(0);
    await expectNothingWaits();
    await expectOneRow('Unconfirmed');
  });

  test('makes no second row where the consumer is killed between COMMIT and acknowledgement', async () => {
    const lock = await createConnection(mariadb.url);
    lock.on('error', () => {});
    await lock.query('LOCK TABLES users WRITE');
    await publish(named('Committed'), settings);
    const waits = "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    await expect.poll(async () => (await query(waits)).length, SOON).toBeGreaterThan(0);
    // From here on the broker hears of no acknowledgement; killed, it forgets what it has not heard.
    await rabbitmq.pause();
    const commits = commitsSaid();
    await lock.end();
    await expectOneRow('Committed');
    await expect.poll(commitsSaid, SOON).toBeGreaterThan(commits);
    await Promise.all([consumer.kill(), rabbitmq.kill()]);
    const again = commitsSaid();
    await query('UPDATE users SET age = 99 WHERE LastName = ?', 'Committed');
    await rabbitmq.start();
    await consumer.start();
    // It was handed out and committed once more, and changed nothing.
    await expect.poll(commitsSaid, SOON).toBeGreaterThan(again);
    await expectNothingWaits();
    expect(await query('SELECT age FROM users WHERE LastName = ?', 'Committed')).toEqual([{ age: 99 }]);
  });

  test('loses nothing that was queued when the broker is killed', async () => {
    await consumer.stop();
    for (const age of [1, 2, 3]) expect((await publish(named('Kept', age), settings)).code).toBe(0);
    await rabbitmq.kill();
    await rabbitmq.start();
    await consumer.start();
    await expect.poll(() => rowsNamed('Kept'), SOON).toBe(3);
    expect(await query('SELECT age FROM users WHERE LastName = ? ORDER BY age', 'Kept')).toEqual(
      [1, 2, 3].map((age) => ({ age })),
    );
  });

  test('neither loses nor doubles a row where one of two consumers is killed at work', async () => {
    const other = await startExample(CONSUMER, settings);
    onTestFinished(() => other.close());
    const ages = Array.from({ length: 120 }, (_, age) => age);
    const queued = ages.map(async (age) => {
      const { status } = await send(other.url, 'POST /users', { LastName: 'Many', FirstName: 'John', age });
      expect(status).toBe(202);
    });
    await expect.poll(() => rowsNamed('Many'), SOON).toBeGreaterThan(0);
    await consumer.kill();
    await Promise.all(queued);
    await expect.poll(() => rowsNamed('Many'), SOON).toBe(ages.length);
    await consumer.start();
    await expectNothingWaits();
    expect(await query('SELECT age FROM users WHERE LastName = ? ORDER BY age', 'Many')).toEqual(
      ages.map((age) => ({ age })),
    );
  });

  /** A connection for each: the server comes and goes. */
  async function query(sql: string, ...parameters: readonly string[]): Promise<readonly unknown[]> {
    const connection = await createConnection(mariadb.url);
    connection.on('error', () => {});
    try {
      const [found] = await connection.query(sql, [...parameters]);
      return found as readonly unknown[];
    } finally {
      connection.destroy();
    }
  }

  async function rowsNamed(name: string): Promise<number> {
    return (await query('SELECT ID FROM users WHERE LastName = ?', name)).length;
  }

  async function expectOneRow(name: string): Promise<void> {
    await expect.poll(() => rowsNamed(name).catch(String), SOON).toBe(1);
  }

  /** And nothing was put with the dead letters. */
  async function expectNothingWaits(): Promise<void> {
    await expect
      .poll(async () => figuresIn(await told(consumer.url)), SOON)
      .toMatchObject({ 'Wait in the queue': 0, 'Dead letters': 0 });
  }

  function commitsSaid(): number {
    return consumer.output().split('Committed: writes=').length;
  }
});

function idIn(output: string): string {
  return /user:([\da-f-]{36})/.exec(output)?.[1] ?? 'none';
}

type Told = { readonly figures: readonly { readonly label: string; readonly value: unknown }[] };

/** What the page is told first. */
async function told(url: string): Promise<Told> {
  const stop = new AbortController();
  const stream = (await fetch(`${url}/live`, { signal: stop.signal })).body?.pipeThrough(new TextDecoderStream());
  let text = '';
  try {
    for await (const chunk of stream ?? []) {
      text += chunk;
      const event = /^data: (.*)\n\n/m.exec(text)?.[1];
      if (event !== undefined) return JSON.parse(event);
    }
  } finally {
    stop.abort();
  }
  throw new Error(`the stream ended: ${text}`);
}

function figuresIn({ figures }: Told): Readonly<Record<string, unknown>> {
  return Object.fromEntries(figures.map(({ label, value }) => [label, value]));
}
