// The chores: the node on duty removes what has passed, in lots, behind clients' commands; nobody else does.
import { describe, expect, test } from 'vitest';
import { FRAME_LIMITS } from '../../../src/base/limits.ts';
import { type Actor, increment, put, Scene } from './scene.ts';

describe('entries whose time has passed', () => {
  test('are removed by the node on duty alone', async () => {
    const { scene, nodes } = await cluster('node-1', 'node-2', 'node-3');
    for (const [at, node] of nodes.entries()) node.submit(put(`k${at}`, 'v', 1500));
    await scene.settle();
    await scene.move(1499);
    expect(expires(scene)).toEqual([]);
    await scene.move(3000);
    expect(expires(scene)).toEqual([['node-1', 3]]);
    for (const node of nodes) expect(node.node.metrics().keys).toBe(0);
  });

  test.each([
    { how: 'to be appended', appendMs: 900, deliveryDelayMs: 0 },
    { how: 'to be delivered', appendMs: 0, deliveryDelayMs: 900 },
  ])('are proposed once, though the record takes its time $how', async ({ appendMs, deliveryDelayMs }) => {
    const { scene, nodes } = await cluster('node-1');
    nodes[0]?.submit(put('k', 'v', 100));
    await scene.settle();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: appendMs, answersAfterMs: appendMs });
    scene.deliveryDelayMs = deliveryDelayMs;
    await scene.move(8000);
    expect(expires(scene)).toEqual([['node-1', 1]]);
  });

  test('are removed in lots of a thousand, one after another', async () => {
    const { scene, nodes } = await cluster('node-1');
    const [node] = nodes;
    for (let n = 0; n < 2500; n++) node?.submit(put(`k${n}`, 'v', 500));
    await scene.settle();
    expect(node?.node.metrics().keys).toBe(2500);
    await scene.move(2000);
    expect(expires(scene)).toEqual([
      ['node-1', FRAME_LIMITS.maxChoresPerFrame],
      ['node-1', FRAME_LIMITS.maxChoresPerFrame],
      ['node-1', 500],
    ]);
    expect(node?.node.metrics().keys).toBe(0);
    const landed = scene.frames().filter(({ commands }) => commands[0]?.command.type === 'expire');
    expect(new Set(landed.map(({ timestamp }) => timestamp)).size).toBe(1);
  });

  test('are left alone when they were renewed meanwhile', async () => {
    const { scene, nodes } = await cluster('node-1');
    const [node] = nodes;
    node?.submit(put('k', 'v', 500));
    await scene.settle();
    scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 700, answersAfterMs: 700 });
    await scene.move(1200); // The expire waits behind a heartbeat that is under way.
    const renewal = node?.submit(put('k', 'w', 60_000));
    await scene.move(3000);
    expect(renewal?.value?.kind).toBe('applied');
    expect(expires(scene)).toEqual([['node-1', 1]]);
    expect(node?.get('k')).toBe('w');
  });
});

describe('the duty', () => {
  test('passes to the next node when its holder dies', async () => {
    const { scene, nodes } = await cluster('node-1', 'node-2', 'node-3');
    await scene.move(1000);
    nodes[0]?.kill();
    nodes[2]?.submit(put('k', 'v', 100));
    await scene.move(2999);
    expect(expires(scene)).toEqual([]);
    await scene.move(1000); // The others have written four heartbeats since its last one.
    expect(expires(scene)).toEqual([['node-2', 1]]);
  });

  test('passes at once when its holder stops in order', async () => {
    const { scene, nodes } = await cluster('node-1', 'node-2');
    nodes[1]?.submit(put('k', 'v', 300));
    await scene.settle();
    void nodes[0]?.node.stop();
    await scene.move(1300);
    expect(expires(scene)).toEqual([['node-2', 1]]);
  });

  test('is not done by a node that was stopped, before it has proved to be fresh', async () => {
    const { scene, nodes } = await cluster('node-1');
    const [node] = nodes;
    node?.submit(put('k', 'v', 100));
    await scene.move(100);
    node?.submit(increment('n')); // Now it has passed by log time; the next look for chores is at 250.
    await scene.settle();
    if (node !== undefined) node.socketsEmptied = () => new Promise(() => {});
    scene.clock.stopFor(5000);
    await scene.move(5000);
    expect(expires(scene)).toEqual([]);
  });
});

test('chores stand behind the commands of clients in their frame, and wait while those fill frames', async () => {
  const { scene, nodes } = await cluster('node-1');
  const [node] = nodes;
  node?.submit(put('k', 'v', 100));
  await scene.settle();
  scene.fateOf = () => ({ kind: 'acknowledged', landsAfterMs: 600, answersAfterMs: 600 });
  const big = new Uint8Array(1024 * 1024);
  await scene.move(1100); // A heartbeat is under way, whose log time lets k expire when it has landed.
  await scene.move(500);
  for (let n = 0; n < 3; n++) node?.submit(put(`big${n}`, big), { timeoutMs: 60_000 });
  await scene.move(400);
  node?.submit(increment('n'), { timeoutMs: 60_000 });
  await scene.move(10_000);
  const kinds = scene.frames().map(({ commands }) => commands.map(({ command }) => command.type).join(' '));
  const after = kinds.slice(kinds.findIndex((kind) => kind.includes('put'), 1));
  expect(after.filter((kind) => kind.includes('expire'))).toEqual([expect.stringMatching(/increment expire$/)]);
});

async function cluster(...nodeIds: string[]) {
  const scene = new Scene();
  const nodes: Actor[] = [];
  for (const nodeId of nodeIds) nodes.push(await scene.startReady(nodeId));
  return { scene, nodes };
}

/** Who wrote frames with expires, and how many of them in each. */
function expires(scene: Scene): [string, number][] {
  return scene
    .frames()
    .map(({ node, commands }): [string, number] => [
      node,
      commands.filter(({ command }) => command.type === 'expire').length,
    ])
    .filter(([, count]) => count > 0);
}
