// npm run drill: three nodes on real Kafka behind Nginx under load, one fault after the other, and the proof that nothing was lost or doubled.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '../../src/base/logger.ts';
import type { CommitLog } from '../../src/log/commit-log.ts';
import { openEmbeddedLog } from '../../src/log/embedded-log.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { runCommandLine } from '../command-line.ts';
import { mulberry32 } from '../random.ts';
import { temporaryDirectory } from '../servers/places.ts';
import { makeSmallDisk, type SmallDisk } from '../servers/small-disk.ts';
import { wage } from './campaign.ts';
import { cityRounds } from './city-entries.ts';
import { type BareCluster, startBehindNginx } from './cluster-under-test.ts';
import { drill } from './drill.ts';
import { FlushedRows } from './flushed-rows.ts';
import { FULL_USAGE, type FullOptions, readFullOptions } from './full-options.ts';
import { reportOf, summaryOf } from './full-report.ts';
import { type FullScene, SMALL_DISK_BROKER } from './full-scene.ts';
import { type HistoryEntry, keep, readKept } from './history.ts';
import { judge } from './judgement.ts';
import { type LogServers, startLog } from './log-servers.ts';
import { DATABASE_VARIABLE } from './node-config.ts';
import { proof } from './proof.ts';
import { fightOverRegisters } from './registers.ts';
import { circumstances, printFaults, showProgress, tableOf } from './report.ts';
import type { Scene } from './scene.ts';
import { growthOf, keepLooking, type Vital } from './vitals.ts';
import { Witness } from './witness.ts';

const ENTRY_PAUSE_MS = 15;
const REGISTER_PAUSE_MS = 40;
/** A snapshot of a long run is large: often enough that the log is trimmed again and again, not so often that nothing else is done. */
const SNAPSHOT_EVERY_MS = { full: 12_000, soak: 30_000 } as const;
const SOAK_FAULT_EVERY_MS = 20_000;
const SNAPSHOT_EVERY_RECORDS = 20_000;
const ENTRIES_A_MINUTE = 25_000;
const PAUSE_SECONDS = 4;
const CONFIG = join(import.meta.dirname, 'node-config.ts');

await runCommandLine({
  usage: FULL_USAGE,
  read: readFullOptions,
  run: (options) => (options.recheck === undefined ? run(options) : recheck(options.recheck)),
});

async function recheck(directory: string): Promise<number> {
  const { faults, operations, registers, ids } = judge(await readKept(directory));
  console.log(`${operations} operations upon ${registers} registers, ${ids} ids in the log`);
  printFaults(faults.map(({ kind, fact }) => `${kind}: ${fact}`));
  console.log(faults.length === 0 ? 'PASSED' : `FAILED: ${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

async function run(options: FullOptions): Promise<number> {
  const directory = temporaryDirectory('full-drill');
  const disks: SmallDisk[] = [];
  const small = (at: string): SmallDisk => {
    const disk = makeSmallDisk(at);
    disks.push(disk);
    return disk;
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // All that was started dies with this process; only a mount would stay.
      for (const disk of disks) disk.unmount();
      process.exit(130);
    });
  }
  say(`starting ${options.log === 'kafka' ? 'three brokers, ' : ''}three nodes and Nginx; seed ${options.seed}`);
  const log = await startLog({
    log: options.log,
    brokers: undefined,
    brokersCount: 3,
    ways: 3,
    prepare: (broker, at) => (broker === SMALL_DISK_BROKER ? small(at).unmount : undefined),
  });
  try {
    if (options.log === 'embedded') small(directory);
    const database = join(temporaryDirectory('drill-database'), 'rows.sqlite');
    const rowsBehind = new FlushedRows(database);
    const cluster = await startBehindNginx({
      directory,
      flags: ['--config', CONFIG],
      snapshotEveryRecords: SNAPSHOT_EVERY_RECORDS,
      flagsOf: log.flagsOf,
      environment: { [DATABASE_VARIABLE]: database },
      beforeRemoval: () => options.log === 'embedded' && disks[0]?.unmount(),
    });
    const [disk] = disks;
    if (disk === undefined) throw new Error('there is no small disk');
    const witness = new Witness(await openLog(options, log, directory));
    let isKept = options.log === 'kafka';
    try {
      const hasPassed = await drillOn(options, { cluster, log, witness, rowsBehind, disk });
      // The embedded log's small disk goes with the run.
      isKept = !hasPassed && options.log === 'kafka';
      return hasPassed ? 0 : 1;
    } finally {
      await witness.close();
      await cluster.stop({ isKept });
      rmSync(join(database, '..'), { recursive: true, force: true });
    }
  } finally {
    await log.close();
  }
}

type Parts = Pick<FullScene, 'log' | 'witness' | 'rowsBehind' | 'disk'> & { readonly cluster: BareCluster };

async function drillOn(options: FullOptions, parts: Parts): Promise<boolean> {
  const { cluster, rowsBehind } = parts;
  const random = mulberry32(options.seed);
  const history: HistoryEntry[] = [];
  const targets = [cluster.gateway, ...cluster.nodes].map((target, at) => ({
    name: at === 0 ? 'the balancer' : `node-${at}`,
    target,
  }));
  let seen: FullScene | undefined;
  const sceneOf = (scene: Scene): FullScene => {
    seen ??= { ...scene, ...parts, random };
    return seen;
  };
  const { clients, minutes, faults, isSoak } = options;
  const vitals: Vital[] = [];
  const everyMs = isSoak ? SOAK_FAULT_EVERY_MS : 0;
  const verdict = await drill({
    options: { ...options, pauseSeconds: PAUSE_SECONDS },
    cluster,
    log: parts.log,
    entries: cityRounds(Math.ceil((minutes + faults.length / 2) * ENTRIES_A_MINUTE)),
    pauseMs: ENTRY_PAUSE_MS,
    snapshotEveryMs: SNAPSHOT_EVERY_MS[isSoak ? 'soak' : 'full'],
    strike: (scene) => wage(sceneOf(scene), { faults, minutes, everyMs, say }),
    beside: (scene, signal) =>
      Promise.all([
        fightOverRegisters(
          { clients, pauseMs: REGISTER_PAUSE_MS, targets, tally: scene.tally, random },
          history,
          signal,
        ),
        rowsBehind.write(cluster.gateway, scene.tally, signal),
        keepLooking(sceneOf(scene), vitals, signal),
      ]),
    judge: async (scene) => {
      const growth = growthOf(vitals);
      if (isSoak) for (const fact of growth.faults) scene.tally.fault('grew', fact);
      const judged = await proof(sceneOf(scene), history, options.least);
      return { ...judged, rows: [...judged.rows, ...growth.rows] };
    },
    show: ({ tally }) =>
      showProgress(
        'drill',
        Math.round(minutes * 60),
        () => Math.round(tally.timeline.sinceStart() / 1000),
        () => `${tally.acknowledged} acknowledged, ${tally.failed} failed, ${tally.timeline.bands.length} faults`,
      ),
  });
  if (seen === undefined) throw new Error('the drill never began');
  const about = {
    options,
    circumstances: circumstances(),
    verdict,
    timeline: seen.tally.timeline,
    tally: seen.tally,
    vitals,
  };
  const out = join(options.out, `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${options.seed}`);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'report.html'), reportOf(about));
  writeFileSync(join(out, 'summary.json'), `${JSON.stringify(summaryOf(about), undefined, 2)}\n`);
  if (!verdict.hasPassed) await keep(out, { history, fates: parts.witness.fates });
  console.log(`\nfull drill, seed ${options.seed}\n${circumstances()}\n\n${tableOf(verdict.rows)}\n`);
  printFaults(verdict.faults);
  console.log(`report: ${join(out, 'report.html')}`);
  if (!verdict.hasPassed) console.log(`to judge its history again: npm run drill -- --recheck ${out}`);
  console.log(verdict.hasPassed ? 'PASSED: nothing lost, nothing doubled, linearizable, all nodes equal' : 'FAILED');
  return verdict.hasPassed;
}

function openLog(options: FullOptions, log: LogServers, directory: string): Promise<CommitLog> {
  if (options.log === 'embedded') return openEmbeddedLog({ dir: join(directory, 'data', 'log') });
  return openKafkaLog({
    // Not by the nodes' ways: the witness must see what happened, whatever the nodes see.
    brokers: log.kafka?.brokers.split(',') ?? [],
    topic: log.topic,
    logger: createLogger('silent', {}),
    startTimeoutMs: 30_000,
    clientId: 'witness',
  });
}

function say(text: string): void {
  process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${text}\n`);
}
