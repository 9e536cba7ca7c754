// A process that was stopped: what waited in its sockets is refused until a heartbeat of its own, sent since, is applied.
import { describe, expect, test } from 'vitest';
import { NODE_LIMITS } from '../../../src/base/limits.ts';
import { ACKNOWLEDGED, increment, put, REFUSED, Scene } from './scene.ts';

const PAUSE = NODE_LIMITS.pauseMs + 1;

describe('after a pause', () => {
  test('the first request already is refused, before any late timer ran', async () => {
    const { scene, node } = await ready();
    const records = scene.store.history().length;
    scene.clock.stopFor(PAUSE);
    expect(node.node.refusal('write')).toBe('paused');
    expect(node.node.refusal('consistent-read')).toBe('paused');
    expect(node.node.status().phase).toBe('paused');
    expect(scene.store.history().length).toBe(records);
  });

  test('writes and consistent reads are refused, eventual ones go on', async () => {
    const { scene, node } = await ready();
    node.submit(put('k', 'v'));
    await scene.settle();
    scene.clock.stopFor(PAUSE);
    const { promise, resolve } = Promise.withResolvers<void>();
    node.socketsEmptied = () => promise;
    const refused = { kind: 'refused', reason: 'paused' };
    const write = node.submit(put('k', 'w'));
    const cameIn = node.submit(put('k', 'w'), { id: 'came-in' });
    const reads = [node.read('k'), node.read('k', { consistency: 'session' })];
    const eventual = node.read('k', { consistency: 'eventual' });
    await scene.settle();
    expect(write.value).toMatchObject({ ...refused, isUnknown: false });
    expect(cameIn.value).toMatchObject({ ...refused, isUnknown: true });
    expect(reads.map((read) => read.value)).toEqual([refused, refused]);
    expect(eventual.value).toBe('v');
    // However long the sockets take to be emptied: no heartbeat sent meanwhile is a proof.
    await scene.move(3500);
    expect(node.node.refusal('write')).toBe('paused');
    resolve();
    await scene.settle();
    expect(node.node.refusal('write')).toBeUndefined();
    expect(node.get('k')).toBe('v');
    expect(node.node.metrics().pauses).toBe(1);
  });

  test('a heartbeat that was already under way proves nothing', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 1500, answersAfterMs: 1500 });
    await scene.move(1000); // A heartbeat is handed to the log.
    scene.clock.stopFor(PAUSE);
    expect(node.node.refusal('write')).toBe('paused');
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 300, answersAfterMs: 300 });
    await scene.move(500); // It is applied; the next one is sent.
    expect(node.node.refusal('write')).toBe('paused');
    await scene.move(300);
    expect(node.node.refusal('write')).toBeUndefined();
  });

  test('what no append held yet is refused, what one held is seen through', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 1500, answersAfterMs: 1500 });
    const held = node.submit(increment('n'));
    await scene.settle();
    const waiting = node.submit(increment('n'));
    await scene.settle();
    scene.clock.stopFor(PAUSE);
    expect(node.node.refusal('write')).toBe('paused');
    await scene.settle();
    expect(waiting.value).toMatchObject({ kind: 'refused', reason: 'paused', isUnknown: false });
    expect(held.isSettled).toBe(false);
    scene.fateOf = () => ACKNOWLEDGED;
    await scene.move(5000);
    expect(held.value?.kind).toBe('applied');
    expect(node.get('n')).toBe('1');
  });

  test('reads that wait are refused, those for a barrier too', async () => {
    const { scene, node } = await ready({ overrideLog: () => ({ barrier: () => new Promise<number>(() => {}) }) });
    const reads = [node.read('k'), node.read('k', { consistency: 'session', minRevision: 1_000_000 })];
    await scene.settle();
    scene.clock.stopFor(PAUSE);
    expect(node.node.refusal('write')).toBe('paused');
    await scene.settle();
    const refused = { kind: 'refused', reason: 'paused' };
    expect(reads.map((read) => read.value)).toEqual([refused, refused]);
  });

  test('a second one begins it all anew', async () => {
    const { scene, node } = await ready();
    const turns: (() => void)[] = [];
    node.socketsEmptied = () => new Promise((resolve) => void turns.push(resolve));
    for (let n = 0; n < 2; n++) {
      scene.clock.stopFor(PAUSE);
      expect(node.node.refusal('write')).toBe('paused');
    }
    turns[0]?.();
    await scene.settle();
    expect(node.node.refusal('write')).toBe('paused');
    turns[1]?.();
    await scene.settle();
    expect(node.node.refusal('write')).toBeUndefined();
  });

  test('while the log takes nothing no node could prove itself: requests wait for the log instead', async () => {
    const { scene, node } = await ready();
    const { promise, resolve } = Promise.withResolvers<void>();
    node.socketsEmptied = () => promise;
    scene.fateOf = () => REFUSED;
    scene.clock.stopFor(PAUSE);
    await scene.move(2000);
    expect(node.node.refusal('write')).toBe('paused'); // What waited in the sockets was not read yet.
    resolve();
    await scene.settle();
    expect(node.node.refusal('write')).toBeUndefined();
    const write = node.submit(put('k', 'v'), { timeoutMs: 60_000 });
    await scene.settle();
    expect(write.isSettled).toBe(false);
    scene.fateOf = () => ACKNOWLEDGED;
    await scene.move(2000);
    expect(write.value?.kind).toBe('applied');
  });
});

describe('a pause is seen', () => {
  test('by the late tick, if nobody asks before', async () => {
    const { scene, node } = await ready();
    scene.clock.stopFor(PAUSE);
    await scene.settle();
    expect(node.node.metrics().pauses).toBe(1);
  });

  test('by the monotonic clock, though the wall clock was set back', async () => {
    const { scene, node } = await ready();
    scene.clock.stopFor(PAUSE);
    scene.clock.wallOffsetMs -= PAUSE;
    expect(node.node.refusal('write')).toBe('paused');
  });

  test('by the wall clock, where a suspended machine stopped the other one', async () => {
    const { scene, node } = await ready();
    scene.clock.wallOffsetMs += PAUSE;
    expect(node.node.refusal('write')).toBe('paused');
  });

  test('not where a tick was late by a second at most, nor where the wall clock was set back', async () => {
    const { scene, node } = await ready();
    scene.clock.stopFor(NODE_LIMITS.pauseMs);
    expect(node.node.refusal('write')).toBeUndefined();
    await scene.settle();
    scene.clock.wallOffsetMs -= 3_600_000;
    expect(node.node.refusal('write')).toBeUndefined();
    await scene.move(5000);
    expect(node.node.metrics().pauses).toBe(0);
  });
});

async function ready(options: Parameters<Scene['startReady']>[1] = {}) {
  const scene = new Scene();
  const node = await scene.startReady('node-1', options);
  return { scene, node };
}
