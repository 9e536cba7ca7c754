// GET /v1/keys on a real node: pages in byte order, each key once, expired ones hidden, whatever cannot be asked refused.
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIST_LIMITS } from '../../../src/base/limits.ts';
import { overriding, problemIn, type Received, type RunningNode, send, startRunningNode } from './running-node.ts';

type Listed = {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
  readonly next: string | null;
  readonly revision: number;
};

let running: RunningNode;
beforeAll(async () => {
  running = await startRunningNode();
});
afterAll(() => running?.stop());

const get = (target: string, headers: Record<string, string> = {}) => send(running.url, 'GET', target, { headers });
const put = (key: string, body: string | Uint8Array = 'v', query = '', type = 'text/plain') =>
  send(running.url, 'PUT', `/v1/keys/${key}${query}`, { body, headers: { 'content-type': type } });

function pageIn(received: Received): Listed {
  expect([received.status, received.headers['content-type']]).toEqual([200, 'application/json']);
  return JSON.parse(received.text) as Listed;
}

function namesIn({ keys }: Listed): unknown[] {
  return keys.map(({ key }) => key);
}

/** All pages, by following the Link header. */
async function walk(first: string): Promise<{ names: unknown[]; pages: number }> {
  const names: unknown[] = [];
  let target: string | undefined = first;
  let pages = 0;
  for (; target !== undefined; pages++) {
    const received: Received = await get(target);
    const page = pageIn(received);
    names.push(...namesIn(page));
    const link: string | undefined = /^<(.*)>; rel="next"$/.exec(String(received.headers.link))?.[1];
    expect(link === undefined).toBe(page.next === null);
    if (link !== undefined) expect(link).toContain(encodeURIComponent(String(page.next)));
    target = link;
  }
  return { names, pages };
}

test('an entry says its revision, size, type and end of life, and its value when asked', async () => {
  const written = await put('shape/a', 'text', '?ttl=1h');
  await put('shape/b', Buffer.from([0xff, 0]), '', 'image/x');
  const revision = Number(written.headers['chorus-revision']);
  const plain = pageIn(await get('/v1/keys?prefix=shape/'));
  expect(plain).toEqual({
    keys: [
      {
        key: 'shape/a',
        revision,
        bytes: 4,
        contentType: 'text/plain',
        expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      { key: 'shape/b', revision: expect.any(Number), bytes: 2, contentType: 'image/x' },
    ],
    next: null,
    revision: expect.any(Number),
  });
  const { keys } = pageIn(await get('/v1/keys?prefix=shape/&values=true'));
  expect(keys.map(({ value, base64 }) => [value, base64])).toEqual([
    ['text', undefined],
    [undefined, '/wA='],
  ]);
});

test('pages of any size give each key once, in the order of the bytes', async () => {
  const keys = ['z', 'a', 'é', '😀', 'b/', 'b', 'b//', '\u{ff5e}', ...Array.from({ length: 40 }, (_, n) => `n${n}`)];
  for (const key of keys) await put(`order/${encodeURIComponent(key)}`);
  const sorted = keys.map((key) => `order/${key}`).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const limit of [1, 7, 48, 1000]) {
    const { names, pages } = await walk(`/v1/keys?prefix=order%2F&limit=${limit}`);
    expect(names).toEqual(sorted);
    expect(pages).toBe(Math.ceil(keys.length / limit));
  }
  expect((await walk('/v1/keys?prefix=order/n1&limit=3&values=true')).names).toEqual(
    sorted.filter((key) => key.startsWith('order/n1')),
  );
});

test('a page is not older than the one before, and shows what was put behind its cursor since', async () => {
  for (const key of ['a', 'c']) await put(`moving/${key}`);
  const first = pageIn(await get('/v1/keys?prefix=moving/&limit=1'));
  await put('moving/b');
  await put('moving/A');
  const answer = await get(`/v1/keys?prefix=moving/&cursor=${first.next}`);
  expect(answer.headers['chorus-consistency']).toBe('session');
  expect(namesIn(pageIn(answer))).toEqual(['moving/b', 'moving/c']);
  expect(pageIn(answer).revision).toBeGreaterThan(first.revision);
});

test('values of more than a page holds are given on further pages, at least one on each', async () => {
  const size = LIST_LIMITS.maxValueBytes / 2;
  for (const key of ['a', 'b', 'c', 'd']) await put(`large/${key}`, Buffer.alloc(key === 'd' ? 2 * size : size, 'x'));
  const first = pageIn(await get('/v1/keys?prefix=large/&values'));
  expect(namesIn(first)).toEqual(['large/a', 'large/b']);
  expect((await walk('/v1/keys?prefix=large/&values')).names).toHaveLength(4);
  expect(namesIn(pageIn(await get('/v1/keys?prefix=large/')))).toHaveLength(4);
});

test('expired keys are hidden and not counted, at every consistency', async () => {
  for (const key of ['a', 'b', 'c']) await put(`short/${key}`, 'v', '?ttl=30ms');
  await put('short/d');
  for (const consistency of ['eventual', 'session', 'linearizable']) {
    const target = `/v1/keys?prefix=short/&limit=1&consistency=${consistency}`;
    await expect.poll(async () => namesIn(pageIn(await get(target)))).toEqual(['short/d']);
  }
});

test.each([
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
] as const)(
  'a large page is compressed with %s for a client that takes it, a small one not',
  async (coding, unpack) => {
    for (let n = 0; n < 50; n++) await put(`packed/${n}`);
    const plain = await get('/v1/keys?prefix=packed/');
    const packed = await get('/v1/keys?prefix=packed/', { 'accept-encoding': coding });
    expect([packed.status, packed.headers['content-encoding']]).toEqual([200, coding]);
    expect([plain.headers['content-encoding'], plain.headers.vary]).toEqual([undefined, 'Accept-Encoding']);
    expect(JSON.parse(unpack(packed.bytes).toString()).keys).toEqual(JSON.parse(plain.text).keys);
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 3);
    expect([packed.headers['content-type'], packed.headers['chorus-node']]).toEqual(['application/json', 'node-1']);
    const small = await get('/v1/keys?prefix=packed/1&limit=1', { 'accept-encoding': coding });
    expect(small.headers['content-encoding']).toBeUndefined();
    const head = await send(running.url, 'HEAD', '/v1/keys?prefix=packed/', { headers: { 'accept-encoding': coding } });
    expect([head.status, head.text]).toEqual([200, '']);
  },
);

test('HEAD is GET without the body', async () => {
  const head = await send(running.url, 'HEAD', '/v1/keys?limit=1');
  const full = await get('/v1/keys?limit=1');
  expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', full.headers['content-length']]);
  expect(head.headers.link).toBe(full.headers.link);
});

describe('consistency', () => {
  test('a token that is not reached in time is 504', async () => {
    const answer = await get('/v1/keys?timeout=50ms', { 'chorus-min-revision': '1000000' });
    expect([answer.status, problemIn(answer).code]).toEqual([504, 'revision-not-reached']);
  });

  test('a linearizable page has what was written before it', async () => {
    await put('barrier/a');
    const answer = await get('/v1/keys?prefix=barrier/&consistency=linearizable');
    expect([answer.headers['chorus-consistency'], namesIn(pageIn(answer))]).toEqual(['linearizable', ['barrier/a']]);
  });

  test('a node that is replaying lists nothing', async () => {
    const list = async () => ({ kind: 'refused', reason: 'replaying' }) as const;
    const refusing = await startRunningNode({ see: (node) => overriding(node, { list }) });
    const answer = await send(refusing.url, 'GET', '/v1/keys');
    await refusing.stop();
    expect([answer.status, problemIn(answer).code]).toEqual([503, 'replaying']);
  });
});

describe('what cannot be asked is refused', () => {
  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=', 'limit'],
    ['cursor=', 'cursor'],
    ['cursor=abc', 'cursor'],
    ['values=maybe', 'values'],
    ['prefix=%ff', 'query'],
    [`prefix=${'a'.repeat(1025)}`, 'prefix'],
    ['consistency=strong', 'consistency'],
    ['prefx=a', 'prefx'],
  ])('%s is 400', async (query, field) => {
    const answer = await get(`/v1/keys?${query}`);
    expect([answer.status, problemIn(answer).field]).toEqual([400, field]);
  });

  test('a cursor of another prefix is 400', async () => {
    for (const key of ['a', 'ab', 'abc']) await put(`foreign/${key}`);
    const { next } = pageIn(await get('/v1/keys?prefix=foreign/&limit=1'));
    expect((await get(`/v1/keys?prefix=foreign/a&cursor=${next}`)).status).toBe(400);
  });

  test('another method is 405 with Allow, another type 406', async () => {
    const answer = await send(running.url, 'PUT', '/v1/keys', { body: '' });
    expect([answer.status, answer.headers.allow]).toEqual([405, expect.stringContaining('GET, HEAD')]);
    const wrong = await get('/v1/keys', { accept: 'text/html' });
    expect([wrong.status, problemIn(wrong).code]).toEqual([406, 'not-acceptable']);
  });
});
