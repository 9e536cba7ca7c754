// The keys API over a listening server with a real node behind it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rawExchange } from '../../suites/raw-http.ts';
import { problemIn, type RunningNode, type Sent, send, startRunningNode } from './running-node.ts';

let running: RunningNode;
let keys = 0;

beforeAll(async () => {
  running = await startRunningNode();
});

afterAll(() => running.stop());

function call(method: string, target: string, sent?: Sent) {
  return send(running.url, method, target, sent);
}

/** The target of a key that no other test uses. */
function freshKey(): string {
  keys++;
  return `/v1/keys/test/${keys}`;
}

test('a value comes back as it was put: bytes, content type, revision as ETag', async () => {
  const key = freshKey();
  const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const put = await call('PUT', key, { body, headers: { 'content-type': 'image/png' } });
  expect(put.status).toBe(201);
  expect(put.headers.etag).toMatch(/^"[1-9]\d*"$/);
  const got = await call('GET', key);
  expect(got.status).toBe(200);
  expect(got.bytes).toEqual(body);
  expect(got.headers).toMatchObject({
    'content-type': 'image/png',
    'content-length': '256',
    etag: put.headers.etag,
    'cache-control': 'no-cache',
    'chorus-consistency': 'eventual',
  });
  expect(got.headers['chorus-expires-at']).toBeUndefined();
});

test('a value of a megabyte and an empty one come back whole', async () => {
  for (const body of [Buffer.alloc(1_048_576, 'chorus'), Buffer.alloc(8 * 1024 + 1, 7), Buffer.alloc(0)]) {
    const key = freshKey();
    expect((await call('PUT', key, { body })).status).toBe(201);
    const got = await call('GET', key);
    expect(got.headers['content-length']).toBe(String(body.length));
    expect(got.bytes.equals(body)).toBe(true);
    expect(got.headers['content-type']).toBe('application/octet-stream');
  }
});

test('every answer says the node, its revision and its lag, and forbids guessing and running', async () => {
  const key = freshKey();
  await call('PUT', key, { body: 'x' });
  for (const [method, target] of [
    ['GET', key],
    ['HEAD', key],
    ['GET', freshKey()],
    ['GET', `${key}?what=1`],
    ['OPTIONS', key],
    ['BREW', key],
    ['GET', '/nowhere'],
    ['GET', '/livez'],
    ['GET', '/metrics'],
    ['GET', '/api/health/'],
  ] as const) {
    const { headers } =
      method === 'BREW'
        ? await rawAnswer(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        : await call(method, target);
    expect(headers, `${method} ${target}`).toMatchObject({
      'chorus-node': 'node-1',
      'chorus-revision': expect.stringMatching(/^\d+$/),
      'chorus-lag-ms': expect.stringMatching(/^\d+$/),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'",
    });
    expect(headers['x-powered-by']).toBeUndefined();
    if (method !== 'OPTIONS') expect(headers['content-type']).toEqual(expect.any(String));
  }
});

test('HEAD answers as GET does, without the value', async () => {
  const key = freshKey();
  await call('PUT', key, { body: 'hello' });
  const [got, head] = [await call('GET', key), await call('HEAD', key)];
  expect(head.text).toBe('');
  for (const name of ['etag', 'content-length', 'content-type', 'cache-control'])
    expect(head.headers[name]).toBe(got.headers[name]);
  expect((await call('HEAD', freshKey())).status).toBe(404);
});

test('a raw slash and %2F are the same key, and doubled slashes stay', async () => {
  await call('PUT', '/v1/keys/slash/a%2Fb', { body: 'one' });
  expect((await call('GET', '/v1/keys/slash%2fa/b')).text).toBe('one');
  expect((await call('GET', '/v1/keys/slash//a/b')).status).toBe(404);
  await call('PUT', '/v1/keys/slash//a/../b', { body: 'two' });
  expect((await call('GET', '/v1/keys/slash%2F%2Fa%2F..%2Fb')).text).toBe('two');
  expect((await rawAnswer('GET http://localhost/v1/keys/slash/a/b HTTP/1.1\r\nHost: x\r\n\r\n')).body).toBe('one');
});

test('a second put replaces, a delete removes, a second delete finds nothing', async () => {
  const key = freshKey();
  const first = await call('PUT', key, { body: '1' });
  const second = await call('PUT', key, { body: '2' });
  expect([first.status, second.status]).toEqual([201, 200]);
  expect(revisionIn(second.headers.etag)).toBeGreaterThan(revisionIn(first.headers.etag));
  const gone = await call('DELETE', key);
  expect([gone.status, gone.text, gone.headers.etag]).toEqual([204, '', undefined]);
  expect(problemIn(await call('DELETE', key))).toMatchObject({
    status: 404,
    code: 'not-found',
    outcome: 'not-applied',
  });
  expect(problemIn(await call('GET', key))).toMatchObject({
    status: 404,
    code: 'not-found',
    instance: key,
    node: 'node-1',
  });
});

test('If-None-Match: * puts only an absent key, and the refusal carries the current ETag', async () => {
  const key = freshKey();
  const first = await call('PUT', key, { body: '1', headers: { 'if-none-match': '*' } });
  expect(first.status).toBe(201);
  const second = await call('PUT', key, { body: '2', headers: { 'if-none-match': '*' } });
  expect(problemIn(second)).toMatchObject({ status: 412, code: 'condition-failed' });
  expect(second.headers.etag).toBe(first.headers.etag);
  expect((await call('GET', key)).text).toBe('1');
});

test.each([(n: number) => `"${n}"`, (n: number) => `W/"${n}"`, (n: number) => `${n}`, (n: number) => `"1", "${n}"`])(
  'If-Match in the form %s changes only that revision',
  async (form) => {
    const key = freshKey();
    const revision = revisionIn((await call('PUT', key, { body: '1' })).headers.etag);
    expect((await call('PUT', key, { body: '2', headers: { 'if-match': form(revision) } })).status).toBe(200);
    const late = await call('DELETE', key, { headers: { 'if-match': form(revision) } });
    expect(late.status).toBe(412);
    expect(revisionIn(late.headers.etag)).toBeGreaterThan(revision);
  },
);

test('If-Match on an absent key is refused without an ETag', async () => {
  const refused = await call('PUT', freshKey(), { body: 'x', headers: { 'if-match': '*' } });
  expect(refused.status).toBe(412);
  expect(refused.headers.etag).toBeUndefined();
});

test('a read is conditional too: 304 when nothing changed, 412 when another revision was wanted', async () => {
  const key = freshKey();
  const { etag = '' } = (await call('PUT', key, { body: 'x' })).headers;
  const same = await call('GET', key, { headers: { 'if-none-match': `"999999", W/${etag}` } });
  expect([same.status, same.text, same.headers.etag]).toEqual([304, '', etag]);
  expect((await call('GET', key, { headers: { 'if-none-match': '"999999"' } })).status).toBe(200);
  expect((await call('GET', key, { headers: { 'if-match': '"999999"' } })).status).toBe(412);
  expect((await call('GET', key, { headers: { 'if-match': etag } })).status).toBe(200);
});

test('a value with a ttl says when it expires, a touch renews or ends it, a put without one clears it', async () => {
  const key = freshKey();
  await call('PUT', `${key}?ttl=1h`, { body: 'x' });
  const { headers } = await call('GET', key);
  const ttlMs = Number(headers['chorus-ttl-ms']);
  expect(ttlMs).toBeGreaterThan(3_500_000);
  expect(ttlMs).toBeLessThanOrEqual(3_600_000);
  expect(new Date(String(headers['chorus-expires-at'])).toISOString()).toBe(headers['chorus-expires-at']);
  expect(headers.expires).toBeUndefined();
  const touched = await call('POST', `${key}?op=touch&ttl=2d`);
  expect([touched.status, touched.text]).toEqual([200, '']);
  const renewed = await call('GET', key);
  expect(renewed.headers.etag).toBe(touched.headers.etag);
  expect(Number(renewed.headers['chorus-ttl-ms'])).toBeGreaterThan(3_600_000);
  await call('POST', `${key}?op=touch&ttl=none`);
  expect((await call('GET', key)).headers['chorus-ttl-ms']).toBeUndefined();
  await call('PUT', `${key}?ttl=1h`, { body: 'y' });
  await call('PUT', key, { body: 'z' });
  expect((await call('GET', key)).headers['chorus-ttl-ms']).toBeUndefined();
  expect((await call('POST', `${freshKey()}?op=touch&ttl=1h`)).status).toBe(404);
  expect(problemIn(await call('POST', `${key}?op=touch`))).toMatchObject({ status: 400, field: 'ttl' });
});

test('an increment counts in 64 bits and answers the number', async () => {
  const key = freshKey();
  expect((await call('POST', `${key}?op=increment`)).text).toBe('1');
  expect((await call('POST', `${key}?op=increment&by=-5`)).text).toBe('-4');
  const far = await call('POST', `${key}?op=increment&by=9223372036854775807`);
  expect([far.text, far.headers['content-type']]).toEqual(['9223372036854775803', 'text/plain; charset=utf-8']);
  expect(problemIn(await call('POST', `${key}?op=increment&by=100`))).toMatchObject({ status: 409, code: 'overflow' });
  expect((await call('GET', key)).text).toBe('9223372036854775803');
  const words = freshKey();
  await call('PUT', words, { body: 'words' });
  expect(problemIn(await call('POST', `${words}?op=increment`))).toMatchObject({ status: 409, code: 'not-an-integer' });
});

test('an append answers the new length', async () => {
  const key = freshKey();
  const sent = (body: string) => call('POST', `${key}?op=append`, { body, headers: { 'content-type': 'text/plain' } });
  expect((await sent('hello ')).text).toBe('6');
  expect((await sent('world')).text).toBe('11');
  const got = await call('GET', key);
  expect([got.text, got.headers['content-type']]).toEqual(['hello world', 'text/plain']);
});

test('a repeat by the same id is applied once and gets the first outcome; another command by it is refused', async () => {
  const key = freshKey();
  const headers = { 'idempotency-key': `once-${key}` };
  const first = await call('POST', `${key}?op=increment&by=7`, { headers });
  const again = await call('POST', `${key}?op=increment&by=7`, { headers });
  expect([first.text, again.text]).toEqual(['7', '7']);
  expect(again.headers.etag).toBe(first.headers.etag);
  expect([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']]).toEqual([undefined, 'true']);
  const other = await call('POST', `${key}?op=increment&by=8`, { headers });
  expect(problemIn(other)).toMatchObject({ status: 422, code: 'id-reused', field: 'Idempotency-Key' });
  expect((await call('GET', key)).text).toBe('7');
});

test('a remembered rejection is repeated as well', async () => {
  const key = freshKey();
  const headers = { 'idempotency-key': `never-${key}` };
  expect((await call('DELETE', key, { headers })).status).toBe(404);
  await call('PUT', key, { body: 'now it is there' });
  const again = await call('DELETE', key, { headers });
  expect([again.status, again.headers['idempotency-replayed']]).toEqual([404, 'true']);
  expect((await call('GET', key)).status).toBe(200);
});

test.each(['session', 'linearizable'])('a %s read sees what was written, and says what it was', async (consistency) => {
  const key = freshKey();
  const put = await call('PUT', key, { body: 'x' });
  const token = String(put.headers['chorus-revision']);
  expect(Number(token)).toBeGreaterThanOrEqual(revisionIn(put.headers.etag));
  const got = await call('GET', `${key}?consistency=${consistency}`, { headers: { 'chorus-min-revision': token } });
  expect([got.text, got.headers['chorus-consistency']]).toEqual(['x', consistency]);
});

test('a token implies session, and 504 says that it was not reached', async () => {
  const key = freshKey();
  await call('PUT', key, { body: 'x' });
  const got = await call('GET', key, { headers: { 'chorus-min-revision': '1' } });
  expect([got.status, got.headers['chorus-consistency']]).toEqual([200, 'session']);
  const never = await call('GET', `${key}?timeout=20ms`, { headers: { 'chorus-min-revision': '999999999' } });
  expect(problemIn(never)).toMatchObject({ status: 504, code: 'revision-not-reached', retryable: true });
  expect(problemIn(await call('GET', key, { headers: { 'chorus-min-revision': 'x' } }))).toMatchObject({
    status: 400,
    field: 'Chorus-Min-Revision',
  });
  expect(problemIn(await call('GET', `${key}?consistency=strong`))).toMatchObject({
    status: 400,
    field: 'consistency',
  });
});

test('a wrong method is told the right ones, OPTIONS too', async () => {
  const key = freshKey();
  const wrong = await call('PATCH', key);
  expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD, PUT, DELETE, POST, OPTIONS']);
  const options = await call('OPTIONS', key);
  expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, PUT, DELETE, POST, OPTIONS']);
  expect((await call('POST', '/livez')).headers.allow).toBe('GET, HEAD, OPTIONS');
});

test('a client that does not accept the stored type is told which it is', async () => {
  const key = freshKey();
  await call('PUT', key, { body: '{}', headers: { 'content-type': 'application/json' } });
  expect((await call('GET', key, { headers: { accept: 'application/*' } })).status).toBe(200);
  const refused = problemIn(await call('GET', key, { headers: { accept: 'text/html' } }));
  expect(refused).toMatchObject({ status: 406, field: 'Accept', detail: expect.stringContaining('application/json') });
});

test('Expect: 100-continue is answered before the body only when the head is good', async () => {
  const head = (target: string) =>
    `PUT ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`;
  expect((await rawAnswer(head(freshKey()))).status).toBe(100);
  expect((await rawAnswer(head(`${freshKey()}?ttl=never`))).status).toBe(400);
});

test('chunked bodies are values like any other', async () => {
  const key = freshKey();
  const answer = await rawAnswer(
    `PUT ${key} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
  );
  expect(answer.status).toBe(201);
  expect((await call('GET', key)).text).toBe('hello world');
});

function revisionIn(etag: string | undefined): number {
  return Number(etag?.slice(1, -1));
}

async function rawAnswer(bytes: string) {
  const answer = await rawExchange(running.url, { bytes: Buffer.from(bytes, 'latin1') });
  if (answer === undefined) throw new Error('the connection was closed without an answer');
  return { ...answer, headers: Object.fromEntries(answer.headers) as Readonly<Record<string, string>> };
}
