// Faults of nodes: killed, all killed, stopped, ended one after the other.
import { setTimeout as delay } from 'node:timers/promises';
import { backAgain, killNodes } from './faults.ts';
import { type DrilledNode, type FullScene, healed, nodesOf, pickNode } from './full-scene.ts';
import { pause } from './pause-scenario.ts';
import { durationText } from './report.ts';

const DOWN_MS = 1_500;

export async function killNode(scene: FullScene): Promise<string> {
  return killAndStart([pickNode(scene)]);
}

export async function killAll(scene: FullScene): Promise<string> {
  return killAndStart(nodesOf(scene));
}

export async function pauseNode(scene: FullScene): Promise<string> {
  const { id, target } = pickNode(scene);
  const rows = scene.rows.length;
  await pause(scene, target);
  const said = scene.rows.splice(rows).map(([name, value]) => `${name}: ${value}`);
  return `${id}; ${said.join('; ')}`;
}

export async function rollNodes(scene: FullScene): Promise<string> {
  const ended: string[] = [];
  for (const { id, server } of nodesOf(scene)) {
    const before = server.pid;
    const beganAt = performance.now();
    await server.stop();
    ended.push(`${id} ended in ${durationText(performance.now() - beganAt)}`);
    await server.start();
    if (server.pid === before) throw new Error(`${id} did not end`);
    await healed(scene);
  }
  return ended.join(', ');
}

/** kill -9 and another process; resolves with a sentence when that is ready. */
export async function killAndStart(nodes: readonly DrilledNode[], downMs = DOWN_MS): Promise<string> {
  const victims = await killNodes(nodes.map(({ target }) => target));
  await delay(downMs);
  await Promise.all(nodes.map(({ server }) => server.start()));
  const said = victims.map(
    async (victim) => `${victim.id} (pid ${victim.pid}) ready again after ${durationText(await backAgain(victim))}`,
  );
  return (await Promise.all(said)).join(', ');
}
