// npm run drill:kill: loads real places into a cluster, kills nodes under it, and verifies that nothing was lost, doubled or changed.
import { runCommandLine } from '../command-line.ts';
import { cityEntries } from './city-entries.ts';
import { startBehindNginx, startSupervised } from './cluster-under-test.ts';
import { drill, type Verdict } from './drill.ts';
import { KILL_USAGE, type KillOptions, readKillOptions } from './kill-options.ts';
import { killAll, killLeader, killTwo } from './kill-scenarios.ts';
import { startLog } from './log-servers.ts';
import { pauseOne } from './pause-scenario.ts';
import { circumstances, printFaults, showProgress, tableOf } from './report.ts';
import type { Scene } from './scene.ts';

await runCommandLine({ usage: KILL_USAGE, read: readKillOptions, run: main });

async function main(options: KillOptions): Promise<number> {
  const verdict = await run(options);
  console.log(
    `\ndrill of ${describe(options)}, seed ${options.seed}\n${circumstances()}\n\n${tableOf(verdict.rows)}\n`,
  );
  printFaults(verdict.faults);
  console.log(verdict.hasPassed ? 'PASSED: nothing lost, nothing doubled, all nodes equal' : 'FAILED');
  return verdict.hasPassed ? 0 : 1;
}

async function run(options: KillOptions): Promise<Verdict> {
  const entries = cityEntries(options.places);
  const log = await startLog(options);
  try {
    // A supervisor would end the pause of a node by killing it; on Kafka, where nobody holds a lock, it can be waited out.
    const isWaitedOut = options.pauseSeconds > 0 && options.log === 'kafka';
    const cluster = await (isWaitedOut ? startBehindNginx({ flagsOf: log.flagsOf }) : startSupervised(log.flagsOf(0)));
    let hasPassed = false;
    try {
      const verdict = await drill({
        options,
        cluster,
        log,
        entries,
        strike: (scene) => strike(options, scene),
        show: (scene) =>
          showProgress('load', entries.length, () => scene.written.acknowledgedOrder.length, note(scene)),
      });
      hasPassed = verdict.hasPassed;
      return verdict;
    } finally {
      await cluster.stop({ isKept: !hasPassed });
    }
  } finally {
    await log.close();
  }
}

async function strike(options: KillOptions, scene: Scene): Promise<void> {
  const faults: Promise<void>[] = [];
  if (options.kill === 'two') faults.push(killTwo(scene));
  if (options.kill === 'all') faults.push(killAll(scene));
  if (options.isLeaderKilled) faults.push(killLeader(scene));
  if (options.pauseSeconds > 0) faults.push(pauseOne(scene));
  await Promise.all(faults);
}

function note({ tally, rows }: Scene): () => string {
  return () => `${tally.failed} failed, ${tally.reads} reads, ${rows.at(-1)?.join(': ') ?? ''}`;
}

function describe(options: KillOptions): string {
  const { log, brokersCount, kill, isLeaderKilled, pauseSeconds, places, connections } = options;
  const faults = [
    ...(kill === 'two' ? ['two nodes killed'] : kill === 'all' ? ['all nodes killed at once'] : []),
    ...(isLeaderKilled ? ['leading broker killed'] : []),
    ...(pauseSeconds > 0 ? [`one node stopped for ${pauseSeconds} s`] : []),
  ];
  const where = log === 'kafka' ? `Kafka (${options.brokers ?? `${brokersCount} of its own`})` : 'the embedded log';
  return `${places} places over ${connections} connections on ${where}: ${faults.join(', ') || 'no fault'}`;
}
