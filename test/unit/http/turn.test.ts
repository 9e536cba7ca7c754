// What is refused in a turn of the event loop that lasts too long, and what is served all the same.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type RunningNode, send, startRunningNode } from './running-node.ts';

let running: RunningNode | undefined;

afterEach(() => running?.stop());

const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const put = (more = '') => `PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n${more}\r\nx`;
const NEVER = { requests: 0, writesMs: Infinity, readsMs: Infinity, keyReadsMs: Infinity };
const last = get('/livez', 'Connection: close\r\n');

/** All that is answered to requests that come in one packet, and so in one turn. */
async function answersTo(bytes: string): Promise<string[]> {
  const socket = connect(running?.server.port ?? 0, '127.0.0.1');
  socket.write(bytes);
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return received.split(/(?=HTTP\/1\.1 )/);
}

const statusesOf = (answers: readonly string[]) => answers.map((answer) => Number(answer.slice(9, 12)));

test('beyond its bound a turn takes no more writes, but reads, and what operators ask in any case', async () => {
  running = await startRunningNode({ http: { turn: { ...NEVER, requests: 2, writesMs: 0 } } });
  const answers = await answersTo(put() + get('/v1/keys/none') + put() + get('/v1/keys/none') + get('/readyz') + last);
  expect(statusesOf(answers)).toEqual([201, 404, 429, 404, 200, 200]);
  expect(answers[2]).toMatch(/\r\nRetry-After: 1\r\n/);
  expect(answers[2]).toContain('"outcome":"not-applied"');
  expect((await send(running.url, 'PUT', '/v1/keys/a', { body: 'y' })).status).toBe(200);
});

test('lists are refused before reads of one key', async () => {
  running = await startRunningNode({ http: { turn: { ...NEVER, requests: 1, readsMs: 0 } } });
  const answers = await answersTo(get('/v1/keys/a') + get('/v1/keys/a') + get('/v1/keys?prefix=a') + last);
  expect(statusesOf(answers)).toEqual([404, 404, 429, 200]);
});

test('in the end reads of one key are refused too', async () => {
  running = await startRunningNode({ http: { turn: { requests: 1, writesMs: 0, readsMs: 0, keyReadsMs: 0 } } });
  const answers = await answersTo(get('/v1/keys/a') + get('/v1/keys/a') + get('/v1/keys?prefix=a') + last);
  expect(statusesOf(answers)).toEqual([404, 429, 429, 200]);
  expect(answers[1]).not.toContain('"outcome"');
});

test('what is data in one place is data in all: keys, caches, stores and those of PyCache', async () => {
  running = await startRunningNode({ http: { turn: { requests: 0, writesMs: -1, readsMs: -1, keyReadsMs: -1 } } });
  const data = ['/v1/keys', '/v1/caches/none', '/v1/stores/s/entries/a', '/api/cache/a/'];
  const answers = await answersTo(data.map((target) => get(target)).join('') + last);
  expect(statusesOf(answers)).toEqual([429, 429, 429, 429, 200]);
});

test('a refused write that came with an id may have been taken elsewhere, and is told so', async () => {
  running = await startRunningNode({ http: { turn: { requests: 0, writesMs: -1, readsMs: -1, keyReadsMs: -1 } } });
  const refused = await send(running.url, 'PUT', '/v1/keys/a', { headers: { 'idempotency-key': 'mine' }, body: 'x' });
  expect([refused.status, JSON.parse(refused.text)]).toEqual([
    429,
    expect.objectContaining({ code: 'overloaded', outcome: 'unknown', id: 'mine', retryable: true }),
  ]);
});
