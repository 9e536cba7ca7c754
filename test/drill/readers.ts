// The reading load: what was acknowledged must be seen through the gateway, and every node's reads must be as fresh as they say.
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { type FreshnessRecord, staleness } from './freshness.ts';
import { ask, keyPath, type Target } from './requests.ts';
import type { Tally } from './tally.ts';
import { CLOCK_KEY, type Written } from './writers.ts';

const TIMEOUT_MS = 10_000;
const READ_EVERY_MS = 10;
const CONSISTENCIES = ['eventual', 'session', 'linearizable'] as const;

/**
 * Reads of acknowledged entries through the balancer: each must be there, as it was written. Plain reads where the gateway of
 * `npm start` passes the token on, else with the token that the write answered.
 */
export async function readThroughGateway(
  { gateway, isSupervised }: ClusterUnderTest,
  written: Written,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await delay(READ_EVERY_MS);
    const { acknowledgedOrder, entries } = written;
    const index = acknowledgedOrder[Math.floor(Math.random() * acknowledgedOrder.length)];
    if (index === undefined) continue;
    const entry = entries[index];
    if (entry === undefined) continue;
    const headers = isSupervised ? {} : { 'chorus-min-revision': String(written.revisions[index]) };
    const answer = await ask(gateway, { method: 'GET', path: keyPath(entry.key), headers }, TIMEOUT_MS);
    tally.reads += 1;
    if (answer.kind === 'lost') tally.fail(`read: ${answer.trouble}`);
    else if (answer.status === 404)
      tally.fault('stale', `${entry.key} was acknowledged, but not found through the gateway`);
    else if (answer.status !== 200) tally.fail(`read: ${answer.status}`);
    else if (answer.body !== entry.value)
      tally.fault('different', `${entry.key} read through the gateway is not what was written`);
  }
}

/** Reads the ever-changing key from one node in all three consistencies. A node that is down or refuses is no fault here. */
export async function readFromNode(
  node: Target,
  record: FreshnessRecord,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    await delay(READ_EVERY_MS);
    const consistency = CONSISTENCIES[turn % CONSISTENCIES.length] ?? 'eventual';
    const sentAt = performance.now();
    const token = record.newestBefore(sentAt);
    if (token === 0) continue;
    const headers = consistency === 'session' ? { 'chorus-min-revision': String(token) } : {};
    const path = keyPath(CLOCK_KEY, `?consistency=${consistency}`);
    const answer = await ask(node, { method: 'GET', path, headers }, TIMEOUT_MS);
    if (answer.kind === 'lost' || (answer.status !== 200 && answer.status !== 404)) {
      await delay(50);
      continue;
    }
    tally.reads += 1;
    const revision = answer.status === 404 ? 0 : answer.revision;
    const fact = staleness(record, { consistency, node: answer.node, sentAt, revision, lagMs: answer.lagMs, token });
    if (fact !== undefined) tally.fault('stale', fact);
  }
}
