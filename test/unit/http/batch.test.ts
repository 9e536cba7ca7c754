// POST /v1/batch on a real node: every item with its own status, in order, once under the pair of the request's id and its place.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REQUEST_LIMITS } from '../../../src/base/limits.ts';
import type { NodeApi } from '../../../src/node/node-api.ts';
import type { WriteRequest } from '../../../src/node/requests.ts';
import { overriding, problemIn, type Received, type RunningNode, send, startRunningNode } from './running-node.ts';

type Results = { readonly results: readonly Readonly<Record<string, unknown>>[]; readonly revision: number };

let running: RunningNode;
const submitted: WriteRequest[] = [];
/** What the node answers instead, when it is set. */
let instead: Partial<NodeApi> = {};
beforeAll(async () => {
  running = await startRunningNode({
    see: (node) =>
      overriding(node, {
        refusal: (kind) => (instead.refusal ?? node.refusal.bind(node))(kind),
        read: (request) => (instead.read ?? node.read.bind(node))(request),
        submit: (request) => {
          submitted.push(request);
          return (instead.submit ?? node.submit.bind(node))(request);
        },
      }),
  });
});
afterAll(() => running?.stop());

const batch = (items: readonly unknown[], headers: Record<string, string> = {}, query = '') =>
  send(running.url, 'POST', `/v1/batch${query}`, {
    body: JSON.stringify({ items }),
    headers: { 'content-type': 'application/json', ...headers },
  });

function resultsIn(received: Received): Results {
  expect([received.status, received.headers['content-type']]).toEqual([200, 'application/json']);
  return JSON.parse(received.text) as Results;
}

test('each item has its own status, and a rejected one stops no other', async () => {
  const received = await batch([
    { op: 'put', key: 'a', value: 'x', contentType: 'text/plain' },
    { op: 'get', key: 'a' },
    { op: 'put', key: 'a', value: 'y', ifRevision: 1 },
    { op: 'put', key: 'a', value: 'y' },
    { op: 'append', key: 'a', base64: '/w==' },
    { op: 'increment', key: 'a' },
    { op: 'delete', key: 'none' },
    { op: 'touch', key: 'a', ttl: '1h' },
    { op: 'get', key: 'a' },
    { op: 'get', key: 'a', ifRevision: 1 },
    { op: 'get', key: 'none' },
    { op: 'delete', key: 'a' },
  ]);
  const { results, revision } = resultsIn(received);
  const first = Number(results[0]?.revision);
  expect(results).toEqual([
    { status: 201, revision: first },
    { status: 200, value: 'x', contentType: 'text/plain', revision: first },
    { status: 412, code: 'condition-failed', revision: first },
    { status: 200, revision: first + 2 },
    { status: 200, revision: first + 3, bytes: 2 },
    { status: 409, code: 'not-an-integer' },
    { status: 404, code: 'not-found' },
    { status: 200, revision: first + 6 },
    {
      status: 200,
      base64: 'ef8=',
      contentType: 'application/octet-stream',
      revision: first + 6,
      expiresAt: expect.stringMatching(/Z$/),
    },
    { status: 412, code: 'condition-failed', revision: first + 6 },
    { status: 404, code: 'not-found' },
    { status: 204, revision: first + 7 },
  ]);
  expect(revision).toBeGreaterThanOrEqual(first + 7);
});

test('an empty batch is answered; a malformed item refuses all of it', async () => {
  expect(resultsIn(await batch([])).results).toEqual([]);
  const received = await batch([
    { op: 'put', key: 'never', value: '' },
    { op: 'put', key: 'b' },
  ]);
  expect([received.status, problemIn(received).field]).toEqual([400, 'items[1]']);
  expect((await send(running.url, 'GET', '/v1/keys/never')).status).toBe(404);
  const many = new Array(1001).fill({ op: 'get', key: 'a' });
  expect((await batch(many)).status).toBe(413);
  expect(resultsIn(await batch(many.slice(1))).results.length).toBe(1000);
});

describe('under an id', () => {
  test('each item is applied once, and a repeat gets the first outcomes', async () => {
    const items = [
      { op: 'increment', key: 'n', by: 2 },
      { op: 'get', key: 'n' },
      { op: 'increment', key: 'n', by: 3 },
    ];
    const headers = { 'idempotency-key': 'batch' };
    const [first, repeat] = [await batch(items, headers), await batch(items, headers)];
    expect(resultsIn(first).results.map(({ value }) => value)).toEqual(['2', '2', '5']);
    expect(resultsIn(repeat).results.map(({ value }) => value)).toEqual(['2', '5', '5']);
    expect([first.headers['idempotency-replayed'], repeat.headers['idempotency-replayed']]).toEqual([
      undefined,
      'true',
    ]);
    const changed = await batch([{ op: 'increment', key: 'n', by: 4 }, ...items.slice(1)], headers);
    expect(resultsIn(changed).results.map(({ status }) => status)).toEqual([422, 200, 200]);
    expect(changed.headers['idempotency-replayed']).toBeUndefined();
  });

  test('the ids of the items are pairs that no id from outside can be, however long the id is', async () => {
    const items = new Array(1000).fill({ op: 'delete', key: 'none' });
    for (const length of [1, 250, 251, 252, 255]) {
      submitted.length = 0;
      await batch(items, { 'idempotency-key': 'i'.repeat(length) });
      const ids = submitted.map(({ id = '' }) => id);
      expect(new Set(ids).size).toBe(items.length);
      expect(ids.every((id) => id.includes(' ') && id.length <= REQUEST_LIMITS.maxIdLength)).toBe(true);
    }
    submitted.length = 0;
    await batch(items.slice(0, 2));
    expect(submitted.map(({ id }) => id)).toEqual([undefined, undefined]);
  });
});

describe('consistency', () => {
  test('is that of the reads, and linearizable where there are none', async () => {
    const put = { op: 'put', key: 'c', value: 'x' };
    const get = { op: 'get', key: 'c' };
    const levels = [
      await batch([put]),
      await batch([put, get]),
      await batch([get], {}, '?consistency=linearizable'),
      await batch([get], { 'chorus-min-revision': '1' }),
    ].map(({ headers }) => headers['chorus-consistency']);
    expect(levels).toEqual(['linearizable', 'eventual', 'linearizable', 'session']);
    const late = await batch([put, get], { 'chorus-min-revision': '1000000' }, '?timeout=200ms');
    expect(resultsIn(late).results).toMatchObject([{ status: 200 }, { status: 504, code: 'revision-not-reached' }]);
  });

  test('one batch reads at most so many bytes of values', async () => {
    await send(running.url, 'PUT', '/v1/keys/large', { body: 'x'.repeat(2 ** 20) });
    const { results } = resultsIn(await batch(new Array(17).fill({ op: 'get', key: 'large' })));
    expect(results.map(({ status }) => status)).toEqual([...new Array(16).fill(200), 413]);
    expect(results[16]).toEqual({ status: 413, code: 'batch-too-large' });
  });
});

describe('a node that cannot', () => {
  test('take writes refuses the whole batch, so that another node may take it', async () => {
    instead = { refusal: () => 'paused' };
    const received = await batch([{ op: 'get', key: 'a' }]);
    instead = {};
    expect([received.status, received.headers['retry-after']]).toEqual([503, '1']);
    expect(problemIn(received)).toMatchObject({ code: 'paused', outcome: 'not-applied' });
  });

  test('see an item through says so of the item, and the id by which to ask again', async () => {
    instead = { submit: async () => ({ kind: 'timed-out', id: 'x', isUnknown: true }) };
    const received = await batch(
      [
        { op: 'delete', key: 'a' },
        { op: 'get', key: 'none' },
      ],
      { 'idempotency-key': 'asked' },
    );
    instead = {};
    expect(resultsIn(received)).toMatchObject({
      results: [
        { status: 504, code: 'timed-out', outcome: 'unknown' },
        { status: 404, code: 'not-found' },
      ],
      id: 'asked',
    });
  });
});
