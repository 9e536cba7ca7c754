// Overload: what waits is bounded, what is beyond is told so and leaves nothing behind, and memory comes back afterwards.
import { describe, expect, test } from 'vitest';
import { NODE_LIMITS } from '../../../src/base/limits.ts';
import { ACKNOWLEDGED, type Actor, increment, put, Scene, type Watched } from './scene.ts';

describe('writes', () => {
  test('beyond the number that may wait are refused as overloaded, and the others are all done', async () => {
    const { scene, node, release } = await stuck();
    const taken = many(NODE_LIMITS.maxWaitingCommands, () => node.submit(increment('n')));
    const ownId = node.submit(increment('n'));
    const cameIn = node.submit(increment('n'), { id: 'came-in' });
    await scene.settle();
    expect(ownId.value).toMatchObject({ kind: 'refused', reason: 'overloaded', isUnknown: false });
    expect(cameIn.value).toMatchObject({ kind: 'refused', reason: 'overloaded', isUnknown: true });
    expect(node.node.metrics().waitingCommands).toBe(NODE_LIMITS.maxWaitingCommands);
    await release();
    expect(taken.every((write) => write.value?.kind === 'applied')).toBe(true);
    expect(node.get('n')).toBe(String(NODE_LIMITS.maxWaitingCommands));
    expect(node.node.metrics()).toMatchObject({ waitingCommands: 0, waitingBytes: 0 });
  });

  test('beyond the bytes that may wait are refused as overloaded, smaller ones are still taken', async () => {
    const { scene, node, release } = await stuck();
    const value = new Uint8Array(1024 * 1024);
    const wanted = NODE_LIMITS.maxWaitingBytes / value.length;
    const writes = many(wanted, (at) => node.submit(put(`k${at}`, value), { timeoutMs: 60_000 }));
    await scene.settle();
    const refused = writes.filter((write) => write.isSettled);
    // The heads of the others are in the bytes too.
    expect(refused.map((write) => write.value)).toMatchObject([{ kind: 'refused', reason: 'overloaded' }]);
    const { waitingBytes } = node.node.metrics();
    expect(waitingBytes).toBeLessThanOrEqual(NODE_LIMITS.maxWaitingBytes);
    expect(waitingBytes).toBeGreaterThan(NODE_LIMITS.maxWaitingBytes - value.length);
    const small = node.submit(increment('n'));
    await release();
    expect(small.value?.kind).toBe('applied');
    expect(node.node.metrics()).toMatchObject({ keys: wanted + 1, waitingCommands: 0, waitingBytes: 0 });
  });

  test('that time out while they wait give their room back', async () => {
    const { scene, node } = await stuck();
    const writes = many(1000, () => node.submit(increment('n'), { timeoutMs: 500 }));
    await scene.move(499);
    expect(node.node.metrics().waitingCommands).toBe(1000);
    await scene.move(1);
    expect(writes.every((write) => write.value?.kind === 'timed-out' && !write.value.isUnknown)).toBe(true);
    expect(node.node.metrics()).toMatchObject({ waitingCommands: 0, waitingBytes: 0 });
  });
});

describe('reads with a promise', () => {
  test.each([
    { consistency: 'session', minRevision: 1_000_000 },
    { consistency: 'linearizable', minRevision: 0 },
  ] as const)('$consistency ones beyond the number that may wait are refused, eventual ones go on', async (request) => {
    const { scene, node } = await readyWithSilentBarrier();
    const taken = many(NODE_LIMITS.maxWaitingReads, () => node.read('k', { ...request, timeoutMs: 1000 }));
    const refused = node.read('k', request);
    await scene.settle();
    expect(refused.value).toEqual({ kind: 'refused', reason: 'overloaded' });
    expect(taken.some((read) => read.isSettled)).toBe(false);
    expect(node.node.metrics().waitingReads).toBe(NODE_LIMITS.maxWaitingReads);
    expect(node.node.refusal('eventual-read')).toBeUndefined();
    const write = node.submit(put('k', 'v'));
    await scene.settle();
    expect(write.value?.kind).toBe('applied');
    await scene.move(1000);
    expect(taken.every((read) => isTimedOut(read))).toBe(true);
    expect(node.node.metrics().waitingReads).toBe(0);
  });
});

function isTimedOut(read: ReturnType<Actor['read']>): boolean {
  return typeof read.value === 'object' && read.value.kind === 'timed-out';
}

/** A ready node with a write in flight that is acknowledged only by `release`; what comes in waits behind it. */
async function stuck() {
  const scene = new Scene();
  const node = await scene.startReady('node-1');
  scene.fateOf = () => ({ kind: 'unknown', landsAfterMs: 0, answersAfterMs: 2000 });
  node.submit(put('first', ''), { timeoutMs: 60_000 });
  await scene.settle();
  expect(node.node.metrics().waitingCommands).toBe(0);
  scene.fateOf = () => ACKNOWLEDGED;
  const release = () => scene.move(4000);
  return { scene, node, release };
}

/** A ready node whose log never tells how far a linearizable read must look. */
async function readyWithSilentBarrier() {
  const scene = new Scene();
  const node = await scene.startReady('node-1', {
    overrideLog: () => ({ barrier: () => new Promise<number>(() => {}) }),
  });
  return { scene, node };
}

function many<T>(count: number, make: (at: number) => Watched<T>): Watched<T>[] {
  return Array.from({ length: count }, (_, at) => make(at));
}
