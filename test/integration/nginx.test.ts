// The real Nginx with the files of nginx/ in front of small servers that behave as nodes do on bad days.
import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { freePort } from '../servers/places.ts';
import { type Answering, answerProblem, deafPort, exchange, front } from '../suites/nginx-front.ts';

const OK: Answering = (_, response) => response.end('ok');
const HANGING: Answering = () => undefined;
const BREAKING: Answering = (_, response) => response.destroy();
const REFUSING: Answering = (_, response) => answerProblem(response, 503, 'replaying');
const TIMED_OUT: Answering = (_, response) => answerProblem(response, 504, 'timed-out');
const SHORT_TIMES = {
  'proxy_read_timeout 7s': 'proxy_read_timeout 300ms',
  'proxy_read_timeout 65s': 'proxy_read_timeout 900ms',
  'proxy_next_upstream_timeout 60s': 'proxy_next_upstream_timeout 800ms',
};

describe.skipIf(!available('nginx'))('Nginx in front of the nodes', () => {
  test('gives requests to the nodes in turn and keeps the connections to them', async () => {
    const { nodes, send } = await front([OK, OK, OK]);
    for (let i = 0; i < 9; i++) expect((await send('GET', '/v1/keys/a')).status).toBe(200);
    expect(nodes.map((node) => node.asked.length)).toEqual([3, 3, 3]);
    for (const node of nodes) expect(new Set(node.asked.map((one) => one.fromPort)).size).toBe(1);
  });

  test('passes the target on byte for byte, by every way that a request can take', async () => {
    const { nodes, send } = await front([OK]);
    const targets = [
      '/v1/keys/a//b%2Fc%2f/d/',
      '//v1///keys/%C3%A4?ttl=%31s',
      '/v1/keys/a/../b',
      '/v1/keys/a//b%2Fc?timeout=30s',
    ];
    for (const target of targets) await send('PUT', target, { body: 'x' });
    expect(nodes[0]?.asked.map((one) => one.target)).toEqual(targets);
    expect(nodes[0]?.asked.every((one) => one.method === 'PUT' && one.bodyBytes === 1)).toBe(true);
  });

  test('keeps the Host as the client wrote it', async () => {
    const { nodes, send } = await front([OK]);
    await send('GET', '/', { headers: { host: 'Some.Name:1234' } });
    expect(nodes[0]?.asked[0]?.headers.host).toBe('Some.Name:1234');
  });

  test('gives a write an id of its own if it came without one, and none to a read', async () => {
    const { nodes, send } = await front([OK]);
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'GET', 'HEAD', 'OPTIONS']) await send(method, '/v1/keys/a');
    const ids = nodes[0]?.asked.map((one) => one.headers['idempotency-key']) ?? [];
    expect(ids.slice(0, 4)).toEqual(Array(4).fill(expect.stringMatching(/^[0-9a-f]{32}$/)));
    expect(new Set(ids.slice(0, 4)).size).toBe(4);
    expect(ids.slice(4)).toEqual([undefined, undefined, undefined]);
  });

  test("keeps the client's own id", async () => {
    const { nodes, send } = await front([REFUSING, OK]);
    for (let i = 0; i < 2; i++)
      await send('POST', '/v1/keys/a?op=append', { headers: { 'Idempotency-Key': 'my own "id"$x' } });
    const ids = nodes.flatMap((node) => node.asked.map((one) => one.headers['idempotency-key']));
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ids)).toEqual(new Set(['my own "id"$x']));
  });

  test.each([
    ['refuses with 503', REFUSING],
    ['breaks the connection off in mid-request', BREAKING],
    ['does not answer within the read timeout', HANGING],
  ])('sends a POST to the next node under the same id when one %s', async (_, failing) => {
    const { nodes, send } = await front([failing, failing, OK], SHORT_TIMES);
    const answer = await send('POST', '/v1/keys/a?op=append', { body: 'x' });
    expect([answer.status, answer.body]).toEqual([200, 'ok']);
    const asked = nodes.flatMap((node) => node.asked);
    expect(nodes.map((node) => node.asked.length)).toEqual([1, 1, 1]);
    expect(new Set(asked.map((one) => one.headers['idempotency-key'])).size).toBe(1);
    expect(asked.every((one) => one.bodyBytes === 1)).toBe(true);
  });

  test('passes over a node whose port is closed without a failed request', async () => {
    const { nodes, send } = await front([OK, OK, OK]);
    await nodes[1]?.close();
    for (let i = 0; i < 30; i++) expect((await send('PUT', '/v1/keys/a', { body: 'x' })).status).toBe(200);
  });

  test('does not ask a node again that failed a moment ago', async () => {
    const { nodes, send } = await front([REFUSING, OK, OK], { 'fail_timeout=1s': 'fail_timeout=60s' });
    for (let i = 0; i < 12; i++) expect((await send('GET', '/v1/keys/a')).status).toBe(200);
    expect(nodes.map((node) => node.asked.length)).toEqual([1, 6, 6]);
  });

  test('asks every node once more, under the same id, before it says that none is there', async () => {
    const back = new Set<number>();
    const onceBroken: Answering = (asked, response) => {
      if (back.size === 3) return response.end('ok');
      back.add(asked.fromPort);
      return response.destroy();
    };
    const { nodes, send } = await front([onceBroken, onceBroken, onceBroken], {
      'fail_timeout=1s': 'fail_timeout=60s',
    });
    for (let i = 0; i < 4; i++) expect((await send('PUT', '/v1/keys/a', { body: 'x' })).body).toBe('ok');
    const ids = nodes.flatMap((node) => node.asked.map((one) => one.headers['idempotency-key']));
    expect(ids.length).toBe(3 + 4);
    expect(new Set(ids).size).toBe(4);
  });

  test("hands a node's 504 to the client as it is and does not try another", async () => {
    const { nodes, send } = await front([TIMED_OUT, TIMED_OUT, TIMED_OUT]);
    for (let i = 0; i < 6; i++) {
      const answer = await send('PUT', '/v1/keys/a', { body: 'x' });
      expect([answer.status, answer.json.code]).toEqual([504, 'timed-out']);
    }
    expect(nodes.map((node) => node.asked.length)).toEqual([2, 2, 2]);
  });

  test("hands the last node's 503 to the client when all refuse", async () => {
    const { nodes, send } = await front([REFUSING, REFUSING, REFUSING]);
    const answer = await send('PUT', '/v1/keys/a', { body: 'x' });
    expect([answer.status, answer.json.code]).toEqual([503, 'replaying']);
    expect(nodes.map((node) => node.asked.length)).toEqual([1, 1, 1]);
  });

  test('says 502 as a problem document when no node can be reached: unknown and with the id for a write', async () => {
    const { send } = await front([]);
    const write = await send('PUT', '/v1/keys/a', { body: 'x' });
    expect(write.status).toBe(502);
    expect(write.headers).toMatchObject({ 'content-type': 'application/problem+json', 'retry-after': '1' });
    expect(write.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(write.json).toMatchObject({ status: 502, code: 'no-node', outcome: 'unknown', retryable: true });
    expect(write.json.id).toMatch(/^[0-9a-f]{32}$/);
    const own = await send('PUT', '/v1/keys/a', { body: 'x', headers: { 'Idempotency-Key': '"quoted"' } });
    expect(own.json).toMatchObject({ status: 502, outcome: 'unknown' });
    expect(own.json.id).toBeUndefined();
    const read = await send('GET', '/v1/keys/a');
    expect(read.json).toMatchObject({ status: 502, retryable: true });
    expect(read.json.outcome).toBeUndefined();
    const waiting = await send('GET', '/v1/keys/a?timeout=30s');
    expect(waiting.json).toMatchObject({ status: 502, code: 'no-node' });
  });

  test('says 504 as a problem document when every node hangs', async () => {
    const { nodes, send } = await front([HANGING, HANGING], SHORT_TIMES);
    const answer = await send('PUT', '/v1/keys/a', { body: 'x' });
    expect(answer.status).toBe(504);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ status: 504, code: 'no-answer', outcome: 'unknown', retryable: true });
    expect(answer.json.id).toBe(nodes[0]?.asked[0]?.headers['idempotency-key']);
  });

  test('waits longer for a request with a long timeout and does not start it again at the next node', async () => {
    const late: Answering = (_, response) => setTimeout(() => response.end('late'), 500);
    const patient = await front([late, OK], SHORT_TIMES);
    expect((await patient.send('PUT', '/v1/keys/a?timeout=30s', { body: 'x' })).body).toBe('late');
    expect(patient.nodes.map((node) => node.asked.length)).toEqual([1, 0]);

    const hanging = await front([HANGING, OK], SHORT_TIMES);
    const answer = await hanging.send('PUT', '/v1/keys/a?timeout=30s', { body: 'x' });
    expect([answer.status, answer.json.code]).toEqual([504, 'no-answer']);
    expect(hanging.nodes.map((node) => node.asked.length)).toEqual([1, 0]);
  });

  test.each(['timeout=5s', 'timeout=5', 'timeout=900ms', 'timeout=5000ms', 'timeout='])(
    'passes a hung node over with %s, which its read timeout covers',
    async (query) => {
      const { nodes, send } = await front([HANGING, OK], SHORT_TIMES);
      expect((await send('GET', `/v1/keys/a?${query}`)).body).toBe('ok');
      expect(nodes.map((node) => node.asked.length)).toEqual([1, 1]);
    },
  );

  test('goes on with a long timeout or a watch when a node refuses, is gone, or does not even take the connection', async () => {
    for (const target of ['/v1/keys/a?timeout=60s', '/v1/watch?prefix=a']) {
      for (const failing of [await deafPort(), await freePort()]) {
        const { nodes, send } = await front([REFUSING, OK], SHORT_TIMES, [failing]);
        const answer = await send('GET', target);
        expect([answer.status, answer.body]).toEqual([200, 'ok']);
        expect(nodes.map((node) => node.asked.length)).toEqual([1, 1]);
      }
    }
  });

  test('passes the events of a watch on as they come', async () => {
    let end = (): void => undefined;
    const events: Answering = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('data: 1\n\n');
      end = () => response.end('data: 2\n\n');
    };
    const { nginx } = await front([events], SHORT_TIMES);
    const watching = request({ port: nginx.port, host: '127.0.0.1', path: '/v1/watch' });
    watching.end();
    const [response] = await once(watching, 'response');
    const [first] = await once(response, 'data');
    expect(String(first)).toBe('data: 1\n\n');
    end();
    const [second] = await once(response, 'data');
    expect(String(second)).toBe('data: 2\n\n');
  });

  test("takes bodies above the nodes' limit, so that a node says so, and refuses what is far above it", async () => {
    const { nodes, send } = await front([OK]);
    expect((await send('PUT', '/v1/keys/a', { body: Buffer.alloc(1_600_000) })).status).toBe(200);
    expect(nodes[0]?.asked[0]?.bodyBytes).toBe(1_600_000);
    const answer = await send('PUT', '/v1/keys/a', { body: Buffer.alloc(2_200_000) });
    expect(answer.status).toBe(413);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ status: 413, code: 'value-too-large', retryable: false });
    expect(nodes[0]?.asked.length).toBe(1);
  });

  test.each([
    [414, 'key-too-long', `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    [431, 'headers-too-large', `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'a'.repeat(40_000)}\r\n\r\n`],
    [400, 'malformed-request', 'GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n'],
    [400, 'malformed-request', 'GET / HTTP/1.1\r\n\r\n'],
    [501, 'unsupported-transfer-encoding', 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n'],
    [405, 'method-not-allowed', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('answers %i (%s) as a problem document where no node is asked', async (status, code, text) => {
    const { nginx } = await front([OK]);
    const answer = await exchange(nginx.port, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))).toMatchObject({ status, code });
  });

  test('names in its log every node that was tried, with statuses and times', async () => {
    const { nginx, nodes, send } = await front([REFUSING, OK]);
    await send('PUT', '/v1/keys/a"b', { body: 'x' });
    // Nginx writes the line after the answer is out.
    await expect
      .poll(() => nginx.accessLog()[0])
      .toMatchObject({
        request: 'PUT /v1/keys/a"b HTTP/1.1',
        status: 200,
        upstreams: nodes.map((node) => `127.0.0.1:${node.port}`).join(', '),
        statuses: '503, 200',
        id: nodes[1]?.asked[0]?.headers['idempotency-key'],
        seconds: expect.any(Number),
      });
  });
});
