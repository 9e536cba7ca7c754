// Faults by kill -9: two nodes one after the other, all nodes at once, the leading broker.
import { setTimeout as delay } from 'node:timers/promises';
import { backAgain, killNodes } from './faults.ts';
import { durationText } from './report.ts';
import { reached, type Scene } from './scene.ts';

const BROKER_DOWN_MS = 5_000;

/** One node at a third of the load and another at two thirds; each is started again by the supervisor. */
export async function killTwo(scene: Scene): Promise<void> {
  const { nodes } = scene.cluster;
  const first = scene.options.seed % nodes.length;
  const second = (first + 1 + (Math.floor(scene.options.seed / nodes.length) % (nodes.length - 1))) % nodes.length;
  for (const [at, share] of [
    [first, 1 / 3],
    [second, 2 / 3],
  ] as const) {
    await reached(scene, share);
    await killAndWait(scene, nodes.slice(at, at + 1));
  }
}

/** All nodes in the middle of the load, in one go. */
export async function killAll(scene: Scene): Promise<void> {
  await reached(scene, 1 / 2);
  await killAndWait(scene, scene.cluster.nodes);
}

/** The broker that leads the partition; it comes back after some seconds. */
export async function killLeader(scene: Scene): Promise<void> {
  await reached(scene, 1 / 2);
  const broker = await scene.log.killLeader();
  scene.rows.push(['killed -9', `broker ${broker}, the partition's leader`]);
  await delay(BROKER_DOWN_MS);
  await scene.log.restart(broker);
}

async function killAndWait(scene: Scene, nodes: Scene['cluster']['nodes']): Promise<void> {
  const victims = await killNodes(nodes);
  const share = scene.written.acknowledgedOrder.length / scene.written.entries.length;
  for (const victim of victims) {
    const fact = `${victim.id} (pid ${victim.pid}) at ${Math.floor(share * 100)} %`;
    scene.rows.push(['killed -9', fact]);
  }
  await Promise.all(
    victims.map(async (victim) => {
      scene.rows.push([`${victim.id} ready again`, `${durationText(await backAgain(victim))} after the kill`]);
    }),
  );
}
