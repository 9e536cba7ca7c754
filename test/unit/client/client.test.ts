// Tests of the client against a scripted HTTP server: what it sends, what it repeats, what it makes of the answers.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemWorld } from '../../../src/base/system-world.ts';
import { ChorusClient, ChorusError, type ClientOptions } from '../../../src/client/client.ts';

type Seen = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};
/** 'cut' ends the connection without an answer. */
type Reply = 'cut' | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that gives the replies one after the other, the last one again and again, and keeps what it was asked. */
async function scripted(...replies: readonly Reply[]): Promise<{ url: string; seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const reply = replies[Math.min(seen.length, replies.length - 1)];
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString('latin1') });
      if (reply === undefined || reply === 'cut') return request.socket.destroy();
      response.writeHead(reply.status, reply.headers);
      response.end(reply.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function clientOf(urls: readonly string[], options: Partial<ClientOptions> = {}): ChorusClient {
  const client = new ChorusClient({ baseUrls: urls, world: { ...systemWorld, random: () => 0 }, ...options });
  closers.push(() => client.close());
  return client;
}

const problem = (status: number, fields: Record<string, unknown>): Reply => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: JSON.stringify({ status, ...fields }),
});
const created: Reply = { status: 201, headers: { etag: '"7"', 'chorus-revision': '7' } };

test('a put sends the bytes, the type, the ttl, the condition and an id, and gives the revision', async () => {
  const { url, seen } = await scripted(created);
  const result = await clientOf([url]).put('city/DE/1 ä', new Uint8Array([0, 255, 10]), {
    ttlMs: 1500,
    ifAbsent: true,
  });
  expect(result).toEqual({ kind: 'created', revision: 7, isReplayed: false, attempts: 1 });
  expect(seen[0]).toMatchObject({
    method: 'PUT',
    url: '/v1/keys/city%2FDE%2F1%20%C3%A4?ttl=1500ms',
    body: '\x00\xff\n',
  });
  expect(seen[0]?.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'if-none-match': '*' });
  expect(seen[0]?.headers['idempotency-key']).toMatch(/^[\x21-\x7e]{10,255}$/);
});

test.each<[string, Reply]>([
  ['503', problem(503, { code: 'replaying', outcome: 'unknown' })],
  ['429', problem(429, { code: 'overloaded', outcome: 'unknown' })],
  ['an unknown 504', problem(504, { code: 'timed-out', outcome: 'unknown' })],
  ['a lost connection', 'cut'],
])('a write is repeated with the same id after %s', async (_name, reply) => {
  const replayed: Reply = { status: 200, headers: { etag: '"9"', 'idempotency-replayed': 'true' }, body: '12' };
  const { url, seen } = await scripted(reply, replayed);
  const result = await clientOf([url]).increment('hits', 2);
  expect(result).toEqual({ value: 12n, revision: 9, isReplayed: true, attempts: 2 });
  expect(seen.map((one) => one.url)).toEqual(Array(2).fill('/v1/keys/hits?op=increment&by=2'));
  expect(new Set(seen.map((one) => one.headers['idempotency-key'])).size).toBe(1);
});

test('the repetition goes to the next address at once, and later calls stay there', async () => {
  const bad = await scripted('cut');
  const good = await scripted(created);
  const client = clientOf([bad.url, good.url]);
  await client.put('a', 'x');
  await client.put('b', 'y');
  expect(bad.seen).toHaveLength(1);
  expect(good.seen).toHaveLength(2);
  expect(good.seen[0]?.headers['idempotency-key']).toBe(bad.seen[0]?.headers['idempotency-key']);
});

test('reads carry the highest revision seen, so that they never fall behind', async () => {
  const { url, seen } = await scripted(created, {
    status: 200,
    headers: { etag: '"7"', 'chorus-revision': '12' },
    body: 'x',
  });
  const client = clientOf([url]);
  await client.put('a', 'x');
  const found = await client.get('a');
  await client.get('a');
  expect(found).toMatchObject({ kind: 'found', revision: 7, expiresAt: undefined });
  expect(seen.map((one) => one.headers['chorus-min-revision'])).toEqual([undefined, '7', '12']);
  expect(client.token).toBe(12);
});

test('an eventual read carries no token', async () => {
  const { url, seen } = await scripted({ status: 200, headers: { etag: '"7"', 'chorus-revision': '7' }, body: 'x' });
  const client = clientOf([url], { isSession: false });
  await client.get('a');
  await client.get('a', { consistency: 'linearizable' });
  expect(seen.map((one) => one.headers['chorus-min-revision'])).toEqual([undefined, undefined]);
  expect(seen.map((one) => one.url)).toEqual(['/v1/keys/a', '/v1/keys/a?consistency=linearizable']);
});

test('binary values come back as they were stored', async () => {
  const { url } = await scripted({
    status: 200,
    headers: { etag: '"1"', 'content-type': 'image/png' },
    body: '\x00\x01',
  });
  const found = await clientOf([url]).get('a');
  expect(found).toMatchObject({ kind: 'found', contentType: 'image/png', revision: 1 });
  expect(found.kind === 'found' && [...found.value]).toEqual([0, 1]);
});

test('absence and failed conditions are results, not errors', async () => {
  const absent = await scripted(problem(404, { code: 'not-found' }));
  expect(await clientOf([absent.url]).get('a')).toEqual({ kind: 'absent' });
  expect(await clientOf([absent.url]).delete('a')).toEqual({ kind: 'absent' });
  expect(await clientOf([absent.url]).touch('a', 'none')).toEqual({ kind: 'absent' });
  const failed = await scripted({ status: 412, headers: { etag: '"5"' }, body: '{}' }, { status: 412, body: '{}' });
  const client = clientOf([failed.url]);
  expect(await client.put('a', 'x', { ifRevision: 4 })).toEqual({ kind: 'condition-failed', revision: 5 });
  expect(await client.delete('a', { ifRevision: 4 })).toEqual({ kind: 'condition-failed', revision: undefined });
  expect(failed.seen[0]?.headers['if-match']).toBe('"4"');
});

test('a final problem is an error with its code and the id of the write, and is not repeated', async () => {
  const { url, seen } = await scripted(problem(409, { code: 'not-an-integer', detail: 'The value is no int64.' }));
  const failure = clientOf([url]).increment('a', 1, { id: 'mine' });
  await expect(failure).rejects.toMatchObject({
    name: 'ChorusError',
    code: 'not-an-integer',
    message: 'The value is no int64.',
    status: 409,
    outcome: 'not-applied',
    id: 'mine',
  });
  expect(seen).toHaveLength(1);
});

test('past its deadline a write that may have been applied is said to be unknown', async () => {
  let nowMs = 0;
  const world = { ...systemWorld, random: () => 0, clock: { ...systemWorld.clock, monotonicMs: () => (nowMs += 400) } };
  const { url } = await scripted('cut');
  const failure = clientOf([url], { world, deadlineMs: 1000 }).put('a', 'x', { id: 'mine' });
  await expect(failure).rejects.toMatchObject({ code: 'deadline', outcome: 'unknown', id: 'mine', isRetryable: true });
});

test('past its deadline a write that never left is said to be not applied', async () => {
  let nowMs = 0;
  const world = { ...systemWorld, random: () => 0, clock: { ...systemWorld.clock, monotonicMs: () => (nowMs += 400) } };
  const { url } = await scripted('cut');
  for (const close of closers.splice(0)) close();
  const failure = clientOf([url], { world, deadlineMs: 1000 }).put('a', 'x');
  await expect(failure).rejects.toMatchObject({ code: 'deadline', outcome: 'not-applied' });
});

test('an address that is no Chorus node is told by a clear error', async () => {
  const { url } = await scripted({ status: 200, body: '<html>' });
  await expect(clientOf([url]).cluster()).rejects.toThrow(/is this address a Chorus node or its gateway/);
});

test.each(['', '.', '..', '\ud800'])(
  'the key %j, which a URL cannot carry, is refused before anything is sent',
  async (key) => {
    const { url, seen } = await scripted(created);
    await expect(clientOf([url]).put(key, 'x')).rejects.toThrow(ChorusError);
    expect(seen).toHaveLength(0);
  },
);
