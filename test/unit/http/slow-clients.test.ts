// Clients that take their time: they are cut off in the end, and all others are served meanwhile.
import { afterEach, expect, test } from 'vitest';
import { LONG_VALUE, SLOW_KINDS, SlowCrowd } from '../../drill/edge/slow-crowd.ts';
import { type RunningNode, send, startRunningNode } from './running-node.ts';

let running: RunningNode | undefined;
let crowd: SlowCrowd | undefined;
let dripping: NodeJS.Timeout | undefined;

afterEach(async () => {
  clearInterval(dripping);
  crowd?.close();
  await running?.stop();
});

test('slow clients of every kind are cut off, and every good request is answered meanwhile', async () => {
  // Each of the last sends sixteen requests: of more than TURN_LIMITS.requests in one turn some are refused, with answers that are soon taken.
  const opened = { silent: 50, head: 50, body: 50, taking: 5 };
  const limits = { headersTimeoutMs: 500, requestTimeoutMs: 1000, takeTimeoutMs: 1000 };
  running = await startRunningNode({ http: { limits } });
  const { url, server } = running;
  await send(url, 'PUT', LONG_VALUE.target, { body: Buffer.alloc(LONG_VALUE.bytes, 'x') });
  const slow = new SlowCrowd(server.port);
  crowd = slow;
  for (const kind of SLOW_KINDS) for (let n = 0; n < opened[kind]; n++) slow.open(kind, 'once');
  dripping = setInterval(() => slow.drip(), 100);
  const isAllOver = () => SLOW_KINDS.every((kind) => slow.cutOff[kind] === opened[kind]);
  let served = 0;
  const deadlineMs = performance.now() + 60_000;
  while (!isAllOver() && performance.now() < deadlineMs) {
    const body = String(served);
    expect((await send(url, 'PUT', '/v1/keys/good', { body })).status).toBeLessThan(300);
    expect((await send(url, 'GET', '/v1/keys/good')).text).toBe(body);
    served++;
  }
  expect(slow.cutOff).toEqual(opened);
  expect(served).toBeGreaterThan(10);
  // Those whose request has begun are told why.
  expect(slow.told).toBeGreaterThanOrEqual(opened.body);
});

test('connections beyond the limit are closed as they come, and those that are there go on', async () => {
  running = await startRunningNode({ http: { limits: { maxConnections: 10 } } });
  const slow = new SlowCrowd(running.server.port);
  crowd = slow;
  for (let n = 0; n < 30; n++) slow.open('silent', 'once');
  await expect.poll(() => slow.cutOff.silent).toBe(20);
  expect(slow.held).toBe(10);
});
