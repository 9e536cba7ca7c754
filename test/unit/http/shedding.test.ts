// How requests are refused for a turn that is too long: when a connection is read from again, and what is answered from bytes alone.
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Silence } from '../../../src/http/silence.ts';
import { FuzzLine } from '../../fuzz/lines.ts';
import { fuzzRequest } from '../../fuzz/requests.ts';
import { seeded } from '../../random.ts';
import { type RunningNode, startRunningNode } from './running-node.ts';

let running: RunningNode;

beforeEach(async () => {
  // All writes are refused, and nothing else.
  running = await startRunningNode({
    http: { turn: { requests: -1, writesMs: -1, readsMs: Infinity, keyReadsMs: Infinity } },
  });
});

afterEach(() => running.stop());

const put = (body = 'x') =>
  `PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const get = 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\n\r\n';
const last = 'GET /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

test('nothing more is read in the turn in which a request was refused', async () => {
  const socket = new Socket();
  new Silence().begin(socket);
  expect(socket.isPaused()).toBe(true);
  await nextTurn();
  expect(socket.isPaused()).toBe(false);
});

test('what comes on the connection afterwards is served', async () => {
  const socket = open();
  socket.write(put() + put() + last);
  expect(statusesOf(await text(socket))).toEqual([429, 429, 404]);
});

test('after two refusals by way of Node a write is refused from its bytes, until one comes in parts', async () => {
  const socket = open();
  const isBare = [];
  for (const parts of [
    [put()],
    [put()],
    [put()],
    [get],
    [put()],
    [put().slice(0, 30), put().slice(30)],
    [put()],
    [put()],
  ]) {
    const answer = await answerTo(socket, parts);
    expect(statusesOf(answer)).toEqual([parts[0] === get ? 404 : 429]);
    // Those from bytes alone are the same for all targets.
    isBare.push(!answer.includes('"instance"'));
  }
  socket.destroy();
  expect(isBare).toEqual([false, false, true, false, true, false, false, true]);
});

test('a refusal from bytes says what one by way of Node says, but for the target', async () => {
  const socket = open();
  const [, ofNode, bare] = [
    await answerTo(socket, [put()]),
    await answerTo(socket, [put()]),
    await answerTo(socket, [put()]),
  ];
  socket.destroy();
  const [head, body] = partsOf(bare);
  const [headOfNode, bodyOfNode] = partsOf(ofNode);
  expect(head).toEqual(headOfNode);
  const { instance, ...common } = bodyOfNode;
  expect(instance).toBe('/v1/keys/a');
  expect(body).toEqual(common);
  expect(body).toMatchObject({ code: 'overloaded', outcome: 'not-applied', retryable: true });
});

test('wherever packets end, each request has one answer, in its order', async () => {
  const body = put(get + put());
  const bytes = put() + body + get + put() + body + last;
  const expected = [429, 429, 429, 429, 404, 429, 429, 404];
  for (let at = 1; at < bytes.length; at += 7) {
    const socket = open();
    for (const one of [put(), put()]) expect(statusesOf(await answerTo(socket, [one]))).toEqual([429]);
    socket.write(bytes.slice(0, at));
    await nextTurn();
    socket.write(bytes.slice(at));
    expect([429, 429, ...statusesOf(await text(socket))], `split at ${at}`).toEqual(expected);
  }
});

test('a body that looks like a request, and comes alone, is no request', async () => {
  const socket = open();
  for (let n = 0; n < 3; n++) await answerTo(socket, [put()]);
  const answers = text(socket);
  for (const part of [put(put()).slice(0, -put().length), put(), last]) {
    socket.write(part);
    await delay(20);
  }
  expect(statusesOf(await answers)).toEqual([429, 404]);
});

test('a request within the body of one that was refused early is no sign that the next begins a request', async () => {
  const socket = open();
  for (let n = 0; n < 3; n++) await answerTo(socket, [put()]);
  const answers = text(socket);
  // For Node the whole request below is the rest of this body, another request, and the beginning of a third …
  const disguise = put(`${put()}${get.slice(0, -2)}X: `);
  const early = 'PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n';
  const rest = 999 - (disguise.length - `${put()}${get.slice(0, -2)}X: `.length);
  // … whose head ends with these bytes, which must not be refused for what they look like.
  for (const part of [early + 'x'.repeat(rest), disguise, put(), last]) {
    socket.write(part);
    await delay(20);
  }
  expect(statusesOf(await answers)).toEqual([429, 429, 404, 404]);
});

test('a connection that wants to be a tunnel is let go, whatever comes on it afterwards', async () => {
  const socket = open();
  for (let n = 0; n < 3; n++) await answerTo(socket, [put()]);
  const answers = text(socket);
  for (const part of ['CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', put(), get]) {
    socket.write(part);
    await delay(20);
  }
  expect(statusesOf(await answers)).toEqual([405]);
  const next = open();
  next.write(last);
  expect(statusesOf(await text(next))).toEqual([404]);
});

test('random requests, sound and changed, on connections on which all writes are refused, have their answers', async () => {
  const random = seeded(1);
  const line = new FuzzLine(running.server.port);
  const statuses = new Set<number>();
  for (let n = 0; n < 1500; n++) {
    const request = fuzzRequest(random);
    const cuts = random.below(4) === 0 ? [1 + random.below(request.bytes.length - 1)] : [];
    const brought = await line.send(request, cuts);
    const shown = request.bytes.toString('latin1');
    expect(brought.isSilent, shown).toBe(false);
    if (request.isSound) expect(brought.statuses, shown).toHaveLength(1);
    for (const status of brought.statuses) statuses.add(status);
  }
  line.close();
  expect([...statuses].filter((status) => status >= 500)).toEqual([]);
  expect(statuses).toContain(429);
  expect(statuses).not.toContain(201);
}, 30_000);

test('what was refused from its bytes is counted', async () => {
  const socket = open();
  for (let n = 0; n < 5; n++) await answerTo(socket, [put()]);
  socket.destroy();
  const metrics = await (await fetch(`${running.url}/metrics`)).text();
  expect(metrics).toMatch(
    /^chorus_http_requests_total\{[^}]*route="other"[^}]*method="PUT"[^}]*status="429"[^}]*\} 5$/m,
  );
});

function open(): Socket {
  return connect({ port: running.server.port, host: '127.0.0.1', noDelay: true });
}

/** What is answered to one request, which comes in these parts. */
async function answerTo(socket: Socket, parts: readonly string[]): Promise<string> {
  let received = '';
  const take = (bytes: Buffer) => {
    received += bytes.toString('latin1');
  };
  socket.on('data', take);
  for (const [at, part] of parts.entries()) {
    if (at > 0) await delay(20);
    socket.write(part);
  }
  while (!received.endsWith('}')) await once(socket, 'data');
  socket.off('data', take);
  return received;
}

/** Headers by name, without those that change from answer to answer; and the document. */
function partsOf(answer: string): [headers: Record<string, string>, document: Record<string, unknown>] {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(': ') as [string, string]),
  );
  for (const name of ['Date', 'Content-Length', 'Keep-Alive', 'Chorus-Lag-Ms']) delete headers[name];
  return [headers, JSON.parse(body)];
}

function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
}
