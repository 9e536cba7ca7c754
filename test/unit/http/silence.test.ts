// When a connection whose request was refused is read from again.
import { IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Silence } from '../../../src/http/silence.ts';
import { startRunningNode } from './running-node.ts';

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

test('nothing more is read in the turn in which a request was refused', async () => {
  const socket = new Socket();
  const request = new IncomingMessage(socket);
  new Silence().begin(request);
  expect(socket.isPaused()).toBe(false);
  request.emit('close');
  await nextTick();
  expect(socket.isPaused()).toBe(true);
  await nextTurn();
  expect(socket.isPaused()).toBe(false);
});

test('what comes on the connection afterwards is served', async () => {
  const turn = { requests: 0, writesMs: -1, readsMs: Infinity, keyReadsMs: Infinity };
  const running = await startRunningNode({ http: { turn } });
  const put = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx';
  const get = 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  try {
    const socket = connect(running.server.port, '127.0.0.1');
    socket.write(put + put + get);
    expect(statusesOf(await text(socket))).toEqual([429, 429, 404]);
  } finally {
    await running.stop();
  }
});

function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
}
