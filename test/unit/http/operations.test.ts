// What operators and PyCache's users ask, over a listening server with a real node behind it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemIn, type RunningNode, type Sent, send, startRunningNode } from './running-node.ts';

let running: RunningNode;

beforeAll(async () => {
  running = await startRunningNode({ http: { allowedHosts: ['cache.example.org'] } });
});

afterAll(() => running.stop());

function call(method: string, target: string, sent?: Sent) {
  return send(running.url, method, target, sent);
}

test('a ready node says so, with its progress when asked', async () => {
  const short = await call('GET', '/readyz');
  expect([short.status, JSON.parse(short.text)]).toEqual([200, { status: 'ready', node: 'node-1', degraded: [] }]);
  const verbose = JSON.parse((await call('GET', '/readyz?verbose')).text);
  expect(verbose).toMatchObject({
    phase: 'ready',
    progress: { percent: 100 },
    revision: expect.any(Number),
    lagMs: expect.any(Number),
  });
  expect(problemIn(await call('GET', '/readyz?verbos'))).toMatchObject({
    status: 400,
    detail: expect.stringContaining('"verbose"'),
  });
});

test('the cluster is shown as this node sees it', async () => {
  await call('PUT', '/v1/keys/cluster', { body: 'x' });
  const { status, headers, text } = await call('GET', '/v1/cluster');
  expect([status, headers['content-type']]).toEqual([200, 'application/json']);
  expect(JSON.parse(text)).toMatchObject({
    node: 'node-1',
    ready: true,
    members: [{ node: 'node-1', ready: true, duty: true, version: '0.0.0-test' }],
  });
});

test('digests are checked on demand', async () => {
  const { text } = await call('GET', '/v1/cluster?check=digests');
  expect(JSON.parse(text)).toEqual({
    agreed: true,
    revision: expect.any(Number),
    digests: { 'node-1': expect.stringMatching(/^[0-9a-f]+$/) },
  });
  expect(problemIn(await call('GET', '/v1/cluster?check=all'))).toMatchObject({ status: 400, field: 'check' });
});

test('a snapshot is saved on demand, verified, and shown in the cluster', async () => {
  const { status, text } = await call('POST', '/v1/snapshots?timeout=30s');
  expect(status).toBe(201);
  const saved = JSON.parse(text);
  expect(saved).toMatchObject({ id: expect.any(String), bytes: expect.any(Number), verified: true });
  const { snapshots } = JSON.parse((await call('GET', '/v1/cluster')).text);
  expect(snapshots.verified.at(-1)).toMatchObject({ revision: saved.revision, offset: saved.offset, by: 'node-1' });
  expect((await call('GET', '/metrics')).text).toMatch(/^chorus_snapshots_saved_total\{node="node-1"\} 1$/m);
  expect(problemIn(await call('POST', '/v1/snapshots?timeout=0'))).toMatchObject({ status: 400, field: 'timeout' });
  expect(problemIn(await call('GET', '/v1/snapshots'))).toMatchObject({ status: 405 });
});

test('metrics count commands and requests', async () => {
  await call('GET', '/v1/keys/nothing');
  const { headers, text } = await call('GET', '/metrics');
  expect(headers['content-type']).toContain('text/plain');
  expect(text).toMatch(/^chorus_commands_applied_total\{node="node-1"\} [1-9]/m);
  expect(text).toMatch(/^chorus_http_requests_total\{route="keys",method="GET",status="404",node="node-1"\} [1-9]/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_seconds/m);
  expect(text).toMatch(/^chorus_ready\{node="node-1"\} 1$/m);
});

test('other hosts than this one are sent away', async () => {
  for (const host of ['cache.example.org', 'localhost:1234', '[::1]']) {
    expect((await call('GET', '/livez', { headers: { host } })).status).toBe(200);
  }
  for (const host of ['evil.example', 'evil.example:8001']) {
    expect(problemIn(await call('GET', '/livez', { headers: { host } }))).toMatchObject({
      status: 421,
      code: 'misdirected-request',
    });
  }
});

test.each(['1', '-2.5', '"text"', '{}', '{"a":[null,true]}', '[0]', ' 12345678901234567890 '])(
  'PyCache keeps the JSON value %s',
  async (value) => {
    const set = await call('POST', '/api/cache/k%2F1/', { body: value });
    const payload = `{"key":"k/1","value":${value.trim()}}`;
    expect([set.status, set.text]).toEqual([201, `{"message":"Cache key set success","payload":${payload}}`]);
    expect(set.headers['content-type']).toBe('application/json');
    const got = await call('GET', '/api/cache/k%2F1/');
    expect([got.status, got.text]).toEqual([200, `{"message":"Cache key get success","payload":${payload}}`]);
  },
);

test.each(['', 'null', 'true', 'false', '""', '[]', '{', 'NaN', "'x'", '\xff'])(
  'PyCache refuses the body %j',
  async (text) => {
    const { status, text: answer } = await call('POST', '/api/cache/refused/', { body: Buffer.from(text, 'latin1') });
    expect(status).toBe(400);
    expect(JSON.parse(answer)).toEqual({ message: 'Invalid request body', payload: { error: expect.any(String) } });
    expect((await call('GET', '/v1/keys/refused')).status).toBe(404);
  },
);

test('PyCache answers 200 to a missing key, and deletes what is there or not', async () => {
  await call('POST', '/api/cache/gone', { body: '1' });
  for (let round = 0; round < 2; round++) {
    const gone = await call('DELETE', '/api/cache/gone/');
    expect([gone.status, gone.text]).toEqual([200, '{"message":"Cache key expired","payload":{}}']);
  }
  const missing = await call('GET', '/api/cache/gone/');
  expect([missing.status, missing.text]).toEqual([200, '{"message":"Cache key get success","payload":{}}']);
  expect((await call('PUT', '/api/cache/gone/', { body: '1' })).status).toBe(405);
  expect((await call('GET', '/api/cache/a/b/')).status).toBe(404);
});

test('PyCache and the keys API see the same keys', async () => {
  await call('POST', '/api/cache/shared/', { body: '{"a":1}' });
  const got = await call('GET', '/v1/keys/shared');
  expect([got.text, got.headers['content-type']]).toEqual(['{"a":1}', 'application/json']);
  await call('PUT', '/v1/keys/shared', { body: 'no "JSON"' });
  expect(JSON.parse((await call('GET', '/api/cache/shared/')).text).payload.value).toBe('no "JSON"');
});

test("PyCache's health page works", async () => {
  const { status, text } = await call('GET', '/api/health/');
  expect([status, text]).toEqual([200, '{"message":"It works!!!","payload":{"message_broker":"ok"}}']);
});
