// The gateway before nodes that refuse, hang, die and lag: what it passes on, what it tries again, what it remembers.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../../src/base/logger.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../../../src/cluster/gateway.ts';
import { answers, type Behaviour, dies, FakeNode, hangs, refuses } from './upstreams.ts';

let nodes: FakeNode[];
let gateway: Gateway;
let url: string;
let ready: Set<string>;

beforeEach(async () => {
  nodes = [new FakeNode(), new FakeNode(), new FakeNode()];
  for (const node of nodes) await node.start();
  await start({});
});

afterEach(async () => {
  await gateway.close(0);
  for (const node of nodes) await node.stop();
});

async function start(more: Partial<GatewayOptions>): Promise<void> {
  ready = new Set();
  gateway = await startGateway({
    host: '127.0.0.1',
    port: 0,
    nodes: nodes.map((node, at) => ({ id: `node-${at + 1}`, origin: node.origin })),
    maxBodyBytes: 1024 * 1024,
    defaultConsistency: 'eventual',
    world: systemWorld,
    logger: createLogger('silent', {}),
    onReadiness: (id, isReady) => (isReady ? ready.add(id) : ready.delete(id)),
    ...more,
  });
  url = `http://127.0.0.1:${gateway.port}`;
  await vi.waitFor(() => expect(ready.size).toBe(3));
}

async function restart(more: Partial<GatewayOptions>): Promise<void> {
  await gateway.close(0);
  await start(more);
}

const put = (key: string, init: RequestInit = {}) =>
  fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body: 'v', ...init });
const get = (target: string, init: RequestInit = {}) => fetch(url + target, init);
const all = (behaviour: Behaviour) => {
  for (const node of nodes) node.behaviour = behaviour;
};
const counts = () => nodes.map((node) => node.seen.length);
const seen = () => nodes.flatMap((node) => node.seen);

/** The first node that gets a request does the first thing, the second the second, and so on; the last is for all later ones. */
function inTurn(...behaviours: Behaviour[]): void {
  let at = 0;
  all((...request) => behaviours[Math.min(at++, behaviours.length - 1)]?.(...request));
}

test('requests go round', async () => {
  for (let n = 0; n < 9; n++) await (await get('/v1/keys/a')).text();
  expect(counts()).toEqual([3, 3, 3]);
});

test('a node that is not ready gets nothing, and gets its turn again once it is', async () => {
  const [first] = nodes;
  if (first === undefined) return;
  first.readiness = 503;
  await vi.waitFor(() => expect(ready.has('node-1')).toBe(false));
  for (let n = 0; n < 4; n++) await (await get('/v1/keys/a')).text();
  expect(counts()).toEqual([0, 2, 2]);
  first.readiness = 200;
  await vi.waitFor(() => expect(ready.has('node-1')).toBe(true));
  for (let n = 0; n < 3; n++) await (await get('/v1/keys/a')).text();
  expect(counts()).toEqual([1, 3, 3]);
});

test('head and body pass in both directions as they are, byte for byte', async () => {
  all(answers({ 'Content-Type': 'text/x', ETag: '"7"', 'Chorus-Node': 'n', 'X-Twice': 'a, b' }, 201, 'made'));
  const answer = await put('a//b%2Fc%2f?ttl=1m&x=%20', {
    body: Uint8Array.of(0, 255, 10),
    headers: { 'Content-Type': 'image/x', 'If-Match': '"3"', 'Idempotency-Key': 'mine' },
  });
  expect(answer.status).toBe(201);
  expect(await answer.text()).toBe('made');
  expect(answer.headers.get('content-type')).toBe('text/x');
  expect(answer.headers.get('etag')).toBe('"7"');
  const [request] = seen();
  expect(request).toMatchObject({
    method: 'PUT',
    target: '/v1/keys/a//b%2Fc%2f?ttl=1m&x=%20',
    body: '\0\xff\n',
    headers: {
      'content-type': 'image/x',
      'if-match': '"3"',
      'idempotency-key': 'mine',
      'content-length': '3',
      host: url.slice(7),
    },
  });
});

test('headers of one hop end at the hop', async () => {
  const request = httpRequest(`${url}/v1/keys/a`, {
    headers: { Connection: 'close, X-Hop', 'X-Hop': '1', TE: 'trailers', 'X-End': '2' },
  });
  request.end();
  await once(request, 'response');
  const [{ headers } = { headers: {} }] = seen();
  expect(headers).toMatchObject({ 'x-end': '2' });
  expect(headers).not.toHaveProperty('x-hop');
  expect(headers).not.toHaveProperty('te');
});

test('every write without an id gets one of its own, and keeps it over all tries', async () => {
  inTurn(dies, refuses, answers({}, 201));
  expect((await put('a')).status).toBe(201);
  expect((await put('b')).status).toBe(201);
  const ids = seen().map(({ headers }) => headers['idempotency-key']);
  expect(ids).toHaveLength(4);
  expect(new Set(ids.slice(0, 3)).size).toBe(1);
  expect(ids[0]).toMatch(/^[\w-]{21}$/);
  expect(ids[3]).not.toBe(ids[0]);
});

test('reads get no id', async () => {
  await (await get('/v1/keys/a')).text();
  expect(seen()[0]?.headers).not.toHaveProperty('idempotency-key');
});

test('a node that dies before or in the middle of a short answer is passed over, with the same body', async () => {
  inTurn(
    dies,
    (response, _, socket) => {
      response.writeHead(201, { 'Content-Length': '4' });
      response.write('ma');
      setImmediate(() => socket.resetAndDestroy());
    },
    answers({}, 201, 'made'),
  );
  const answer = await put('a', { body: 'x'.repeat(100_000) });
  expect([answer.status, await answer.text()]).toEqual([201, 'made']);
  expect(seen().map(({ body }) => body.length)).toEqual([100_000, 100_000, 100_000]);
});

test('nodes that refuse connections are passed over', async () => {
  await nodes[0]?.stop();
  await nodes[1]?.stop();
  for (let n = 0; n < 4; n++) expect((await put('a')).status).toBe(200);
  expect(counts()).toEqual([0, 0, 4]);
  await nodes[0]?.start();
  await nodes[1]?.start();
});

test('where all refuse, the gateway tries again until one takes it', async () => {
  inTurn(refuses, refuses, refuses, refuses, answers({}, 201));
  expect((await put('a')).status).toBe(201);
  expect(seen()).toHaveLength(5);
});

test('where all go on refusing, the last refusal is passed on when the time of the request is up', async () => {
  all(refuses);
  const answer = await put('a?timeout=300ms');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toEqual({ code: 'replaying' });
  expect(seen().length).toBeGreaterThan(3);
});

test('where nobody can be reached the gateway says so itself, and that the outcome is unknown', async () => {
  for (const node of nodes) await node.stop();
  const answer = await put('a?timeout=200ms', { headers: { 'Idempotency-Key': 'mine' } });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toMatchObject({
    code: 'unavailable',
    node: 'gateway',
    outcome: 'unknown',
    id: 'mine',
    retryable: true,
  });
  for (const node of nodes) await node.start();
});

test('a hung node loses what waits for it to another, by the same id', async () => {
  inTurn(hangs, answers({}, 201));
  const answer = put('a');
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  for (const node of nodes) if (node.seen.length > 0) node.readiness = undefined;
  expect((await answer).status).toBe(201);
  const [first, second] = seen().map(({ headers }) => headers['idempotency-key']);
  expect(second).toBe(first);
});

test('a node that is merely slow with one request keeps it', async () => {
  let finish = () => {};
  inTurn((response) => {
    finish = () => response.end('late');
  });
  const answer = get('/v1/keys/a');
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  // Two probes' time: the others have been answered meanwhile.
  await new Promise((resolve) => systemWorld.clock.after(600, () => resolve(undefined)));
  finish();
  expect(await (await answer).text()).toBe('late');
  expect(seen()).toHaveLength(1);
});

test.each([504, 429, 500, 412, 507])('a %d is final', async (status) => {
  all(answers({}, status, 'no'));
  const answer = await put('a');
  expect([answer.status, await answer.text()]).toEqual([status, 'no']);
  expect(seen()).toHaveLength(1);
});

test('the highest revision passed back for a write goes with reads that say nothing of their own', async () => {
  all((response, { method }) => answers({ 'Chorus-Revision': method === 'GET' ? '99' : '7' })(response, ...none));
  await (await put('a')).text();
  await (await get('/v1/keys/a')).text();
  await (await get('/v1/keys?prefix=a')).text();
  await (await get('/api/cache/a/')).text();
  await (await get('/v1/keys/a?consistency=eventual')).text();
  await (await get('/v1/keys/a', { headers: { 'Chorus-Min-Revision': '3' } })).text();
  await (await get('/v1/cluster')).text();
  expect(gateway.revision()).toBe(7);
  const tokens = new Map(
    seen()
      .filter(({ method }) => method === 'GET')
      .map(({ target, headers }, at) => [`${target} ${at % 2}`, headers['chorus-min-revision']]),
  );
  expect([...tokens.values()].filter((token) => token === '7')).toHaveLength(3);
  expect([...tokens.values()].filter((token) => token === '3')).toHaveLength(1);
  expect([...tokens.values()].filter((token) => token === undefined)).toHaveLength(2);
});

const none = [{ method: '', target: '', headers: {}, body: '' }, undefined as never] as const;

test('where linearizable is the default the gateway weakens nothing with a token', async () => {
  await restart({ defaultConsistency: 'linearizable' });
  all(answers({ 'Chorus-Revision': '7' }));
  await (await put('a')).text();
  await (await get('/v1/keys/a')).text();
  expect(seen()[1]?.headers).not.toHaveProperty('chorus-min-revision');
});

test('a node that has not reached the gateway’s own token is passed over; the client’s own token is the client’s', async () => {
  all(answers({ 'Chorus-Revision': '7' }));
  await (await put('a')).text();
  inTurn(answers({}, 504), answers({}, 200, 'seen'));
  expect((await get('/v1/keys/a')).status).toBe(200);
  inTurn(answers({}, 504), answers({}, 200, 'seen'));
  expect((await get('/v1/keys/a', { headers: { 'Chorus-Min-Revision': '8' } })).status).toBe(504);
  all(answers({}, 504, 'none of us'));
  const answer = await get('/v1/keys/a');
  expect([answer.status, await answer.text()]).toEqual([504, 'none of us']);
});

test('long answers stream, and one that is cut in the middle is cut for the client too', async () => {
  let go = (_: 'on' | 'cut') => {};
  all((response, _, socket) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('first');
    go = (how) => (how === 'on' ? response.end('second') : socket.resetAndDestroy());
  });
  const whole = await get('/v1/watch');
  go('on');
  expect(await whole.text()).toBe('firstsecond');
  const cut = await get('/v1/watch');
  go('cut');
  await expect(cut.text()).rejects.toThrow();
  expect(seen()).toHaveLength(2);
});

test('a value of a megabyte passes both ways', async () => {
  const value = 'x'.repeat(1024 * 1024);
  all((response, request) =>
    answers({ 'Content-Length': String(request.body.length) }, 200, request.body)(response, ...none),
  );
  expect(await (await put('a', { body: value })).text()).toBe(value);
});

test.each([
  ['a body that is announced too large', 'PUT /v1/keys/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n', 413],
  ['a PUT that says no length', 'PUT /v1/keys/a HTTP/1.1\r\nHost: h\r\n\r\n', 411],
  [
    'a coding other than chunked',
    'PUT /v1/keys/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  [
    'a compressed body',
    'PUT /v1/keys/a HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx',
    415,
  ],
  ['no HTTP', 'HELLO\r\n\r\n', 400],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('%s is answered by the gateway with a problem document', async (_, text, status) => {
  const [head, body] = await raw(text);
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  expect(JSON.parse(body)).toMatchObject({ status, node: 'gateway' });
  expect(seen()).toHaveLength(0);
});

test('a body shorter than its length reaches no node', async () => {
  const socket = connect(gateway.port, '127.0.0.1');
  socket.end('PUT /v1/keys/a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nfive!');
  socket.resume();
  await once(socket, 'close');
  expect(seen()).toHaveLength(0);
});

test('a client that leaves frees the node, which stays ready', async () => {
  all(hangs);
  const leaving = new AbortController();
  const answer = get('/v1/keys/a', { signal: leaving.signal });
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  leaving.abort();
  await expect(answer).rejects.toThrow();
  all(answers());
  for (let n = 0; n < 6; n++) await (await get('/v1/keys/a')).text();
  expect(Math.min(...counts())).toBeGreaterThan(1);
});

test('closing finishes what is under way and takes nothing new', async () => {
  let finish = () => {};
  all((response) => {
    finish = () => response.end('done');
  });
  const answer = get('/v1/keys/a');
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  const closed = gateway.close(5000);
  await expect(get('/v1/keys/b')).rejects.toThrow();
  finish();
  expect(await (await answer).text()).toBe('done');
  await closed;
});

/** Sends bytes as they are; resolves with the head and the body of what comes back until the connection ends. */
async function raw(bytes: string | Buffer): Promise<[string, string]> {
  const socket = connect(gateway.port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const [head = '', body] = text.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (body !== undefined && body.length >= length) socket.end();
  });
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return [head, body.slice(0, Number(/content-length: (\d+)/i.exec(head)?.[1]))];
}
