// What the gateway passes on, what it adds of its own, and what it answers itself.
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { setGatewayScene } from './gateway-scene.ts';
import { answers, dies, refuses } from './upstreams.ts';

const scene = setGatewayScene();
const { put, get, all, inTurn, counts, seen, raw } = scene;

test('requests go round', async () => {
  for (let n = 0; n < 9; n++) await (await get('/v1/keys/a')).text();
  expect(counts()).toEqual([3, 3, 3]);
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
      host: scene.url.slice(7),
    },
  });
});

test('headers of one hop end at the hop', async () => {
  const request = httpRequest(`${scene.url}/v1/keys/a`, {
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

test('the highest revision passed back for a write goes with reads that say nothing of their own', async () => {
  let token: string | string[] | undefined;
  all((response, { method, headers }) => {
    token = headers['chorus-min-revision'];
    answers({ 'Chorus-Revision': method === 'GET' ? '99' : '7' })(response);
  });
  const tokenAt = async (target: string, headers: Record<string, string> = {}) => {
    await (await get(target, { headers })).text();
    return token;
  };
  expect(await tokenAt('/v1/keys/a')).toBeUndefined();
  await (await put('a')).text();
  expect(scene.gateway.revision()).toBe(7);
  expect(await tokenAt('/v1/keys/a')).toBe('7');
  expect(await tokenAt('/v1/keys?prefix=a')).toBe('7');
  expect(await tokenAt('/api/cache/a/')).toBe('7');
  await (await fetch(`${scene.url}/v1/batch`, { method: 'POST', body: '{}' })).text();
  expect(seen().at(-1)?.headers['chorus-min-revision']).toBe('7');
  expect(await tokenAt('/v1/keys/a?consistency=eventual')).toBeUndefined();
  expect(await tokenAt('/v1/keys/a', { 'Chorus-Min-Revision': '3' })).toBe('3');
  expect(await tokenAt('/v1/cluster')).toBeUndefined();
});

test('where linearizable is the default the gateway weakens nothing with a token', async () => {
  await scene.restart({ defaultConsistency: 'linearizable' });
  all(answers({ 'Chorus-Revision': '7' }));
  await (await put('a')).text();
  await (await get('/v1/keys/a')).text();
  expect(seen()[1]?.headers).not.toHaveProperty('chorus-min-revision');
});

test('a value of a megabyte passes both ways', async () => {
  const value = 'x'.repeat(1024 * 1024);
  all((response, request) => answers({ 'Content-Length': String(request.body.length) }, 200, request.body)(response));
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
  const socket = connect(scene.gateway.port, '127.0.0.1');
  socket.end('PUT /v1/keys/a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nfive!');
  socket.resume();
  await once(socket, 'close');
  expect(seen()).toHaveLength(0);
});
