// The start: a cluster is created once, the log is replayed, and a node is ready only when it has proved to be caught up.
import { describe, expect, test } from 'vitest';
import { Gate, increment, put, Scene } from './scene.ts';

describe('an empty log', () => {
  test('becomes a cluster with the limits of the node that creates it, whose name its data directory keeps', async () => {
    const scene = new Scene();
    const node = await scene.startReady('node-1', { limits: { maxKeys: 12 } });
    const { cluster, limits } = node.node.cluster();
    expect(cluster).not.toBe('');
    expect(node.cluster).toBe(cluster);
    expect(limits.maxKeys).toBe(12);
    const other = await scene.startReady('node-2', { limits: { maxKeys: 99 } });
    expect(other.node.cluster()).toMatchObject({ cluster, limits: { maxKeys: 12 } });
    expect(other.cluster).toBe(cluster);
  });

  test('becomes one cluster, though several nodes create it at once', async () => {
    const scene = new Scene();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 50, answersAfterMs: 80 });
    const nodes = await Promise.all(['node-1', 'node-2', 'node-3'].map((nodeId) => scene.start(nodeId)));
    await scene.move(1000);
    expect(nodes.map((node) => node.isReady)).toEqual([true, true, true]);
    expect(new Set(nodes.map((node) => node.cluster)).size).toBe(1);
    const proposals = scene.frames().filter(({ commands }) => commands[0]?.command.type === 'create-cluster');
    expect(proposals.length).toBe(3);
  });

  test('whose first append is lost is created by a later one', async () => {
    const scene = new Scene();
    scene.fateOf = () => ({ kind: 'unknown', landsAfterMs: undefined, answersAfterMs: 100 });
    const node = await scene.start('node-1');
    await scene.move(3000);
    expect(node.isReady).toBe(false);
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 0, answersAfterMs: 0 });
    await scene.move(2000);
    expect(node.isReady).toBe(true);
  });
});

describe('a node that replays', () => {
  test('refuses everything and says how far it is', async () => {
    const { scene, gate, node, records } = await replaying();
    for (const kind of ['write', 'consistent-read', 'eventual-read'] as const) {
      expect(node.node.refusal(kind)).toBe('replaying');
    }
    const write = node.submit(put('k', 'v'));
    const read = node.read('k');
    await scene.settle();
    expect(write.value).toMatchObject({ kind: 'refused', reason: 'replaying', isUnknown: false });
    expect(read.value).toEqual({ kind: 'refused', reason: 'replaying' });
    expect(node.node.status().progress).toMatchObject({ records: 0, percent: 0 });
    await scene.move(1000);
    const half = Math.floor(records / 2);
    for (let n = 0; n < half; n++) {
      gate.letOne();
      await scene.settle();
    }
    const bytes = scene.store
      .history()
      .slice(0, half)
      .reduce((sum, { payload }) => sum + payload.length, 0);
    expect(node.node.status()).toMatchObject({
      phase: 'replaying',
      progress: {
        records: half,
        bytes,
        percent: Math.floor((100 * half) / records),
        recordsPerSecond: half,
        secondsLeft: 1,
      },
    });
    gate.open();
    await scene.settle();
    expect(node.node.status()).toMatchObject({ phase: 'ready', progress: { records, percent: 100, secondsLeft: 0 } });
    expect(node.get('n')).toBe('10');
  });

  test('writes nothing before it knows whose log it is', async () => {
    const { scene, gate, node } = await replaying();
    await scene.move(3000);
    expect(scene.frames().filter((frame) => frame.node === 'node-2')).toEqual([]);
    gate.open();
    await scene.settle();
    expect(node.isReady).toBe(true);
  });

  test('is not ready by a heartbeat that it sent before it was caught up', async () => {
    const { scene, gate, node, records } = await replaying();
    for (let n = 0; n < records - 1; n++) {
      gate.letOne();
      await scene.settle();
    }
    await scene.move(1001); // It knows the cluster, and beats.
    expect(scene.heartbeats('node-2').map(({ isReady }) => isReady)).toEqual([false, false]);
    const early = scene.store.history().length - records;
    gate.letOne(); // The last of the replay.
    await scene.settle();
    expect(node.node.status().progress.percent).toBe(100);
    for (let n = 0; n < early; n++) {
      gate.letOne();
      await scene.settle();
      expect(node.node.status().phase).toBe('replaying');
      expect(node.node.refusal('eventual-read')).toBe('replaying');
    }
    gate.letOne(); // The one sent since.
    await scene.settle();
    expect(node.node.status().phase).toBe('ready');
    expect(node.node.refusal('write')).toBeUndefined();
  });

  test('applies what came while it replayed before it is ready', async () => {
    const { scene, gate, node, other } = await replaying();
    const write = other.submit(put('late', 'v'));
    await scene.settle();
    expect(write.value?.kind).toBe('applied');
    gate.open();
    await scene.settle();
    expect(node.isReady).toBe(true);
    expect(node.get('late')).toBe('v');
  });

  test('does not count jumps of the log clock that are long past', async () => {
    const { scene, gate, node } = await replaying();
    gate.open();
    await scene.settle();
    expect(node.node.metrics().clockJumps).toBe(0);
    scene.logClockOffsetMs += 60_000;
    await scene.move(1000);
    expect(node.node.metrics().clockJumps).toBe(1);
  });
});

test('a node that becomes ready says so at once, so that the others know', async () => {
  const scene = new Scene();
  const node = await scene.startReady('node-1');
  expect(scene.heartbeats('node-1').map(({ isReady }) => isReady)).toEqual([false, true]);
  expect(node.node.cluster().members).toMatchObject([{ node: 'node-1', ready: true, duty: true }]);
});

/** A cluster of node-1 with some history, and node-2, which was started and gets one record at a time. */
async function replaying() {
  const scene = new Scene();
  const other = await scene.startReady('node-1');
  for (let n = 0; n < 10; n++) {
    other.submit(increment('n'), { timeoutMs: 60_000 });
    scene.logClockOffsetMs += 10_000;
    await scene.settle();
  }
  const records = scene.store.history().length;
  const gate = new Gate();
  const node = await scene.start('node-2', { overrideLog: gate.overrideLog });
  await scene.settle();
  return { scene, gate, node, other, records };
}
