// The faults that the drill causes; each is confirmed, for a drill whose fault did not take effect proves nothing.
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isReady, selfOf } from './members.ts';
import type { Target } from './requests.ts';

const TAKES_EFFECT_WITHIN_MS = 5_000;
const BACK_WITHIN_MS = 120_000;

export type Victim = { readonly node: Target; readonly id: string; readonly pid: number; readonly at: number };

/** kill -9 of all the nodes given, in one go; resolves when every process is gone. */
export async function killNodes(nodes: readonly Target[]): Promise<readonly Victim[]> {
  const victims = await Promise.all(nodes.map(victimOf));
  for (const { pid } of victims) process.kill(pid, 'SIGKILL');
  await Promise.all(
    victims.map(({ id, pid }) => until(() => !isAlive(pid), TAKES_EFFECT_WITHIN_MS, `the end of ${id}`)),
  );
  return victims;
}

/** Resolves with the milliseconds from the fault until the node, as another process, is ready again. */
export async function backAgain(victim: Victim): Promise<number> {
  const isBack = async () => {
    if (!(await isReady(victim.node))) return false;
    const self = await selfOf(victim.node);
    return self !== undefined && self.pid !== victim.pid;
  };
  await until(isBack, BACK_WITHIN_MS, `the return of ${victim.id}`);
  return performance.now() - victim.at;
}

/** SIGSTOP; resolves when the kernel says that the process is stopped. */
export async function stopNode(node: Target): Promise<Victim> {
  const victim = await victimOf(node);
  process.kill(victim.pid, 'SIGSTOP');
  await until(() => stateOf(victim.pid) === 'T', TAKES_EFFECT_WITHIN_MS, `the stop of ${victim.id}`);
  return victim;
}

export function continueNode({ pid }: Victim): void {
  process.kill(pid, 'SIGCONT');
}

export function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(stateOf(pid));
}

/** Rejects with a sentence when the fact has not come true within `withinMs`. */
export async function until(isTrue: () => boolean | Promise<boolean>, withinMs: number, what: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await delay(5);
  }
}

async function victimOf(node: Target): Promise<Victim> {
  const self = await selfOf(node);
  if (self === undefined) throw new Error(`the node on port ${node.port} does not say its process id`);
  return { node, id: self.node, pid: self.pid, at: performance.now() };
}

/** The kernel's letter for the process's state; undefined when there is no such process. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}
