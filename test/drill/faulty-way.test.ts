// Tests of the faulty way: each fault does to the bytes what it says, and no connection that lost some lives on.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultyWay, startFaultyWay } from '../servers/faulty-way.ts';

/** Answers every chunk with the same bytes, and keeps what it got. */
let server: Server;
let got: string;
let way: FaultyWay;
let socket: Socket;
let answered: string;

beforeEach(async () => {
  got = '';
  answered = '';
  server = createServer((near) => {
    near
      .on('error', () => {})
      .on('data', (chunk) => {
        got += chunk;
        near.write(chunk);
      });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  way = await startFaultyWay((server.address() as AddressInfo).port);
  socket = connect(way.port, '127.0.0.1');
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      answered += chunk;
    });
  await once(socket, 'connect');
  await said('hello');
});
afterEach(() => {
  socket.destroy();
  way.close();
  server.close();
});

/** Sends, and waits for the whole answer. */
async function said(text: string): Promise<void> {
  const wanted = answered + text;
  socket.write(text);
  await expect.poll(() => answered).toBe(wanted);
}

test('without a fault bytes pass both ways', async () => {
  await said(' there');
  expect(way.counts).toEqual({ droppedBytes: 0, delayedBytes: 0, resets: 0 });
});

test('drop: nothing passes, and the connection ends with the fault', async () => {
  way.suffer({ kind: 'drop' });
  const closed = closing(socket);
  socket.write('lost');
  await expect.poll(() => way.counts.droppedBytes).toBe(4);
  expect(got).toBe('hello');
  way.suffer({ kind: 'none' });
  await closed;
});

test('half-open: what is sent arrives, the answer does not', async () => {
  way.suffer({ kind: 'half-open' });
  socket.write('heard');
  await expect.poll(() => got).toBe('helloheard');
  await expect.poll(() => way.counts.droppedBytes).toBe(5);
  expect(answered).toBe('hello');
});

test('delay: all bytes come, in their order, also when the fault ends meanwhile', async () => {
  way.suffer({ kind: 'delay', ms: 50 });
  for (const text of ['a', 'b', 'c']) socket.write(text);
  await expect.poll(() => way.counts.delayedBytes).toBeGreaterThan(0);
  way.suffer({ kind: 'none' });
  socket.write('d');
  await expect.poll(() => answered).toBe('helloabcd');
});

test('reset: the connection is reset in the midst of an answer, though the request arrived', async () => {
  way.suffer({ kind: 'reset', afterBytes: 3 });
  const closed = closing(socket);
  socket.write('longer');
  await closed;
  expect(got).toBe('hellolonger');
  expect(way.counts.resets).toBe(1);
  expect(answered.length).toBeLessThanOrEqual('hellolon'.length);
});

test('a connection that begins during a fault suffers it too', async () => {
  way.suffer({ kind: 'half-open' });
  const other = connect(way.port, '127.0.0.1');
  other.on('error', () => {}).write('x');
  await expect.poll(() => got).toBe('hellox');
  await expect.poll(() => way.counts.droppedBytes).toBe(1);
  other.destroy();
});

/** `once` would reject at the error that comes before. */
function closing(one: Socket): Promise<void> {
  return new Promise((resolve) => one.on('close', () => resolve()));
}
