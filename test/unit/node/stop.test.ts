// The stop: what was taken is seen to its end, whoever waits is answered, the duty passes on, and nothing is left running.
import { describe, expect, test } from 'vitest';
import { NODE_LIMITS } from '../../../src/base/limits.ts';
import { sealed } from '../core/raw-frames.ts';
import { ACKNOWLEDGED, HANGS, increment, put, Scene, watch } from './scene.ts';

describe('an orderly stop', () => {
  test('sees through what was taken, refuses what comes, and leaves no timer behind', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: async () => 'append' as const }) });
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 300, answersAfterMs: 300 });
    const writes = [node.submit(increment('n'))];
    await scene.settle();
    writes.push(node.submit(increment('n')));
    const read = node.read('n');
    const stopped = watch(node.node.stop());
    const late = node.submit(increment('n'));
    const lateRead = node.read('n');
    await scene.settle();
    expect(late.value).toMatchObject({ kind: 'refused', reason: 'stopping', isUnknown: false });
    expect(lateRead.value).toEqual({ kind: 'refused', reason: 'stopping' });
    for (const kind of ['write', 'consistent-read', 'eventual-read'] as const) {
      expect(node.node.refusal(kind)).toBe('stopping');
    }
    expect(stopped.isSettled).toBe(false);
    await scene.move(1300);
    expect(writes.map((write) => write.value?.kind)).toEqual(['applied', 'applied']);
    expect(read.value).toBe('2');
    expect(stopped.isSettled).toBe(true);
    await scene.move(10_000);
    expect(scene.clock.timers).toBe(0);
    expect(scene.heartbeats('node-1').at(-1)?.isReady).toBe(false);
    expect(node.fatal).toBeUndefined();
  });

  test('says to the others that it is not ready any more', async () => {
    const { scene, node } = await ready();
    const other = await scene.startReady('node-2');
    const stopped = watch(node.node.stop());
    await scene.move(100);
    expect(stopped.isSettled).toBe(true);
    expect(other.node.cluster().members).toMatchObject([
      { node: 'node-1', ready: false, duty: false },
      { node: 'node-2', ready: true, duty: true },
    ]);
  });

  test('of an idle node, of one that replays, and of one that never started, takes no time', async () => {
    for (const when of ['ready', 'replaying', 'created'] as const) {
      const scene = new Scene();
      const node = scene.create('node-1');
      if (when === 'replaying') scene.fateOf = () => HANGS;
      if (when !== 'created') await node.node.start();
      if (when === 'ready') await scene.settle();
      const stopped = watch(node.node.stop());
      await scene.move(when === 'replaying' ? NODE_LIMITS.shutdownTimeoutMs : 100);
      expect(stopped.isSettled).toBe(true);
    }
  });
});

describe('a stop while the log hangs', () => {
  test('ends every wait after its time, each in its own way (W1)', async () => {
    const { scene, node } = await ready();
    const timeoutMs = 60_000;
    scene.fateOf = () => HANGS;
    const inFlight = node.submit(increment('n'), { timeoutMs });
    await scene.settle();
    const waiting = [
      node.submit(put('k', 'v'), { timeoutMs }),
      node.submit(put('k', 'v'), { timeoutMs, id: 'came-in' }),
    ];
    const reads = [
      node.read('k', { consistency: 'session', minRevision: 1_000_000, timeoutMs }),
      node.read('k', { minRevision: 1_000_000, timeoutMs }),
    ];
    const check = watch(node.node.checkDigests(timeoutMs));
    await scene.settle();
    const stopped = watch(node.node.stop());
    await scene.move(NODE_LIMITS.shutdownTimeoutMs - 1);
    expect([inFlight, ...waiting, ...reads, check, stopped].some((wait) => wait.isSettled)).toBe(false);
    await scene.move(NODE_LIMITS.stopPollMs + 1);
    expect(stopped.isSettled).toBe(true);
    expect(inFlight.value).toMatchObject({ kind: 'refused', reason: 'stopping', isUnknown: true });
    expect(waiting.map((write) => write.value)).toMatchObject([
      { kind: 'refused', reason: 'stopping', isUnknown: false },
      { kind: 'refused', reason: 'stopping', isUnknown: true },
    ]);
    const refused = { kind: 'refused', reason: 'stopping' };
    expect(reads.map((read) => read.value)).toEqual([refused, refused]);
    expect(check.isSettled).toBe(true);
  });

  test('ends reads that wait for a barrier', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: async () => 'append' as const }) });
    scene.fateOf = () => HANGS;
    const reads = [node.read('k', { timeoutMs: 60_000 })];
    await scene.settle();
    reads.push(node.read('k', { timeoutMs: 60_000 }));
    await scene.settle();
    void node.node.stop();
    await scene.move(NODE_LIMITS.shutdownTimeoutMs + NODE_LIMITS.stopPollMs);
    expect(reads.map((read) => read.isSettled)).toEqual([true, true]);
  });

  test('what it said was certainly not applied never lands', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 20_000, answersAfterMs: 20_000 });
    node.submit(increment('n'), { timeoutMs: 60_000 });
    await scene.settle();
    const waiting = node.submit(put('k', 'v'), { timeoutMs: 60_000 });
    void node.node.stop();
    await scene.move(60_000);
    expect(waiting.value).toMatchObject({ isUnknown: false });
    const other = await scene.start('node-2');
    await scene.move(60_000);
    expect(other.get('n')).toBe('1'); // Of this one it had said that nobody knows.
    expect(other.get('k')).toBeUndefined();
    expect(other.isReady).toBe(true);
  });
});

test('a node that ended itself stops at once, and answers whoever still waits', async () => {
  const { scene, node } = await ready();
  scene.fateOf = (handle) => (handle === 'outside' ? ACKNOWLEDGED : HANGS);
  const write = node.submit(increment('n'), { timeoutMs: 60_000 });
  await scene.settle();
  await scene.write(sealed(Uint8Array.of(1), 2)); // By a later version of the program.
  expect(node.fatal).toBeDefined();
  const stopped = watch(node.node.stop());
  await scene.settle();
  expect(stopped.isSettled).toBe(true);
  expect(write.value).toMatchObject({ kind: 'refused', reason: 'stopping', isUnknown: true });
});

async function ready(options: Parameters<Scene['startReady']>[1] = {}) {
  const scene = new Scene();
  const node = await scene.startReady('node-1', options);
  return { scene, node };
}
