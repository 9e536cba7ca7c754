// What a drill's fault has to work with, and how it waits for its moment in the load.
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { until } from './faults.ts';
import type { FreshnessRecord } from './freshness.ts';
import type { LogServers } from './log-servers.ts';
import type { Row } from './report.ts';
import type { Tally } from './tally.ts';
import type { Written } from './writers.ts';

export type LoadOptions = {
  readonly connections: number;
  /** Keys read from each node at the end. */
  readonly samples: number;
  readonly seed: number;
  /** For which one node is stopped; 0: none is. */
  readonly pauseSeconds: number;
};

export type Scene = {
  readonly options: LoadOptions;
  readonly cluster: ClusterUnderTest;
  readonly log: LogServers;
  readonly written: Written;
  readonly tally: Tally;
  readonly record: FreshnessRecord;
  /** What the fault did, for the table. */
  readonly rows: Row[];
};

const LOAD_WITHIN_MS = 600_000;

/** Resolves when this share of the entries is acknowledged; a fault that comes after the load proves nothing. */
export async function reached(scene: Scene, share: number): Promise<void> {
  const { written, tally } = scene;
  const due = Math.floor(written.entries.length * share);
  await until(() => written.acknowledgedOrder.length >= due, LOAD_WITHIN_MS, `${due} acknowledged places`);
  if (written.acknowledgedOrder.length === written.entries.length) {
    tally.fault('ineffective', `the load was over before the fault at ${share.toFixed(2)} of it: too few places`);
  }
}
