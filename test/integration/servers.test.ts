// The test servers themselves: they start, answer, die, pause and come back on the same port, and leave nothing behind.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type Nginx, startNginx } from '../servers/nginx.ts';
import { ask } from '../servers/places.ts';
import { type Redis, startRedis } from '../servers/redis.ts';

describe.skipIf(!available('nginx'))('Nginx', () => {
  let nginx: Nginx;
  beforeAll(async () => {
    nginx = await startNginx(({ port }) => `server { listen 127.0.0.1:${port}; location = /x { return 204; } }`);
  });
  afterAll(() => nginx.close());

  test('serves the given configuration, also after a kill and a restart', async () => {
    expect((await fetch(`http://127.0.0.1:${nginx.port}/x`)).status).toBe(204);
    await nginx.kill();
    await expect(fetch(`http://127.0.0.1:${nginx.port}/x`)).rejects.toThrow();
    await nginx.start();
    expect((await fetch(`http://127.0.0.1:${nginx.port}/x`)).status).toBe(204);
  });

  test('says what is wrong with a configuration that it refuses', async () => {
    await expect(startNginx(() => 'no_such_directive on;')).rejects.toThrow(/no_such_directive/);
  });
});

describe.skipIf(!available('redis'))('Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await startRedis({ durable: true });
  });
  afterAll(() => redis.close());

  test('keeps what it acknowledged over a kill -9', async () => {
    await say(redis.port, 'SET a 1\r\n', '+OK');
    await redis.kill();
    await redis.start();
    await say(redis.port, 'GET a\r\n', '$1\r\n1');
  });

  test('answers nothing while it is paused, and goes on afterwards', async () => {
    await redis.pause();
    expect(await ask(redis.port, Buffer.from('PING\r\n'), () => true, 100)).toBe(false);
    redis.resume();
    await say(redis.port, 'PING\r\n', '+PONG');
  });

  test('leaves no process and no directory behind', async () => {
    const other = await startRedis({ durable: false });
    await other.close();
    await expect(ask(other.port, Buffer.from('PING\r\n'), () => true)).rejects.toThrow(/ECONNREFUSED/);
  });
});

async function say(port: number, question: string, answer: string): Promise<void> {
  expect(await ask(port, Buffer.from(question), (bytes) => bytes.toString('latin1').startsWith(answer))).toBe(true);
}
