// The row about watches: how many events a second reach their watchers, beside etcd.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { BenchOptions, Contest, Contestant, Row } from './contest.ts';
import { type Side, startChorus, startEtcdSide } from './servers.ts';
import type { WatchFigures, WatchTask } from './watch-clients.ts';

/** Events that each measurement is to deliver, over all watchers. */
const DELIVERIES = 200_000;

export const watchRow: Row = {
  name: 'watch',
  help: 'events a second that reach all watchers (--watchers) of one node, each of every write, beside etcd',
  needs: ['etcd'],
  figures: { deliveries: { unit: 'events/s', better: 'more' } },
  warmsUp: true,
  open,
};

async function open(options: BenchOptions): Promise<Contest> {
  const sides = [await startChorus(), await startEtcdSide()];
  return {
    contestants: sides.map((side) => contestantOf(side, options)),
    async close() {
      for (const side of sides) await side.stop();
    },
  };
}

function contestantOf({ name, port, api }: Side, { watchers }: BenchOptions): Contestant {
  return {
    name,
    async measure() {
      const task: WatchTask = { port, api, watchers, writes: Math.ceil(DELIVERIES / watchers) };
      const clients = resolve(import.meta.dirname, 'watch-clients.ts');
      const { stdout } = await promisify(execFile)(process.execPath, [clients, JSON.stringify(task)]);
      return { deliveries: (JSON.parse(stdout) as WatchFigures).deliveriesPerSecond };
    },
  };
}
