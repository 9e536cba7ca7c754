// Two processes with one nodeId: a restart takes the place of a dead one at once, a mistake ends the younger and not the older.
import { describe, expect, test } from 'vitest';
import { ACKNOWLEDGED, increment, Scene } from './scene.ts';

describe('a second process with a nodeId that is alive', () => {
  test('ends, saying what to do, while the older goes on', async () => {
    const { scene, node: older } = await ready();
    const younger = await scene.start('node-1');
    await scene.move(3000);
    expect(younger.fatal).toMatchObject({ exitCode: 64 });
    expect(younger.fatal?.message).toMatch(/node-1 is alive.*CHORUS_NODE_ID/);
    expect(younger.node.refusal('write')).toBe('stopping');
    expect(older.fatal).toBeUndefined();
    expect(older.isReady).toBe(true);
    await younger.node.stop();
    const write = older.submit(increment('n'));
    await scene.move(2000);
    expect(write.value?.kind).toBe('applied');
    expect(older.node.cluster().members).toMatchObject([
      { node: 'node-1', address: 'node-1#1:80', ready: true, duty: true },
    ]);
  });

  test('leaves the others as they are', async () => {
    const { scene, node: older } = await ready();
    const other = await scene.startReady('node-2');
    const younger = await scene.start('node-1');
    await scene.move(3000);
    expect([older.fatal, other.fatal, younger.fatal?.exitCode]).toEqual([undefined, undefined, 64]);
    const members = other.node.cluster().members.map(({ node, address }) => [node, address]);
    expect(members).toEqual([
      ['node-1', 'node-1#1:80'],
      ['node-2', 'node-2#1:80'],
    ]);
  });
});

describe('a quick restart', () => {
  test('is ready at once, without waiting for the dead process to be counted out', async () => {
    const { scene, node: dead } = await ready();
    dead.submit(increment('n'));
    await scene.settle();
    dead.kill();
    const restarted = await scene.startReady('node-1', { cluster: dead.cluster ?? '' });
    expect(restarted.get('n')).toBe('1');
    expect(restarted.node.cluster().members).toMatchObject([{ address: 'node-1#2:80', ready: true, duty: true }]);
    await scene.move(20_000);
    expect(restarted.fatal).toBeUndefined();
  });

  test('is not disturbed by what the dead process had under way', async () => {
    const { scene, node: dead } = await ready();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 700, answersAfterMs: 700 });
    dead.submit(increment('n'), { timeoutMs: 60_000 });
    await scene.move(1000); // A heartbeat follows, and is under way too.
    dead.kill();
    scene.fateOf = () => ACKNOWLEDGED;
    const restarted = await scene.startReady('node-1');
    await scene.move(5000);
    expect(scene.heartbeats('node-1').filter(({ address }) => address === 'node-1#1:80').length).toBe(3);
    expect(restarted.fatal).toBeUndefined();
    expect(restarted.isReady).toBe(true);
    expect(restarted.get('n')).toBe('1');
  });

  test('again and again keeps one member, whose outcomes are remembered', async () => {
    const scene = new Scene();
    let node = await scene.startReady('node-1');
    for (let n = 0; n < 10; n++) {
      const write = node.submit(increment('n'), { id: 'same' });
      await scene.settle();
      expect(write.value).toMatchObject({ kind: 'applied', outcome: { detail: 1n, isRepeat: n > 0 } });
      node.kill();
      node = await scene.startReady('node-1');
    }
    expect(node.get('n')).toBe('1');
    expect(node.node.cluster().members.length).toBe(1);
  });
});

async function ready() {
  const scene = new Scene();
  const node = await scene.startReady('node-1');
  return { scene, node };
}
