// The gateway before nodes that refuse, hang, die and lag: what it tries again, and with whom.
import { expect, test, vi } from 'vitest';
import { systemWorld } from '../../../src/base/system-world.ts';
import { setGatewayScene } from './gateway-scene.ts';
import { answers, dies, hangs, refuses } from './upstreams.ts';

const scene = setGatewayScene();
const { put, get, all, inTurn, counts, seen } = scene;

test('a node that is not ready gets nothing, and gets its turn again once it is', async () => {
  const [first] = scene.nodes;
  if (first === undefined) return;
  first.readiness = 503;
  await vi.waitFor(() => expect(scene.ready.has('node-1')).toBe(false));
  for (let n = 0; n < 4; n++) await (await get('/v1/keys/a')).text();
  expect(counts()).toEqual([0, 2, 2]);
  first.readiness = 200;
  await vi.waitFor(() => expect(scene.ready.has('node-1')).toBe(true));
  for (let n = 0; n < 3; n++) await (await get('/v1/keys/a')).text();
  expect(counts()).toEqual([1, 3, 3]);
});

test('a node that dies before or in the middle of a short answer is passed over, with the same body', async () => {
  inTurn(
    dies,
    (response, _, socket) => {
      response.writeHead(201, { 'Content-Length': '4' });
      response.write('ma');
      setImmediate(() => socket.resetAndDestroy());
    },
    answers({}, 201, 'made'),
  );
  const answer = await put('a', { body: 'x'.repeat(100_000) });
  expect([answer.status, await answer.text()]).toEqual([201, 'made']);
  expect(seen().map(({ body }) => body.length)).toEqual([100_000, 100_000, 100_000]);
});

test('nodes that refuse connections are passed over', async () => {
  await scene.nodes[0]?.stop();
  await scene.nodes[1]?.stop();
  for (let n = 0; n < 4; n++) expect((await put('a')).status).toBe(200);
  expect(counts()).toEqual([0, 0, 4]);
  await scene.nodes[0]?.start();
  await scene.nodes[1]?.start();
});

test('where all refuse, the gateway tries again until one takes it', async () => {
  inTurn(refuses, refuses, refuses, refuses, answers({}, 201));
  expect((await put('a')).status).toBe(201);
  expect(seen()).toHaveLength(5);
});

test('where all go on refusing, the last refusal is passed on when the time of the request is up', async () => {
  all(refuses);
  const answer = await put('a?timeout=300ms');
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toEqual({ code: 'replaying' });
  expect(seen().length).toBeGreaterThan(3);
});

test('where nobody can be reached the gateway says so itself, and that the outcome is unknown', async () => {
  for (const node of scene.nodes) await node.stop();
  const answer = await put('a?timeout=200ms', { headers: { 'Idempotency-Key': 'mine' } });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toMatchObject({
    code: 'unavailable',
    node: 'gateway',
    outcome: 'unknown',
    id: 'mine',
    retryable: true,
  });
  for (const node of scene.nodes) await node.start();
});

test('a hung node loses what waits for it to another, by the same id', async () => {
  inTurn(hangs, answers({}, 201));
  const answer = put('a');
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  for (const node of scene.nodes) if (node.seen.length > 0) node.readiness = undefined;
  expect((await answer).status).toBe(201);
  const [first, second] = seen().map(({ headers }) => headers['idempotency-key']);
  expect(second).toBe(first);
});

test('a node that is merely slow with one request keeps it', async () => {
  let finish = () => {};
  inTurn((response) => {
    finish = () => response.end('late');
  });
  const answer = get('/v1/keys/a');
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  // Two probes' time: the others have been answered meanwhile.
  await new Promise((resolve) => systemWorld.clock.after(600, () => resolve(undefined)));
  finish();
  expect(await (await answer).text()).toBe('late');
  expect(seen()).toHaveLength(1);
});

test.each([504, 429, 500, 412, 507])('a %d is final', async (status) => {
  all(answers({}, status, 'no'));
  const answer = await put('a');
  expect([answer.status, await answer.text()]).toEqual([status, 'no']);
  expect(seen()).toHaveLength(1);
});

test('a node that has not reached the gateway’s own token is passed over; the client’s own token is the client’s', async () => {
  all(answers({ 'Chorus-Revision': '7' }));
  await (await put('a')).text();
  inTurn(answers({}, 504), answers({}, 200, 'seen'));
  expect((await get('/v1/keys/a')).status).toBe(200);
  inTurn(answers({}, 504), answers({}, 200, 'seen'));
  expect((await get('/v1/keys/a', { headers: { 'Chorus-Min-Revision': '8' } })).status).toBe(504);
  all(answers({}, 504, 'none of us'));
  const answer = await get('/v1/keys/a');
  expect([answer.status, await answer.text()]).toEqual([504, 'none of us']);
});

test('long answers stream, and one that is cut in the middle is cut for the client too', async () => {
  let go = (_: 'on' | 'cut') => {};
  all((response, _, socket) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('first');
    go = (how) => (how === 'on' ? response.end('second') : socket.resetAndDestroy());
  });
  const whole = await get('/v1/watch');
  go('on');
  expect(await whole.text()).toBe('firstsecond');
  const cut = await get('/v1/watch');
  go('cut');
  await expect(cut.text()).rejects.toThrow();
  expect(seen()).toHaveLength(2);
});

test('a client that leaves frees the node, which stays ready', async () => {
  all(hangs);
  const leaving = new AbortController();
  const answer = get('/v1/keys/a', { signal: leaving.signal });
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  leaving.abort();
  await expect(answer).rejects.toThrow();
  all(answers());
  for (let n = 0; n < 6; n++) await (await get('/v1/keys/a')).text();
  expect(Math.min(...counts())).toBeGreaterThan(1);
});

test('closing ends streams of events in order, and frees their nodes', async () => {
  let isFreed = false;
  all((response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('first');
    response.once('close', () => {
      isFreed = true;
    });
  });
  const stream = await get('/v1/watch');
  await scene.gateway.close(60_000);
  expect(await stream.text()).toBe('first');
  await vi.waitFor(() => expect(isFreed).toBe(true));
});

test('closing finishes what is under way and takes nothing new', async () => {
  let finish = () => {};
  all((response) => {
    finish = () => response.end('done');
  });
  const answer = get('/v1/keys/a');
  await vi.waitFor(() => expect(seen()).toHaveLength(1));
  const closed = scene.gateway.close(5000);
  await expect(get('/v1/keys/b')).rejects.toThrow();
  finish();
  expect(await (await answer).text()).toBe('done');
  await closed;
});
