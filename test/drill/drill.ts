// One drill from load to verdict: writers, readers and counters run, the fault strikes, everything is verified.

import type { CityEntry } from './city-entries.ts';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { FreshnessRecord } from './freshness.ts';
import type { LogServers } from './log-servers.ts';
import { operate } from './operator.ts';
import { readFromNode, readThroughGateway } from './readers.ts';
import { durationText, type Row } from './report.ts';
import { ask, keyPath } from './requests.ts';
import type { LoadOptions, Scene } from './scene.ts';
import { Tally } from './tally.ts';
import { type Verified, verify } from './verification.ts';
import { CLOCK_KEY, count, keepChanging, nothingWritten, writeEntries } from './writers.ts';

const COUNTERS = 4;
const GATEWAY_READERS = 2;

export type Verdict = {
  readonly hasPassed: boolean;
  readonly rows: readonly Row[];
  readonly faults: readonly string[];
};

type DrillPlan = {
  readonly options: LoadOptions;
  readonly cluster: ClusterUnderTest;
  readonly log: LogServers;
  readonly entries: readonly CityEntry[];
  strike(scene: Scene): Promise<void>;
  /** Shows how far the load is; answers what ends the showing. */
  show(scene: Scene): () => void;
  /** Given, the load ends when the faults do, and each connection pauses so long after each entry; otherwise when all entries are written. */
  readonly pauseMs?: number;
  /** Between two snapshots that the operator asks for; default: 2 s. */
  readonly snapshotEveryMs?: number;
  /** Further load, until the signal aborts. */
  beside?(scene: Scene, signal: AbortSignal): Promise<unknown>;
  /** After the load: what else must hold, told to the tally. */
  judge?(scene: Scene): Promise<Judged>;
};

export type Judged = {
  /** Keys that the cluster must hold in all. */
  readonly keys: number;
  readonly rows: readonly Row[];
};

export async function drill(plan: DrillPlan): Promise<Verdict> {
  const { options, cluster, pauseMs } = plan;
  const tally = new Tally();
  const written = nothingWritten(plan.entries, COUNTERS);
  const record = new FreshnessRecord();
  const rows: Row[] = [];
  const scene: Scene = { options, cluster, log: plan.log, written, tally, record, rows };
  const stop = new AbortController();
  const loadEnds = new AbortController();
  const sideLoad = [
    count(cluster.gateway.port, written, tally, stop.signal),
    keepChanging(cluster.gateway, record, tally, stop.signal),
    ...Array.from({ length: GATEWAY_READERS }, () => readThroughGateway(cluster, written, tally, stop.signal)),
    ...cluster.nodes.map((node) => readFromNode(node, record, tally, stop.signal)),
    plan.beside?.(scene, stop.signal),
  ];
  const operator = operate(cluster, tally, plan.snapshotEveryMs);
  const endProgress = plan.show(scene);
  const struck = plan
    .strike(scene)
    .catch((error: Error) => tally.fault('ineffective', error.message))
    .finally(() => pauseMs !== undefined && loadEnds.abort());
  const load = { connections: options.connections, signal: loadEnds.signal };
  await writeEntries(cluster.gateway, written, tally, pauseMs === undefined ? load : { ...load, pauseMs });
  const loadMs = performance.now() - tally.startedAt;
  endProgress();
  await struck;
  stop.abort();
  await Promise.all(sideLoad);
  rows.push(...(await operator.finish()));
  const verifiedFrom = performance.now();
  const { keys, rows: judged } = (await plan.judge?.(scene)) ?? { keys: await keysExpected(scene), rows: [] };
  rows.push(...judged);
  const verified = await verify(cluster.nodes, { written, keys, samples: options.samples }, tally);
  return verdictOf(scene, verified, loadMs, performance.now() - verifiedFrom);
}

/** The places, the counters that count, and the single keys of the load and the faults. */
async function keysExpected({ written, cluster, tally }: Scene): Promise<number> {
  const single = await Promise.all(
    [CLOCK_KEY, 'drill/after-pause'].map((key) => ask(cluster.gateway, { method: 'GET', path: keyPath(key) }, 10_000)),
  );
  const singleKeys = single.filter((answer) => answer.kind === 'answered' && answer.status === 200).length;
  const counters = written.counts.filter((count) => count > 0).length;
  return written.acknowledgedOrder.length + tally.unresolved + counters + singleKeys;
}

function verdictOf(scene: Scene, verified: Verified, loadMs: number, verifyMs: number): Verdict {
  const { tally, written, rows } = scene;
  if (tally.unresolved > 0) tally.fault('unresolved', `${tally.unresolved} writes never became known`);
  const increments = written.counts.reduce((sum, count) => sum + count, 0);
  const perSecond = Math.round(tally.acknowledged / (loadMs / 1000));
  const table: Row[] = [
    [
      'acknowledged writes',
      `${tally.acknowledged} (${written.acknowledgedOrder.length} places, ${increments} increments)`,
    ],
    [
      'unknown answers',
      `${tally.unknown}, all repeated with the same id until known: ${tally.unresolved === 0 ? 'yes' : 'NO'}`,
    ],
    ['lost', String(tally.faultsOf('lost'))],
    ['doubled', String(tally.faultsOf('doubled'))],
    ['different', String(tally.faultsOf('different'))],
    ['stale reads', `${tally.faultsOf('stale')} of ${tally.reads} while it ran`],
    ['failed requests at the client', tally.failed === 0 ? '0' : `${tally.failed} (${tally.failuresText})`],
    ['longest pause between two acknowledgements', pauseText(tally)],
    ['slowest write', durationText(tally.slowestWriteMs)],
    ...rows,
    ...verified.nodes.map(
      (self): Row => [
        self.node,
        `revision ${self.revision}, ${self.keys} keys, digest ${digestOf(verified, self.node)}`,
      ],
    ),
    ['values compared', `${verified.compared} in ${durationText(verifyMs)}`],
    ['load', `${durationText(loadMs)}, ${perSecond} writes/s`],
  ];
  const faults = [...tally.faults].flatMap(([kind, facts]) => facts.map((fact) => `${kind}: ${fact}`));
  return { hasPassed: faults.length === 0, rows: table, faults };
}

function digestOf(verified: Verified, node: string): string {
  return verified.digests?.digests[node] ?? 'unknown';
}

function pauseText(tally: Tally): string {
  return `${durationText(tally.longestPauseMs)}, ${durationText(tally.longestPauseAt - tally.startedAt)} after the start`;
}
