// GET /v1/watch on a real node: events in order with their ids, going on where one left off, and the ends of a stream.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventStream } from '../../suites/event-stream.ts';
import { overriding, problemIn, type RunningNode, send, startRunningNode } from './running-node.ts';

let running: RunningNode;
beforeAll(async () => {
  running = await startRunningNode({ history: { maxEvents: 200, maxBytes: 64 * 1024 * 1024 } });
});
afterAll(() => running?.stop());

const write = (method: string, target: string, body?: string | Uint8Array, headers: Record<string, string> = {}) =>
  send(running.url, method, `/v1/keys/${target}`, body === undefined ? { headers } : { body, headers });
const watch = (query: string, headers?: Record<string, string>) =>
  EventStream.open(running.url, `/v1/watch${query}`, headers);
const revisionOf = async (key: string, body = 'v') =>
  Number((await write('PUT', key, body)).headers['chorus-revision']);

test('what happens to the keys of a prefix is told in order, each with its revision', async () => {
  const stream = await watch('?prefix=story%2F');
  expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
  await write('PUT', 'story/a', 'one', { 'content-type': 'text/plain' });
  await write('PUT', 'elsewhere', 'x');
  await write('PUT', 'story/b?ttl=1h', Buffer.from([0xff]));
  await write('POST', 'story/n?op=increment');
  await write('POST', 'story/a?op=append', ' two');
  await write('POST', 'story/b?op=touch&ttl=none');
  await write('DELETE', 'story/a');
  await write('DELETE', 'story/a');
  await write('PUT', 'story/%C3%A9?ttl=1ms', 'line\nline');
  const events = await stream.take(8);
  stream.close();
  for (const { id, data } of events) expect(id).toBe(`${data.revision}.0`);
  const revisions = events.map(({ data }) => Number(data.revision));
  expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  const revision = expect.any(Number);
  const expiresAt = expect.stringMatching(/^\d{4}-.*Z$/);
  expect(events.map(({ event, data }) => [event, data])).toEqual([
    ['put', { key: 'story/a', revision, contentType: 'text/plain', value: 'one' }],
    ['put', { key: 'story/b', revision, expiresAt, contentType: 'application/octet-stream', base64: '/w==' }],
    ['put', { key: 'story/n', revision, contentType: 'text/plain; charset=utf-8', value: '1' }],
    ['put', { key: 'story/a', revision, contentType: 'text/plain', value: 'one two' }],
    ['touch', { key: 'story/b', revision }],
    ['delete', { key: 'story/a', revision }],
    ['put', { key: 'story/é', revision, expiresAt, contentType: 'application/octet-stream', value: 'line\nline' }],
    ['expire', { key: 'story/é', revision }],
  ]);
});

describe('a stream goes on', () => {
  test('after a revision, after an event, and by Last-Event-ID rather than since', async () => {
    const [first, second, third] = [await revisionOf('on/1'), await revisionOf('on/2'), await revisionOf('on/3')];
    const cases: [string, Record<string, string>, number][] = [
      [`&since=${first - 1}`, {}, first],
      [`&since=${first}`, {}, second],
      [`&since=${second}.0`, {}, third],
      [`&since=${first - 1}`, { 'last-event-id': `${second}` }, third],
      [`&since=${second}`, { 'last-event-id': '' }, third],
    ];
    for (const [query, headers, next] of cases) {
      const stream = await watch(`?prefix=on/${query}`, headers);
      const [event] = await stream.take(1);
      stream.close();
      expect(event?.data.revision).toBe(next);
    }
  });

  test('from the place that its first block names, though it has had no event', async () => {
    const revision = await revisionOf('quiet/1');
    const stream = await watch('?prefix=quiet/');
    await stream.until('first block', () => stream.lastId !== '');
    stream.close();
    expect(Number(stream.lastId)).toBeGreaterThanOrEqual(revision);
    expect(stream.events).toEqual([]);
    await revisionOf('quiet/2');
    const again = await watch('?prefix=quiet/', { 'last-event-id': stream.lastId });
    expect((await again.take(1))[0]?.data.key).toBe('quiet/2');
    again.close();
  });

  test('when a revision that lies ahead was passed', async () => {
    const revision = await revisionOf('ahead/1');
    const stream = await watch(`?prefix=ahead/&since=${revision + 50}`);
    for (let n = 2; n < 60; n++) await revisionOf(`ahead/${n}`);
    const [event] = await stream.take(1);
    stream.close();
    expect(Number(event?.data.revision)).toBeGreaterThan(revision + 50);
    expect(Number(event?.data.revision)).toBeLessThanOrEqual(revision + 60);
  });
});

test('events that are no longer kept are 410, with the revision to go on from', async () => {
  for (let n = 0; n < 210; n++) await revisionOf(`gone/${n}`);
  const answer = await send(running.url, 'GET', '/v1/watch?since=1');
  const problem = problemIn(answer);
  expect([answer.status, problem.code, problem.field]).toEqual([410, 'history-gone', 'since']);
  expect(problem.revision).toBeGreaterThan(200);
  const oldest = await watch(`?since=${problem.oldest}`);
  await oldest.take(200);
  oldest.close();
});

test('a thousand watchers are each told everything once, in order', async () => {
  const streams: EventStream[] = [];
  for (let n = 0; n < 1000; n++) streams.push(await watch('?prefix=many/'));
  const revisions = [];
  for (let n = 0; n < 20; n++) revisions.push(await revisionOf(`many/${n}`));
  for (const stream of streams) {
    const events = await stream.take(20, 30_000);
    expect(events.map(({ data }) => data.revision)).toEqual(revisions);
    stream.close();
  }
  await expect.poll(() => running.node.metrics().watchers).toBe(0);
}, 60_000);

test('a reader that does not read is cut off with an event that says so, and the others are not held up', async () => {
  const [slow, quick] = [await watch('?prefix=flood/'), await watch('?prefix=flood/')];
  slow.pause();
  const text = 'x'.repeat(500_000);
  const before = running.node.metrics().watchersCutOff;
  for (let n = 0; running.node.metrics().watchersCutOff === before; n++) {
    await write('PUT', `flood/${n}`, text);
    await quick.take(1);
    expect(n).toBeLessThan(400);
  }
  slow.resume();
  await slow.until('end', () => slow.ending !== undefined);
  quick.close();
  const last = slow.events.at(-1);
  expect([slow.ending, last?.event, last?.data.reason]).toEqual(['whole', 'end', 'slow']);
  // What it had taken before has no gap, and the end names its last place.
  const told = slow.events.slice(0, -1).map(({ data }) => data.key);
  expect(told).toEqual(told.map((_, n) => `flood/${n}`));
  expect(last?.data.since).toBe(last?.id);
}, 60_000);

test('a stopping node ends its streams whole, and says so', async () => {
  const stopping = await startRunningNode();
  const stream = await EventStream.open(stopping.url, '/v1/watch');
  await stopping.node.stop();
  await stream.until('end', () => stream.ending !== undefined);
  await stopping.server.close(100);
  expect([stream.ending, stream.events.at(-1)?.data.reason]).toEqual(['whole', 'stopping']);
});

test('HEAD has the headers alone', async () => {
  const head = await send(running.url, 'HEAD', '/v1/watch');
  expect([head.status, head.headers['content-type'], head.text]).toEqual([200, 'text/event-stream', '']);
});

describe('what cannot be asked is refused', () => {
  test.each([
    ['since=x', 'since'],
    ['since=', 'since'],
    ['since=1.', 'since'],
    ['since=-1', 'since'],
    ['prefix=%ff', 'query'],
    ['limit=1', 'limit'],
  ])('%s is 400', async (query, field) => {
    const answer = await send(running.url, 'GET', `/v1/watch?${query}`);
    expect([answer.status, problemIn(answer).field]).toEqual([400, field]);
  });

  test('another Last-Event-ID 400, another method 405, another type 406', async () => {
    const bad = await send(running.url, 'GET', '/v1/watch', { headers: { 'last-event-id': 'x' } });
    expect([bad.status, problemIn(bad).field]).toEqual([400, 'Last-Event-ID']);
    expect((await send(running.url, 'POST', '/v1/watch')).status).toBe(405);
    expect((await send(running.url, 'GET', '/v1/watch', { headers: { accept: 'text/html' } })).status).toBe(406);
  });

  test('a node that is replaying tells nothing: 503', async () => {
    const refusing = await startRunningNode({
      see: (node) => overriding(node, { watch: () => ({ kind: 'refused', reason: 'replaying' }) }),
    });
    const answer = await send(refusing.url, 'GET', '/v1/watch');
    await refusing.stop();
    expect([answer.status, problemIn(answer).code]).toEqual([503, 'replaying']);
  });
});
