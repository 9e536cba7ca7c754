// Evictions as a cluster does them: the node on duty proposes them as soon as they are due, and only so many.
import { describe, expect, test } from 'vitest';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { encodeCommand, encodeFrame } from '../../../src/core/codec.ts';
import type { Command } from '../../../src/core/commands/command.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { CLUSTER, heartbeat } from '../core/feeder.ts';
import { type Actor, put, Scene } from './scene.ts';

const KEYS = 1000;

describe('above the limit of keys', () => {
  test('the node on duty evicts what was used least, at once, until the limit is reached', async () => {
    const { scene, nodes } = await cluster('lru', 'node-1', 'node-2', 'node-3');
    const [duty, other] = nodes;
    await fill(scene, nodes, KEYS);
    for (let n = 0; n < KEYS; n += 2) duty?.get(`k${n}`);
    for (let n = 0; n < 500; n++) {
      other?.submit(put(`new${n}`, 'v'));
      await scene.settle();
    }
    expect(new Set(evictions(scene).map(({ node }) => node))).toEqual(new Set(['node-1']));
    const evicted = evictions(scene).flatMap(({ keys }) => keys);
    expect(evicted).toHaveLength(500);
    expect(evicted.filter((key) => /^k\d*[02468]$/.test(key)).length).toBeLessThan(50);
    for (const { node } of nodes) expect(node.metrics()).toMatchObject({ keys: KEYS, evictions: 500, maxKeys: KEYS });
  });

  test('what expires soonest goes, and what lives for ever stays: then writes are refused at 110 %', async () => {
    const { scene, nodes } = await cluster('ttl', 'node-1');
    const [node] = nodes;
    for (let n = 0; n < 10; n++) node?.submit(put(`late${n}`, 'v', 90_000));
    for (let n = 0; n < 10; n++) node?.submit(put(`soon${n}`, 'v', 60_000));
    await fill(scene, nodes, KEYS - 10);
    const order = evictions(scene).flatMap(({ keys }) => keys);
    expect(order.toSorted()).toEqual(Array.from({ length: 10 }, (_, n) => `soon${n}`));
    for (let lot = 0; lot < 3; lot++) await fill(scene, nodes, 50, `more${lot}/`);
    await scene.move(2000);
    expect(evictions(scene).flatMap(({ keys }) => keys)).toHaveLength(20);
    expect(node?.node.metrics().keys).toBe(KEYS * 1.1);
    const refused = node?.submit(put('one', 'v'));
    await scene.settle();
    expect(refused?.value).toMatchObject({ kind: 'applied', outcome: { code: 'memory-full' } });
  });

  test('a burst is evicted in lots of a thousand', async () => {
    const keys = 20_000;
    const scene = new Scene();
    const node = await scene.startReady('node-1', { limits: limitsOf('lru', keys) });
    for (let at = 0; at < keys; at += 5000) await fill(scene, [node], 5000, `${at}/`);
    expect(evictions(scene)).toEqual([]);
    await fill(scene, [node], 1500, 'burst/');
    expect(evictions(scene).map((lot) => lot.keys.length)).toEqual([1000, 500]);
    expect(node.node.metrics()).toMatchObject({ keys, evictions: 1500 });
  });
});

test('nothing is proposed while a live member does not know evictions yet', async () => {
  const scene = new Scene();
  const limits = { ...STATE_LIMITS, ...limitsOf('lru', 10), featureLevel: 1 };
  const old = { node: 'node-2', incarnation: 'old' };
  const log = scene.store.open('old');
  let n = 0;
  const append = async (command: Command) => {
    const bytes = encodeCommand({ attempt: 0, id: '', caller: '', deadline: 0 }, command);
    void log.append(encodeFrame({ ...old, n: ++n }, [bytes]));
    await scene.settle();
  };
  await append({ type: 'create-cluster', cluster: CLUSTER, limits });
  await append(heartbeat({ featureLevel: 1 }));
  const node = await scene.startReady('node-1');
  await append(heartbeat({ featureLevel: 1 }));
  await fill(scene, [node], 11);
  await scene.move(1000);
  expect(evictions(scene)).toEqual([]);
  await scene.move(4000); // Nothing was heard of it for four heartbeats.
  expect(evictions(scene)).toMatchObject([{ node: 'node-1', keys: [expect.any(String)] }]);
});

async function cluster(eviction: 'lru' | 'ttl', ...nodeIds: string[]) {
  const scene = new Scene();
  const nodes: Actor[] = [];
  for (const nodeId of nodeIds) nodes.push(await scene.startReady(nodeId, { limits: limitsOf(eviction, KEYS) }));
  return { scene, nodes };
}

function limitsOf(eviction: 'lru' | 'ttl', maxKeys: number) {
  return { eviction, maxKeys, featureLevel: FEATURE_LEVEL } as const;
}

async function fill(scene: Scene, nodes: readonly Actor[], count: number, prefix = 'k'): Promise<void> {
  for (let n = 0; n < count; n++) nodes[n % nodes.length]?.submit(put(`${prefix}${n}`, 'v'));
  await scene.settle();
}

/** The lots of evictions in the log. */
function evictions(scene: Scene) {
  return scene
    .frames()
    .map(({ node, offset, commands }) => ({
      node,
      offset,
      keys: commands.flatMap(({ command }) => (command.type === 'evict' ? [Buffer.from(command.key).toString()] : [])),
    }))
    .filter(({ keys }) => keys.length > 0);
}
