// What the faults of the full drill have to work with: bare nodes with ways of their own to the brokers, small disks, and the witness.
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../../src/base/errors.ts';
import type { ChorusNodeServer } from '../servers/chorus.ts';
import type { FaultyWay } from '../servers/faulty-way.ts';
import type { Kafka } from '../servers/kafka.ts';
import type { SmallDisk } from '../servers/small-disk.ts';
import type { BareCluster } from './cluster-under-test.ts';
import { until } from './faults.ts';
import type { FlushedRows } from './flushed-rows.ts';
import { allReady } from './members.ts';
import { ask, type Target } from './requests.ts';
import type { Scene } from './scene.ts';
import type { Witness } from './witness.ts';

export type FullScene = Scene & {
  readonly cluster: BareCluster;
  readonly witness: Witness;
  readonly rowsBehind: FlushedRows;
  /** Of the second broker, or of the embedded log and all the nodes' data. */
  readonly disk: SmallDisk;
  random(): number;
};

/** The broker whose data is on the small disk. */
export const SMALL_DISK_BROKER = 1;

const HEALED_WITHIN_MS = 90_000;
const OUTPUT_SHOWN = 2_000;

export type DrilledNode = { readonly target: Target; readonly id: string; readonly server: ChorusNodeServer['server'] };

export function nodesOf({ cluster }: FullScene): readonly DrilledNode[] {
  return cluster.servers.map(({ id, server }, at) => {
    const target = cluster.nodes[at];
    if (target === undefined) throw new Error(`${id} has no address`);
    return { target, id, server };
  });
}

export function pickNode(scene: FullScene): DrilledNode {
  return pick(scene, nodesOf(scene));
}

export function pick<T>({ random }: FullScene, all: readonly T[]): T {
  const picked = all[Math.floor(random() * all.length)];
  if (picked === undefined) throw new Error('there is nothing to pick from');
  return picked;
}

export function kafkaOf({ log }: FullScene): Kafka {
  if (log.kafka === undefined) throw new Error('there are no brokers of ours');
  return log.kafka;
}

export function waysOf(scene: FullScene, node: DrilledNode): readonly FaultyWay[] {
  return kafkaOf(scene).ways[nodesOf(scene).findIndex(({ id }) => id === node.id)] ?? [];
}

/** The node that the others see on duty now. */
export async function dutyNode(scene: FullScene): Promise<DrilledNode> {
  for (const { target } of nodesOf(scene)) {
    const answer = await ask(target, { method: 'GET', path: '/v1/cluster' }, 2_000);
    if (answer.kind === 'lost' || answer.status !== 200) continue;
    const { members } = JSON.parse(answer.body) as { members: readonly { node: string; duty: boolean }[] };
    const onDuty = members.find(({ duty }) => duty)?.node;
    const node = nodesOf(scene).find(({ id }) => id === onDuty);
    if (node !== undefined) return node;
  }
  throw new Error('no node is on duty');
}

/**
 * All nodes ready, and writes acknowledged again: rejects when that does not come. As a supervisor would, starts nodes again that
 * have ended; only one that was left behind by a trimmed log may.
 */
export async function healed(scene: FullScene): Promise<void> {
  const isHealed = async () => {
    for (const { id, server } of nodesOf(scene)) {
      if (server.isRunning) continue;
      if (server.exitCode !== EXIT.leftBehind) {
        scene.tally.fault('died', `${id} ended with ${server.exitCode}: ${server.output.slice(-OUTPUT_SHOWN)}`);
      }
      await server.start();
    }
    return allReady(scene.cluster.nodes);
  };
  await until(isHealed, HEALED_WITHIN_MS, 'all nodes ready again');
  const before = scene.tally.acknowledged;
  await until(() => scene.tally.acknowledged >= before + 10, HEALED_WITHIN_MS, 'writes acknowledged again');
}

/** Ends whatever a fault that failed half-way may have left. */
export async function restore(scene: FullScene): Promise<void> {
  const { kafka } = scene.log;
  scene.disk.free();
  for (const way of kafka?.ways.flat() ?? []) way.suffer({ kind: 'none' });
  for (let broker = 0; broker < (kafka?.count ?? 0); broker++) {
    kafka?.resume(broker);
    await kafka?.start(broker);
  }
  for (const { server } of nodesOf(scene)) {
    server.resume();
    await server.start();
  }
}

/** What happened to the counts while the fault was there. */
export async function during<T>(ms: number, look: () => T): Promise<readonly [before: T, after: T]> {
  const before = look();
  await delay(ms);
  return [before, look()];
}
