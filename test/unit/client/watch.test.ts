// The client's watch against real nodes in this process, and against servers that break off, fall silent or have forgotten.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import {
  type Change,
  ChorusClient,
  HistoryGoneError,
  type Page,
  type WatchOptions,
} from '../../../src/client/client.ts';
import { type RunningNode, startRunningNode } from '../http/running-node.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function nodeOf(history = {}): Promise<RunningNode> {
  const running = await startRunningNode({ history });
  closers.push(() => running.stop());
  return running;
}

function clientOf(...baseUrls: readonly string[]): ChorusClient {
  const client = new ChorusClient({ baseUrls, deadlineMs: 20_000 });
  closers.push(() => client.close());
  return client;
}

/** A server that answers one request after the other, the last way again and again; `seen` are the ids that they came with. */
async function scripted(...replies: readonly ((response: ServerResponse) => void)[]) {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers['last-event-id']?.toString());
    replies[Math.min(seen.length, replies.length) - 1]?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const begun = (text: string) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(text);
};
const cut = (text: string) => (response: ServerResponse) => {
  begun(text)(response);
  response.write('', () => response.destroy());
};
const deletion = (id: string) =>
  `id: ${id}\nevent: delete\ndata: {"key":"k","revision":${Number.parseInt(id, 10)}}\n\n`;

/** The next changes of a watch, then its end. */
async function taken(client: ChorusClient, count: number, options: WatchOptions): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for await (const change of client.watch(options)) if (changes.push(change) === count) break;
  return changes;
}

test('every kind of change is told with its value, type and end of life', async () => {
  const { url } = await nodeOf();
  const client = clientOf(url);
  const { revision } = await client.put('w/start', '');
  await client.put('w/a', 'ä', { ttlMs: 60_000 });
  await client.put('w/b', Uint8Array.of(255));
  await client.touch('w/a', 'none');
  await client.put('other', 'x');
  await client.delete('w/b');
  const changes = await taken(client, 4, { prefix: 'w/', since: revision });
  const common = { revision: expect.any(Number), id: expect.stringMatching(/^\d+\.0$/) };
  expect(changes).toEqual([
    {
      ...common,
      kind: 'put',
      key: 'w/a',
      value: Buffer.from('ä'),
      contentType: 'text/plain; charset=utf-8',
      expiresAt: expect.stringMatching(/Z$/),
    },
    {
      ...common,
      kind: 'put',
      key: 'w/b',
      value: Buffer.of(255),
      contentType: 'application/octet-stream',
      expiresAt: undefined,
    },
    { ...common, kind: 'touch', key: 'w/a', expiresAt: undefined },
    { ...common, kind: 'delete', key: 'w/b' },
  ]);
  const [later] = await taken(client, 1, { prefix: 'w/', since: changes[2]?.id });
  expect(later).toEqual(changes[3]);
});

test('a stream that breaks off goes on after the last whole block, without one that came in part', async () => {
  const { url, seen } = await scripted(
    cut(`: hello\nid: 5\n\n${deletion('7.0')}${deletion('8.0')}id: 8.1\nevent: delete\ndata: {"key":"k`),
    cut(`id: 9\n\n`),
    begun(deletion('10.0')),
  );
  const changes = await taken(clientOf(url), 3, { since: 4 });
  expect(changes.map(({ id }) => id)).toEqual(['7.0', '8.0', '10.0']);
  expect(seen).toEqual(['4', '8.0', '9']);
});

test('a node that refuses, ends the stream or falls silent is left for the next', async () => {
  const farewell = `id: 6\nevent: end\ndata: {"reason":"stopping","detail":"","since":"6"}\n\n`;
  const first = await scripted(begun(deletion('3.0')), (response) => response.writeHead(503).end('{}'));
  const second = await scripted(
    (response) => {
      begun(deletion('5.0') + farewell)(response);
      response.end();
    },
    begun(deletion('7.0')),
  );
  const changes = await taken(clientOf(first.url, second.url), 3, { silenceMs: 200 });
  expect(changes.map(({ id }) => id)).toEqual(['3.0', '5.0', '7.0']);
  expect([first.seen, second.seen]).toEqual([
    [undefined, '6'],
    ['3.0', '6'],
  ]);
});

test('history that all nodes have lost is an error with the revision from which to begin anew, and listing does', async () => {
  const { url } = await nodeOf({ maxEvents: 10 });
  const client = clientOf(url, url);
  for (let n = 0; n < 30; n++) await client.put(`gone/${n}`, `${n}`);
  const failure = await taken(client, 1, { since: 1 }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(HistoryGoneError);
  expect(failure).toMatchObject({ code: 'history-gone', status: 410, oldest: expect.stringMatching(/^\d+\.0$/) });
  const { revision } = failure as HistoryGoneError;
  expect(revision).toBe(client.token);
  const pages: Page[] = [];
  for await (const page of client.list({ prefix: 'gone/', limit: 20 })) pages.push(page);
  expect(pages.map(({ keys }) => keys.length)).toEqual([20, 10]);
  await client.put('gone/new', 'x');
  const [change] = await taken(client, 1, { prefix: 'gone/', since: pages[0]?.revision });
  expect(change?.key).toBe('gone/new');
});

test('what another node still has is asked of it', async () => {
  const gone = JSON.stringify({ code: 'history-gone', detail: 'gone', revision: 9, oldest: '8.0' });
  const young = await scripted((response) => response.writeHead(410).end(gone));
  const old = await scripted(begun(deletion('5.0')));
  const [change] = await taken(clientOf(young.url, old.url), 1, { since: 4 });
  expect(change?.id).toBe('5.0');
});

test('a position that is none is refused at once', async () => {
  const { url } = await nodeOf();
  await expect(taken(clientOf(url), 1, { since: 'x' })).rejects.toMatchObject({ status: 400, code: 'invalid-header' });
});

test('a signal ends a watch that waits, and so does closing its client', async () => {
  const { url, node } = await nodeOf();
  const client = clientOf(url);
  const ending = new AbortController();
  const [first, second] = [taken(client, 1, { signal: ending.signal }), taken(client, 1, {})];
  await expect.poll(() => node.metrics().watchers).toBe(2);
  ending.abort();
  expect(await first).toEqual([]);
  await expect.poll(() => node.metrics().watchers).toBe(1);
  client.close();
  expect(await second).toEqual([]);
});

test('without any node the watch fails when its time is over', async () => {
  const watch = taken(clientOf('http://127.0.0.1:9'), 1, { since: '7.1', deadlineMs: 50 });
  await expect(watch).rejects.toMatchObject({
    code: 'deadline',
    isRetryable: true,
    message: expect.stringContaining('7.1'),
  });
});
