// npm run drill:write-behind: writes behind through three real nodes while the flusher and the database are killed, and compares at the end.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { among, countOf, freshSeed, numbersOf, runCommandLine } from '../../command-line.ts';
import { mulberry32 } from '../../random.ts';
import { available } from '../../servers/available.ts';
import { type ChorusNodes, startChorusNodes } from '../../servers/chorus.ts';
import { temporaryDirectory } from '../../servers/places.ts';
import { until } from '../faults.ts';
import { type LogServers, startLog } from '../log-servers.ts';
import { checkDigests } from '../members.ts';
import { circumstances, durationText, printFaults, showProgress, tableOf } from '../report.ts';
import { ask, targetOf } from '../requests.ts';
import { Tally } from '../tally.ts';
import { type BehindNode, type BehindScene, KILLS, killDuty, stopDatabase, stopDuty, viewOf } from './behind-faults.ts';
import { CACHE, entryPath, loadBehind, versionIn } from './behind-load.ts';
import { startHeldWay } from './held-way.ts';
import { faultsOf, type WrittenKey } from './history-faults.ts';
import { type KeptHistory, startKeptHistory, TABLE } from './kept-history.ts';

const USAGE = `usage: npm run drill:write-behind -- [options]
  --writes <n>            at least so many (50000)
  --rate <n>              writes a second while the faults strike; afterwards without bound (600)
  --keys <n>              rows that are written again and again (5000)
  --lanes <n>             writes under way at once (32)
  --kills <n>             of the node that flushes (10)
  --outage <seconds>      for which the database is down (20)
  --stops <n>             of the node that flushes, in the middle of a flush, until another one has flushed (2)
  --log embedded|kafka    the commit log (embedded); --log kafka starts a broker
  --brokers <host:port,…> a Kafka that runs already
  --quick                 2000 writes, 2 kills, 2 s, 1 stop
  --seed <n>              of the random choices
  --help                  this

Three nodes, a cache written behind, a real PostgreSQL that writes down each change. At the end the rows must be as the last
writes and as the cache, and no row may ever have gone back to an older write. The exit code is 1 when one has, and when a
fault did not take effect.`;

const DEFAULTS = { writes: 50_000, rate: 600, keys: 5000, lanes: 32, kills: 10, outage: 20, stops: 2 };
const QUICK = { writes: 2000, rate: 250, keys: 500, lanes: 16, kills: 2, outage: 2, stops: 1 };
type Options = typeof DEFAULTS & {
  readonly log: 'embedded' | 'kafka';
  readonly brokers: string | undefined;
  readonly seed: number;
};

const NODES = 3;
const FLUSHED_WITHIN_MS = 120_000;
const READ_TIMEOUT_MS = 10_000;
const SOURCES = join(import.meta.dirname, '../../../src/cache/sources');

await runCommandLine({ usage: USAGE, read: readOptions, run: main });

async function main(options: Options): Promise<number> {
  if (!available('postgres')) return 0;
  const log = await startLog({ log: options.log, brokers: options.brokers, brokersCount: 1 });
  const database = await startKeptHistory();
  try {
    return await drillOn(options, log, database);
  } finally {
    await database.close();
    await log.close();
  }
}

async function drillOn(options: Options, log: LogServers, database: KeptHistory): Promise<number> {
  const ways = await Promise.all(Array.from({ length: NODES }, () => startHeldWay(database.server.port)));
  const directory = temporaryDirectory('drill');
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'config.ts');
  writeFileSync(config, configText(ways.map(({ port }) => port)));
  let chorus: ChorusNodes | undefined;
  try {
    chorus = await startChorusNodes({ nodes: NODES, flags: ['--config', config, ...log.flagsOf(0)] });
    const nodes = chorus.nodes.flatMap((server, at): BehindNode[] => {
      const way = ways[at];
      return way === undefined ? [] : [{ server, way, target: targetOf(server.port, 64) }];
    });
    const { tally, rows } = await drill(options, { nodes, database, tally: new Tally(), rows: [] });
    const faults = [...tally.faults].flatMap(([kind, facts]) => facts.map((fact) => `${kind}: ${fact}`));
    console.log(`\nwrite-behind drill on ${log.name}, seed ${options.seed}\n${circumstances()}\n\n${tableOf(rows)}\n`);
    printFaults(faults);
    console.log(faults.length === 0 ? 'PASSED: the database is as the cache, and never went back' : 'FAILED');
    return faults.length === 0 ? 0 : 1;
  } finally {
    await chorus?.close();
    for (const way of ways) way.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function drill(options: Options, scene: BehindScene): Promise<BehindScene> {
  const { nodes, tally, rows } = scene;
  const random = mulberry32(options.seed);
  let areStruck = false;
  const struck = strike(options, scene, random)
    .catch((error: Error) => tally.fault('ineffective', error.message))
    .finally(() => {
      areStruck = true;
    });
  const { lanes, keys, writes, rate } = options;
  const note = () => `${tally.failed} failed, ${rows.at(-1)?.join(': ') ?? ''}`;
  const endProgress = showProgress('load', writes, () => tally.acknowledged, note);
  const targets = nodes.map(({ target }) => target);
  const load = { nodes: targets, lanes, keys, random, rate: () => (areStruck ? undefined : rate) };
  const written = await loadBehind(load, tally, () => areStruck && tally.acknowledged >= writes);
  const loadMs = performance.now() - tally.startedAt;
  endProgress();
  await struck;
  await compare(scene, written);
  if (tally.unresolved > 0) tally.fault('unresolved', `${tally.unresolved} writes never became known`);
  rows.unshift(
    ['acknowledged writes', `${tally.acknowledged} in ${durationText(loadMs)}, of ${written.size} keys`],
    ['failed requests, tried again', tally.failed === 0 ? '0' : `${tally.failed} (${tally.failuresText})`],
    ['longest pause between two', durationText(tally.longestPauseMs)],
    ["stale reads with the write's token", `${tally.faultsOf('stale')} of ${tally.reads}`],
  );
  return scene;
}

async function strike(options: Options, scene: BehindScene, random: () => number): Promise<void> {
  const { kills, stops, outage } = options;
  await until(() => scene.tally.acknowledged >= options.rate / 2, FLUSHED_WITHIN_MS, 'a load');
  const kill = async (n: number) => {
    await delay(random() * 500);
    await killDuty(scene, KILLS[n % KILLS.length] ?? 'at any moment', n % 2 === 1);
  };
  const half = kills >> 1;
  for (let n = 0; n < half; n++) await kill(n);
  if (outage > 0) await stopDatabase(scene, outage);
  for (let n = half; n < kills; n++) await kill(n);
  for (let n = 0; n < stops; n++) await stopDuty(scene, n % 2 === 0 ? 'fence' : 'commit');
}

/** After the load: all is flushed, nodes, cache and database are equal, and no row ever went back. */
async function compare(scene: BehindScene, written: ReadonlyMap<string, WrittenKey>): Promise<void> {
  const { nodes, database, tally, rows } = scene;
  const [first] = nodes;
  if (first === undefined) return;
  const beganAt = performance.now();
  const isFlushed = async () => (await viewOf(first.target))?.unsaved === 0;
  await until(isFlushed, FLUSHED_WITHIN_MS, 'the last flush').catch((error: Error) =>
    tally.fault('lost', error.message),
  );
  rows.push(['all flushed', `${durationText(performance.now() - beganAt)} after the load`]);
  const digests = await checkDigests(first.target);
  if (typeof digests === 'string' || !digests.agreed) tally.fault('different', `digests: ${JSON.stringify(digests)}`);
  const history = await database.history();
  const kept = await database.rows();
  for (const { target, server } of nodes) {
    const entries = await entriesOf(target, [...written.keys()]);
    const { faults, again } = faultsOf({ written, rows: kept, entries, history });
    for (const { kind, fact } of faults) {
      // What is wrong with the database is told once.
      if (target === first.target || kind === 'different') tally.fault(kind, `${fact}, compared with ${server.id}`);
    }
    if (target !== first.target) continue;
    rows.push(['changes committed to the database', `${history.length}, ${again} of them once more the same`]);
  }
  rows.push(['compared', `${kept.size} rows with the entries of ${nodes.length} nodes`]);
  for (const kind of ['lost', 'different', 'older']) rows.push([kind, String(tally.faultsOf(kind))]);
}

async function entriesOf(node: BehindNode['target'], keys: readonly string[]) {
  const entries = new Map<string, number | undefined>();
  const rest = keys.values();
  const work = async () => {
    for (const key of rest) {
      const answer = await ask(node, { method: 'GET', path: entryPath(key) }, READ_TIMEOUT_MS);
      if (answer.kind === 'lost') throw new Error(`${key} cannot be read: ${answer.trouble}`);
      entries.set(key, versionIn(answer));
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return entries;
}

/** Each node has a way of its own to the database. There is no revision column: the fence alone keeps rows from going back. */
function configText(ports: readonly number[]): string {
  const from = (file: string) => JSON.stringify(pathToFileURL(join(SOURCES, file)).href);
  return `// The drill's.
import { postgresDatabase } from ${from('postgres-database.ts')};
import { rows } from ${from('rows.ts')};

const ports = ${JSON.stringify(ports)};
const node = process.argv[process.argv.indexOf('--node-id') + 1];
const url = \`postgres://postgres@127.0.0.1:\${ports[Number(node.slice('node-'.length)) - 1]}/postgres\`;

export const config = {
  caches: {
    ${CACHE}: {
      source: () =>
        rows(postgresDatabase({ url, statementTimeout: '8s' }), {
          table: '${TABLE}',
          columns: { id: 'text', version: 'integer', note: 'text' },
          key: 'id',
        }),
      pattern: 'behind',
      ttl: '1h',
    },
  },
};
`;
}

function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      writes: { type: 'string' },
      rate: { type: 'string' },
      keys: { type: 'string' },
      lanes: { type: 'string' },
      kills: { type: 'string' },
      outage: { type: 'string' },
      stops: { type: 'string' },
      log: { type: 'string', default: 'embedded' },
      brokers: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: freshSeed() },
    },
  });
  return {
    ...numbersOf(values.quick ? QUICK : DEFAULTS, values, (name, text) => countOf(name, text, 0)),
    log: among('log', values.log, ['embedded', 'kafka'] as const),
    brokers: values.brokers,
    seed: countOf('seed', values.seed, 0),
  };
}
