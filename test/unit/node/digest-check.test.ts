// The check of digests: a checkpoint in the log, and then every live ready node's report at one common offset.
import { describe, expect, test } from 'vitest';
import { frameOf, heartbeat } from '../core/feeder.ts';
import { type Actor, increment, put, REFUSED, Scene, watch } from './scene.ts';

describe('a check of digests', () => {
  test('finds three nodes with the same history in agreement', async () => {
    const { scene, nodes } = await cluster('node-1', 'node-2', 'node-3');
    nodes[0]?.submit(put('k', 'v'));
    nodes[1]?.submit(increment('n'));
    await scene.settle();
    await scene.move(5000); // They have agreed on what was before.
    const checks = nodes.map((node) => watch(node.node.checkDigests(5000)));
    await scene.settle();
    expect(checks.some((check) => check.isSettled)).toBe(false);
    await scene.move(3000);
    for (const check of checks) {
      expect(check.value).toMatchObject({ kind: 'checked', agreed: true });
      const digests = check.value?.kind === 'checked' ? check.value.digests : {};
      expect(Object.keys(digests).sort()).toEqual(['node-1', 'node-2', 'node-3']);
      expect(digests['node-1']).toMatch(/^[0-9a-f]{16}$/);
      expect(new Set(Object.values(digests)).size).toBe(1);
    }
  });

  test('says which node reports otherwise', async () => {
    const { scene, nodes } = await cluster('node-1', 'node-2');
    const stranger = outsider(scene, nodes[0]);
    await stranger.beat();
    const offset = scene.store.history().length;
    const check = watch((nodes[0] as Actor).node.checkDigests(5000));
    await scene.settle();
    await stranger.beat({ offset, revision: 1, digest: 0xbadn });
    await scene.move(3000);
    expect(check.value).toMatchObject({ kind: 'checked', agreed: false, digests: { outsider: '0000000000000bad' } });
    // Each of the two, when it reported, said otherwise than the outsider had.
    expect(nodes[1]?.node.cluster().disagreements).toBe(2);
  });

  test('times out while a live node reports nothing', async () => {
    const { scene, nodes } = await cluster('node-1');
    await outsider(scene, nodes[0]).beat();
    const check = watch((nodes[0] as Actor).node.checkDigests(2000));
    await scene.move(1999);
    expect(check.isSettled).toBe(false);
    await scene.move(1);
    expect(check.value).toEqual({ kind: 'timed-out' });
  });

  test('does not wait for a node that is dead', async () => {
    const { scene, nodes } = await cluster('node-1', 'node-2');
    nodes[1]?.kill();
    const check = watch((nodes[0] as Actor).node.checkDigests(10_000));
    await scene.move(8000);
    expect(check.value).toMatchObject({ kind: 'checked', agreed: true });
    expect(check.value?.kind === 'checked' && Object.keys(check.value.digests)).toEqual(['node-1']);
  });

  test('keeps to its time while the log takes nothing', async () => {
    const { scene, nodes } = await cluster('node-1');
    scene.fateOf = () => REFUSED;
    nodes[0]?.submit(put('k', 'v'), { timeoutMs: 60_000 });
    await scene.settle();
    const check = watch((nodes[0] as Actor).node.checkDigests(700));
    await scene.move(700);
    expect(check.value).toEqual({ kind: 'timed-out' });
  });

  test('waits in line behind another check and behind the chores', async () => {
    const { scene, nodes } = await cluster('node-1');
    const [node] = nodes;
    node?.submit(put('k', 'v', 100));
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 300, answersAfterMs: 300 });
    await scene.move(1500);
    const checks = [1, 2, 3].map(() => watch((node as Actor).node.checkDigests(9000)));
    await scene.settle();
    expect(checks.some((check) => check.isSettled)).toBe(false);
    await scene.move(6000);
    expect(checks.map((check) => check.value)).toMatchObject([{ agreed: true }, { agreed: true }, { agreed: true }]);
    expect(node?.node.metrics().keys).toBe(0);
  });

  test('is refused by a node that is not fresh, and by one that was stopped meanwhile', async () => {
    const { scene, nodes } = await cluster('node-1');
    await outsider(scene, nodes[0]).beat();
    const check = watch((nodes[0] as Actor).node.checkDigests(60_000));
    await scene.settle();
    scene.clock.stopFor(2000);
    const later = watch((nodes[0] as Actor).node.checkDigests(60_000));
    await scene.settle();
    expect([check.value, later.value]).toEqual([
      { kind: 'refused', reason: 'paused' },
      { kind: 'refused', reason: 'paused' },
    ]);
  });
});

async function cluster(...nodeIds: string[]) {
  const scene = new Scene();
  const nodes: Actor[] = [];
  for (const nodeId of nodeIds) nodes.push(await scene.startReady(nodeId));
  return { scene, nodes };
}

/** A member that is no node of ours: it says what the test lets it say. */
function outsider(scene: Scene, node: Actor | undefined) {
  const cluster = node?.node.cluster().cluster ?? '';
  let n = 0;
  return {
    beat: (report?: { offset: number; revision: number; digest: bigint }) =>
      scene.write(frameOf('outsider/1', ++n, [{ command: heartbeat({ cluster, report }) }])),
  };
}
