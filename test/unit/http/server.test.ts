// The server itself: its limits, broken connections, and its orderly end.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { startHttpServer } from '../../../src/http/server.ts';
import type { NodeApi } from '../../../src/node/node-api.ts';
import { rawExchange } from '../../suites/raw-http.ts';
import { overriding, problemIn, type RunningNode, SILENT, send, startRunningNode } from './running-node.ts';

const MIB = 1024 * 1024;
let running: RunningNode | undefined;

afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** A node whose writes wait until they are let go. */
async function startSlowNode(): Promise<{ running: RunningNode; letGo: () => void; isWaiting: Promise<void> }> {
  const gate = Promise.withResolvers<void>();
  const waiting = Promise.withResolvers<void>();
  running = await startRunningNode({
    see: (node: NodeApi) =>
      overriding(node, {
        async submit(request) {
          waiting.resolve();
          await gate.promise;
          return node.submit(request);
        },
      }),
  });
  return { running, letGo: () => gate.resolve(), isWaiting: waiting.promise };
}

test('a server that closes answers what is in flight, ends that connection, and takes no new one', async () => {
  const { running, letGo, isWaiting } = await startSlowNode();
  const write = send(running.url, 'PUT', '/v1/keys/last', { body: 'x' });
  await isWaiting;
  const closed = running.server.close(10_000);
  await expect(send(running.url, 'GET', '/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  letGo();
  const answer = await write;
  expect([answer.status, answer.headers.connection]).toEqual([201, 'close']);
  await closed;
});

test('what is not finished within the deadline of a close is cut off', async () => {
  const { running, letGo, isWaiting } = await startSlowNode();
  const write = send(running.url, 'PUT', '/v1/keys/last', { body: 'x' });
  write.catch(() => {});
  await isWaiting;
  await running.server.close(10);
  await expect(write).rejects.toMatchObject({ code: 'ECONNRESET' });
  letGo();
});

test('a port that is taken is an error of the start', async () => {
  running = await startRunningNode();
  const { node, server } = running;
  await expect(
    startHttpServer({ node, host: '127.0.0.1', port: server.port, auth: 'none', logger: SILENT }),
  ).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('that another address is bound without authentication is said', async () => {
  running = await startRunningNode();
  const { node } = running;
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
  const options = { node, host: '0.0.0.0', port: 0, logger } as const;
  const open = await startHttpServer({ ...options, auth: 'none' });
  expect(lines.join()).toContain('ATTENTION');
  await open.close(100);
});

test('a web page that makes a name of its own lead here is answered 421, wherever the node is bound', async () => {
  running = await startRunningNode();
  const options = { node: running.node, host: '0.0.0.0', port: 0, auth: 'none', logger: SILENT } as const;
  const open = await startHttpServer({ ...options, allowedHosts: ['chorus-1.internal'] });
  const asked = async (host: string) => {
    const answer = await send(`http://127.0.0.1:${open.port}`, 'GET', '/v1/keys/a', { headers: { host } });
    return answer.status;
  };
  expect(await asked('rebound.example:8001')).toBe(421);
  for (const host of ['chorus-1.internal:8001', '192.0.2.1', 'localhost']) expect(await asked(host), host).toBe(404);
  await open.close(100);
});

test('a web page of another origin cannot write, and its reads get no leave to be looked at', async () => {
  running = await startRunningNode();
  const { url } = running;
  const foreign = { origin: 'https://evil.example' };
  const refused = await send(url, 'POST', '/v1/keys/a?op=append', { headers: foreign, body: 'x' });
  expect([refused.status, problemIn(refused).code]).toEqual([403, 'cross-origin']);
  const own = { origin: url, host: new URL(url).host };
  expect((await send(url, 'POST', '/v1/keys/a?op=append', { headers: own, body: 'x' })).text).toBe('1');
  const read = await send(url, 'GET', '/v1/keys/a', { headers: foreign });
  expect([read.status, read.headers['access-control-allow-origin']]).toEqual([200, undefined]);
});

test('a client that does not take its answers is cut off, and their bytes are free again', async () => {
  running = await startRunningNode({ http: { limits: { takeTimeoutMs: 1000 } } });
  const { url } = running;
  await send(url, 'PUT', '/v1/keys/long', { body: Buffer.alloc(MIB, 'x') });
  const count = 32;
  const slow = await openConnection(url, 'GET /v1/keys/long HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(count));
  slow.pause();
  await expect.poll(() => untakenBytes(url), { interval: 10 }).toBeGreaterThan(0);
  await expect.poll(() => untakenBytes(url)).toBe(0);
  let taken = 0;
  slow.on('data', (chunk: Buffer) => {
    taken += chunk.length;
  });
  slow.resume();
  await once(slow, 'close');
  expect(taken).toBeLessThan(count * MIB);
});

test('requests sent at once for more bytes than answers may hold are refused with 429, and later ones served', async () => {
  running = await startRunningNode({ http: { limits: { maxAnswersInFlightBytes: 4 * MIB } } });
  const { url } = running;
  await send(url, 'PUT', '/v1/keys/long', { body: Buffer.alloc(MIB, 'x') });
  const get = 'GET /v1/keys/long HTTP/1.1\r\nHost: localhost\r\n';
  const greedy = await openConnection(url, `${`${get}\r\n`.repeat(31)}${get}Connection: close\r\n\r\n`);
  let received = '';
  greedy.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1').replaceAll('x', '');
  });
  await once(greedy, 'close');
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  expect(statuses.slice(0, 2)).toEqual(['200', '200']);
  expect(statuses.at(-1)).toBe('429');
  expect((await send(url, 'GET', '/v1/keys/long')).status).toBe(200);
});

async function untakenBytes(url: string): Promise<number> {
  const { text } = await send(url, 'GET', '/metrics');
  return Number(/^chorus_untaken_answer_bytes\{.*\} (\d+)$/m.exec(text)?.[1]);
}

test('bodies beyond the budget are refused with 429, and their bytes are free again afterwards', async () => {
  running = await startRunningNode({ http: { limits: { maxBodiesInFlightBytes: 1000 } } });
  const { url } = running;
  const half = await openConnection(
    url,
    'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\nstart',
  );
  await expect
    .poll(() => send(url, 'PUT', '/v1/keys/b', { body: 'x'.repeat(200) }).then(({ status }) => status))
    .toBe(429);
  const refused = await send(url, 'PUT', '/v1/keys/b', { body: 'x'.repeat(200) });
  expect(problemIn(refused)).toMatchObject({ code: 'overloaded', retryable: true });
  expect(refused.headers['retry-after']).toBe('1');
  half.destroy();
  await expect
    .poll(() => send(url, 'PUT', '/v1/keys/b', { body: 'x'.repeat(200) }).then(({ status }) => status))
    .toBeLessThan(300);
  expect((await send(url, 'GET', '/v1/keys/a')).status).toBe(404);
});

test('a head that does not come to its end in time is answered 408', async () => {
  running = await startRunningNode({ http: { limits: { headersTimeoutMs: 50, requestTimeoutMs: 50 } } });
  const answer = await rawExchange(running.url, {
    bytes: Buffer.from('GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
  });
  expect(answer?.status).toBe(408);
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ code: 'request-timeout', retryable: true });
});

test('rubbish behind a write that is under way does not get an answer in its place', async () => {
  const { running, letGo, isWaiting } = await startSlowNode();
  const socket = await openConnection(
    running.url,
    'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx',
  );
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  await isWaiting;
  socket.write('rubbish\r\n\r\n');
  await once(socket, 'close');
  expect(received).toBe('');
  letGo();
});

test('answers to requests sent at once on one connection come in their order', async () => {
  running = await startRunningNode();
  const put = 'PUT /v1/keys/p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx';
  const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
  const socket = await openConnection(
    running.url,
    put + get('/livez') + put + get('/nowhere', 'Connection: close\r\n'),
  );
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  await once(socket, 'close');
  expect([...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['201', '200', '200', '404']);
});

test('CONNECT is a method that is not known here', async () => {
  running = await startRunningNode();
  const answer = await rawExchange(running.url, {
    bytes: Buffer.from('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n'),
  });
  expect(answer?.status).toBe(405);
});

async function openConnection(url: string, bytes: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}
