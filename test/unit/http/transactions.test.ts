// POST /v1/transactions and DELETE /v1/keys?prefix= on a real node: all or nothing, once under an id, and refused what is not as it should be.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JSON_LIMITS } from '../../../src/base/limits.ts';
import { overriding, problemIn, type Received, type RunningNode, send, startRunningNode } from './running-node.ts';

let running: RunningNode;
beforeAll(async () => {
  running = await startRunningNode();
});
afterAll(() => running?.stop());

const get = (key: string) => send(running.url, 'GET', `/v1/keys/${key}`);
const put = (key: string, body: string | Uint8Array) => send(running.url, 'PUT', `/v1/keys/${key}`, { body });
const remove = (query: string, headers: Record<string, string> = {}) =>
  send(running.url, 'DELETE', `/v1/keys${query}`, { headers });
const transact = (body: string | Uint8Array, headers: Record<string, string> = {}, query = '') =>
  send(running.url, 'POST', `/v1/transactions${query}`, {
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });

function answerIn(received: Received): Readonly<Record<string, unknown>> {
  expect([received.status, received.headers['content-type']]).toEqual([200, 'application/json']);
  return JSON.parse(received.text) as Readonly<Record<string, unknown>>;
}

describe('a transaction', () => {
  test('does everything at one revision and answers each operation', async () => {
    await put('t/old', 'x');
    const received = await transact(`{"if":[{"key":"t/a","exists":false},{"key":"t/old","value":"x"}],"then":[
      {"op":"put","key":"t/a","value":"grün","contentType":"text/plain"},
      {"op":"put","key":"t/b","base64":"/wA=","ttl":"1h"},
      {"op":"increment","key":"t/n","by":"9223372036854775807"},
      {"op":"append","key":"t/old","value":"yz"},
      {"op":"touch","key":"t/b","ttl":"none"},
      {"op":"get","key":"t/a"},{"op":"get","key":"t/b"},{"op":"get","key":"t/none"},
      {"op":"delete","key":"t/a","ifRevision":0}]}`);
    // The delete's condition does not hold any more: t/a is there.
    expect(received.status).toBe(409);
    const again = await transact(`{"if":[{"key":"t/a","exists":false},{"key":"t/old","value":"x"}],"then":[
      {"op":"put","key":"t/a","value":"grün","contentType":"text/plain"},
      {"op":"put","key":"t/b","base64":"/wA=","ttl":"1h"},
      {"op":"increment","key":"t/n","by":"9223372036854775807"},
      {"op":"append","key":"t/old","value":"yz"},
      {"op":"get","key":"t/a"},{"op":"get","key":"t/b"},{"op":"get","key":"t/none"},
      {"op":"touch","key":"t/b","ttl":"none"},
      {"op":"delete","key":"t/a"}]}`);
    const { revision } = answerIn(again);
    expect(answerIn(again)).toEqual({
      branch: 'then',
      results: [
        { status: 201, revision },
        { status: 201, revision },
        { status: 200, revision, value: '9223372036854775807' },
        { status: 200, revision, bytes: 3 },
        { status: 200, value: 'grün', contentType: 'text/plain', revision },
        {
          status: 200,
          base64: '/wA=',
          contentType: 'application/octet-stream',
          revision,
          expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
        },
        { status: 404, code: 'not-found' },
        { status: 200, revision },
        { status: 204, revision },
      ],
      revision,
    });
    expect([again.headers['chorus-consistency'], again.headers.etag]).toEqual(['linearizable', undefined]);
    expect(Number(again.headers['chorus-revision'])).toBeGreaterThanOrEqual(Number(revision));
    expect([(await get('t/old')).text, (await get('t/a')).status]).toEqual(['xyz', 404]);
  });

  test('takes the other branch when a compare does not hold', async () => {
    const first = await put('t/compared', 'x');
    const body = (revision: unknown) =>
      `{"if":[{"key":"t/compared","revision":${revision}}],"then":[{"op":"put","key":"t/branch","value":"then"}],"else":[{"op":"get","key":"t/compared"}]}`;
    expect(answerIn(await transact(body(1)))).toMatchObject({ branch: 'else', results: [{ status: 200, value: 'x' }] });
    expect((await get('t/branch')).status).toBe(404);
    const revision = first.headers.etag?.replaceAll('"', '');
    expect(answerIn(await transact(body(revision)))).toMatchObject({ branch: 'then', results: [{ status: 201 }] });
    expect(answerIn(await transact('{"if":[{"key":"t/none","exists":true}]}'))).toMatchObject({
      branch: 'else',
      results: [],
    });
  });

  test('changes nothing when an operation is rejected, and says which', async () => {
    await put('t/text', 'x');
    const body =
      '{"then":[{"op":"put","key":"t/undone","value":"1"},{"op":"increment","key":"t/text"},{"op":"get","key":"t/text"}]}';
    const received = await transact(body, { 'idempotency-key': 'failing' });
    expect(received.status).toBe(409);
    expect(problemIn(received)).toMatchObject({
      code: 'transaction-failed',
      field: 'then[1]',
      branch: 'then',
      item: 1,
      result: { status: 409, code: 'not-an-integer' },
      outcome: 'not-applied',
    });
    expect((await get('t/undone')).status).toBe(404);
    await put('t/text', '1');
    const repeat = await transact(body, { 'idempotency-key': 'failing' });
    expect([repeat.status, repeat.headers['idempotency-replayed']]).toEqual([409, 'true']);
    expect(problemIn(repeat)).toMatchObject({ item: 1, result: { status: 409, code: 'not-an-integer' } });
  });

  test('says the revision that stood in the way', async () => {
    const { headers } = await put('t/held', 'x');
    const received = await transact('{"else":[],"then":[{"op":"delete","key":"t/held","ifRevision":1}]}');
    const revision = Number(headers.etag?.replaceAll('"', ''));
    expect(problemIn(received)).toMatchObject({ item: 0, result: { status: 412, code: 'condition-failed', revision } });
  });

  test('is applied once under an id; a repeat answers without the values it read', async () => {
    const body = '{"then":[{"op":"increment","key":"t/once","by":5},{"op":"get","key":"t/once"}]}';
    const [first, repeat] = [
      await transact(body, { 'idempotency-key': 'once' }),
      await transact(body, { 'idempotency-key': 'once' }),
    ];
    const { revision } = answerIn(first);
    const increment = { status: 200, revision, value: '5' };
    expect(answerIn(first)).toMatchObject({ results: [increment, { status: 200, value: '5', revision }] });
    expect(answerIn(repeat)).toEqual({ branch: 'then', results: [increment, { status: 200, revision }], revision });
    expect([first.headers['idempotency-replayed'], repeat.headers['idempotency-replayed']]).toEqual([
      undefined,
      'true',
    ]);
    expect((await get('t/once')).text).toBe('5');
    const other = await transact(body.replace('5', '6'), { 'idempotency-key': 'once' });
    expect([other.status, problemIn(other).code]).toEqual([422, 'id-reused']);
  });

  test('is too large for the log, though its JSON is not', async () => {
    const value = 'x'.repeat(800_000);
    const received = await transact(
      JSON.stringify({
        else: [
          { op: 'put', key: 'a', value },
          { op: 'put', key: 'b', value },
        ],
      }),
    );
    expect([received.status, problemIn(received).code]).toEqual([413, 'value-too-large']);
  });
});

describe('a body of JSON', () => {
  const ok = '{"then":[]}';
  test.each<[string, string | Uint8Array, Record<string, string>, number, string]>([
    ['without a type', ok, { 'content-type': '' }, 415, 'unsupported-media-type'],
    ["of curl's type", ok, { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media-type'],
    ['of a like type', ok, { 'content-type': 'application/jsonp' }, 415, 'unsupported-media-type'],
    ['for a client that takes none', ok, { accept: 'text/html' }, 406, 'not-acceptable'],
    ['compressed', ok, { 'content-encoding': 'gzip' }, 415, 'unsupported-encoding'],
    ['under a condition', ok, { 'if-match': '"7"' }, 400, 'invalid-header'],
    ['under a condition that excludes', ok, { 'if-none-match': '*' }, 400, 'invalid-header'],
    ['that is empty', '', {}, 400, 'invalid-body'],
    ['that is cut off', '{"then":[', {}, 400, 'invalid-body'],
    ['that is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'invalid-body'],
    ['that is too large', Buffer.alloc(JSON_LIMITS.maxBodyBytes + 1, ' '), {}, 413, 'body-too-large'],
  ])('%s is refused', async (_, body, headers, status, code) => {
    const received = await transact(body, headers);
    expect([received.status, problemIn(received).code]).toEqual([status, code]);
  });

  test('with parameters of its type, and as large as it may be, is taken', async () => {
    const body = ok.padEnd(JSON_LIMITS.maxBodyBytes, ' ');
    const received = await transact(body, { 'content-type': 'Application/JSON; charset=utf-8' });
    expect(answerIn(received)).toMatchObject({ branch: 'then', results: [] });
  });

  test('says where it is wrong, without repeating it', async () => {
    const received = await transact('{"then": secret}');
    expect(problemIn(received).detail).toBe('The body is not valid JSON.');
    expect(problemIn(await transact('{"then":[{"op":"put","key":"a","vlaue":""}]}'))).toMatchObject({
      field: 'then[0].vlaue',
      detail: expect.stringContaining('did you mean "value"?'),
    });
  });

  test('is for POST alone', async () => {
    for (const path of ['/v1/transactions', '/v1/batch']) {
      const received = await send(running.url, 'GET', path);
      expect([received.status, received.headers.allow]).toEqual([405, 'POST, OPTIONS']);
    }
    expect(problemIn(await transact(ok, {}, '?consistency=session')).code).toBe('unknown-parameter');
  });
});

describe('a delete of a prefix', () => {
  test('deletes what begins with it and says how many', async () => {
    for (const key of ['p/1', 'p/2', 'p', 'q']) await put(key, 'x');
    const received = await remove('?prefix=p%2F', { 'idempotency-key': 'prefix' });
    expect(answerIn(received)).toEqual({ deleted: 2, more: false });
    expect(received.headers['chorus-consistency']).toBe('linearizable');
    await put('p/3', 'x');
    const repeat = await remove('?prefix=p/', { 'idempotency-key': 'prefix' });
    expect(answerIn(repeat)).toEqual({ deleted: 2, more: false });
    expect(repeat.headers['idempotency-replayed']).toBe('true');
    expect(await Promise.all(['p/1', 'p/3', 'p', 'q'].map(async (key) => (await get(key)).status))).toEqual([
      404, 200, 200, 200,
    ]);
  });

  test.each([
    ['', 'invalid-parameter'],
    ['?prefix=', 'invalid-parameter'],
    ['?prefix=&all=false', 'invalid-parameter'],
    ['?prefix=&all=yes', 'invalid-parameter'],
    [`?prefix=${'x'.repeat(1025)}`, 'invalid-parameter'],
    ['?prefx=a', 'unknown-parameter'],
    ['?prefix=p&limit=1', 'unknown-parameter'],
  ])('%s is refused', async (query, code) => {
    const received = await remove(query);
    expect([received.status, problemIn(received).code]).toEqual([400, code]);
  });

  test('takes neither a body nor a condition', async () => {
    const headers = { 'if-match': '*' };
    expect(problemIn(await remove('?prefix=p', headers)).code).toBe('invalid-header');
    const received = await send(running.url, 'DELETE', '/v1/keys?prefix=p', { body: 'x' });
    expect(problemIn(received).code).toBe('unexpected-body');
  });

  test('deletes every key only when told so', async () => {
    const received = await remove('?all=true');
    expect(answerIn(received)).toMatchObject({ more: false });
    expect(JSON.parse((await send(running.url, 'GET', '/v1/keys')).text)).toMatchObject({ keys: [] });
  });
});

test('a command that not every live member knows is not appended', async () => {
  const old = await startRunningNode({
    see: (node) =>
      overriding(node, {
        submit: async () => ({ kind: 'refused', id: 'an-id', reason: 'feature-not-enabled', isUnknown: false }),
      }),
  });
  const received = await send(old.url, 'DELETE', '/v1/keys?prefix=a');
  expect(received.status).toBe(501);
  expect(problemIn(received)).toMatchObject({ code: 'feature-not-enabled', outcome: 'not-applied', retryable: true });
  await old.stop();
});
