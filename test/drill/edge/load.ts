// Runs the open-loop clients as a process of their own, and adds up what they tell.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { OpenLoopEnd, OpenLoopSecond, OpenLoopTask } from './open-loop.ts';

export type LoadRun = { readonly seconds: readonly OpenLoopSecond[]; readonly overall: OpenLoopEnd };

/** `processor`: the one that the clients are bound to; undefined: any. */
export async function runLoad(task: OpenLoopTask, processor?: number): Promise<LoadRun> {
  const words = [process.execPath, join(import.meta.dirname, 'open-loop.ts'), JSON.stringify(task)];
  const [command = '', ...rest] = processor === undefined ? words : ['taskset', '-c', String(processor), ...words];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = (await text(child.stdout)).trim().split('\n');
  await ended;
  const overall = JSON.parse(lines.pop() ?? '') as OpenLoopEnd;
  return { seconds: lines.map((line) => JSON.parse(line) as OpenLoopSecond), overall };
}

/** Of all seconds together; `others` under their statuses. */
export function totals(seconds: readonly OpenLoopSecond[]) {
  const sum = (of: (second: OpenLoopSecond) => number) => seconds.reduce((total, second) => total + of(second), 0);
  const others: Record<string, number> = {};
  for (const second of seconds)
    for (const [status, count] of Object.entries(second.others)) others[status] = (others[status] ?? 0) + count;
  return {
    seconds: sum(({ ms }) => ms) / 1000,
    begun: sum(({ begun }) => begun),
    served: sum(({ reads, writes }) => reads + writes),
    reads: sum(({ reads }) => reads),
    writes: sum(({ writes }) => writes),
    refused: sum(({ refusedReads, refusedWrites }) => refusedReads + refusedWrites),
    refusedReads: sum(({ refusedReads }) => refusedReads),
    refusedWrites: sum(({ refusedWrites }) => refusedWrites),
    givenUp: sum(({ givenUp }) => givenUp),
    unsent: sum(({ unsent }) => unsent),
    broken: sum(({ broken }) => broken),
    others,
  };
}
