// Faults of the network between one node and all brokers.
import type { WayCounts, WayFault } from '../servers/faulty-way.ts';
import { type DrilledNode, during, type FullScene, pickNode, waysOf } from './full-scene.ts';
import { durationText } from './report.ts';

const MS = 6_000;
const LATE_MS = 150;
const RESET_AFTER_BYTES = 3_000;

export function dropWay(scene: FullScene): Promise<string> {
  return suffer(scene, { kind: 'drop' }, 'droppedBytes', 'bytes lost');
}

export function halfOpenWay(scene: FullScene): Promise<string> {
  return suffer(scene, { kind: 'half-open' }, 'droppedBytes', 'bytes of answers lost');
}

export function delayWay(scene: FullScene): Promise<string> {
  return suffer(scene, { kind: 'delay', ms: LATE_MS }, 'delayedBytes', `bytes ${LATE_MS} ms late`);
}

export function resetWay(scene: FullScene): Promise<string> {
  return suffer(scene, { kind: 'reset', afterBytes: RESET_AFTER_BYTES }, 'resets', 'connections reset');
}

async function suffer(scene: FullScene, fault: WayFault, what: keyof WayCounts, unit: string): Promise<string> {
  const node = pickNode(scene);
  const ways = waysOf(scene, node);
  for (const way of ways) way.suffer(fault);
  const [before, after] = await during(MS, () => countOf(scene, node, what)).finally(() => {
    for (const way of ways) way.suffer({ kind: 'none' });
  });
  if (after === before) throw new Error(`${fault.kind} met nothing on ${node.id}'s ways to the brokers`);
  return `${node.id} for ${durationText(MS)}: ${after - before} ${unit}`;
}

function countOf(scene: FullScene, node: DrilledNode, what: keyof WayCounts): number {
  return waysOf(scene, node).reduce((sum, { counts }) => sum + counts[what], 0);
}
