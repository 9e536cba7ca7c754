// npm run drill:kill: loads real places into a cluster, kills nodes under it, and verifies that nothing was lost, doubled or changed.
import { cityEntries } from './city-entries.ts';
import { startBehindNginx, startSupervised } from './cluster-under-test.ts';
import { drill, type Verdict } from './drill.ts';
import { killAll, killLeader, killTwo } from './kill-scenarios.ts';
import { startLog } from './log-servers.ts';
import { type DrillOptions, readOptions, USAGE } from './options.ts';
import { pauseOne } from './pause-scenario.ts';
import { circumstances, showProgress, tableOf } from './report.ts';
import type { Scene } from './scene.ts';

const FAULTS_SHOWN = 20;

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  let options: DrillOptions;
  try {
    options = readOptions(words);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 64;
  }
  const verdict = await run(options);
  console.log(
    `\ndrill of ${describe(options)}, seed ${options.seed}\n${circumstances()}\n\n${tableOf(verdict.rows)}\n`,
  );
  for (const fault of verdict.faults.slice(0, FAULTS_SHOWN)) console.log(`FAULT ${fault}`);
  if (verdict.faults.length > FAULTS_SHOWN) console.log(`… and ${verdict.faults.length - FAULTS_SHOWN} more`);
  console.log(verdict.hasPassed ? 'PASSED: nothing lost, nothing doubled, all nodes equal' : 'FAILED');
  return verdict.hasPassed ? 0 : 1;
}

async function run(options: DrillOptions): Promise<Verdict> {
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

async function strike(options: DrillOptions, scene: Scene): Promise<void> {
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

function describe(options: DrillOptions): string {
  const { log, brokersCount, kill, isLeaderKilled, pauseSeconds, places, connections } = options;
  const faults = [
    ...(kill === 'two' ? ['two nodes killed'] : kill === 'all' ? ['all nodes killed at once'] : []),
    ...(isLeaderKilled ? ['leading broker killed'] : []),
    ...(pauseSeconds > 0 ? [`one node stopped for ${pauseSeconds} s`] : []),
  ];
  const where = log === 'kafka' ? `Kafka (${options.brokers ?? `${brokersCount} of its own`})` : 'the embedded log';
  return `${places} places over ${connections} connections on ${where}: ${faults.join(', ') || 'no fault'}`;
}
