// Heartbeats: one a second, never two in wait; and the lag that is measured by them.
import { describe, expect, test } from 'vitest';
import { NODE_LIMITS } from '../../../src/base/limits.ts';
import { ACKNOWLEDGED, increment, REFUSED, Scene } from './scene.ts';

describe('heartbeats', () => {
  test('are sent once a second, and say what the node has applied', async () => {
    const { scene, node } = await ready();
    const before = scene.heartbeats('node-1').length;
    const revision = node.node.revision();
    node.submit(increment('n'));
    await scene.move(5000);
    const beats = scene.heartbeats('node-1').slice(before);
    expect(beats.map(({ landedAt }) => landedAt)).toEqual([1000, 2000, 3000, 4000, 5000]);
    const { cluster } = node.node.cluster();
    expect(beats[0]).toMatchObject({
      cluster,
      isReady: true,
      keys: 1,
      address: 'node-1#1:80',
      pid: 1,
      version: '1.0.0',
    });
    const applied = [1, 2, 3, 4, 5].map((count) => revision + count);
    expect(beats.map((beat) => beat.revision)).toEqual(applied);
    // The digest noted at the heartbeat before.
    expect(beats.map((beat) => beat.report?.revision)).toEqual([revision, ...applied.slice(1)]);
  });

  test('begin the frame of what waits with them', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 500, answersAfterMs: 500 });
    await scene.move(600);
    node.submit(increment('n'));
    await scene.move(300);
    node.submit(increment('n'));
    await scene.move(2000);
    const frame = scene.frames().find(({ commands }) => commands.length > 1);
    expect(frame?.commands.map(({ command }) => command.type)).toEqual(['heartbeat', 'increment']);
  });

  test('do not pile up while the log takes nothing: the next one serves as well', async () => {
    const { scene, node } = await ready();
    const before = scene.heartbeats('node-1').length;
    scene.fateOf = () => REFUSED;
    await scene.move(20_000);
    scene.fateOf = () => ACKNOWLEDGED;
    await scene.move(1000);
    expect(scene.heartbeats('node-1').length).toBe(before + 1);
    expect(node.isReady).toBe(true);
  });
});

describe('the lag', () => {
  test('is the time since the newest own heartbeat that was applied here had been handed to the log', async () => {
    const { scene, node } = await ready();
    await scene.move(1000);
    expect(node.node.lagMs()).toBe(0);
    await scene.move(999);
    expect(node.node.lagMs()).toBe(999);
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 200, answersAfterMs: 200 });
    scene.deliveryDelayMs = 300;
    await scene.move(1 + 499);
    expect(node.node.lagMs()).toBe(1499);
    await scene.move(1); // Handed over at 2000, landed at 2200, delivered at 2500.
    expect(node.node.lagMs()).toBe(500);
    expect(node.node.status().lagMs).toBe(500);
  });

  test('is not brought down by the heartbeats of others', async () => {
    const { scene, node } = await ready();
    await scene.startReady('node-2');
    await scene.move(1000);
    scene.fateOf = (handle) => (handle === 'node-1#1' ? REFUSED : ACKNOWLEDGED);
    await scene.move(3000);
    expect(scene.heartbeats('node-2').at(-1)?.landedAt).toBe(4000);
    expect(node.node.lagMs()).toBe(3000);
  });

  test('grows while the log is away, and is said to be too great after a while', async () => {
    const { scene, node } = await ready();
    scene.fateOf = () => REFUSED;
    const degraded = () => node.node.status().degraded.filter((sentence) => sentence.includes('ms old'));
    await scene.move(NODE_LIMITS.degradedLagMs);
    expect(degraded()).toEqual([]);
    await scene.move(500);
    expect(degraded()).toEqual([`what is read here may be ${NODE_LIMITS.degradedLagMs + 500} ms old`]);
    expect(node.node.status().phase).toBe('ready');
  });

  test('before the first heartbeat is the time since the start', async () => {
    const scene = new Scene();
    scene.fateOf = () => REFUSED;
    const node = await scene.start('node-1');
    await scene.move(2500);
    expect(node.node.lagMs()).toBe(2500);
  });
});

async function ready() {
  const scene = new Scene();
  const node = await scene.startReady('node-1');
  return { scene, node };
}
