// The operator of the drill: asks now this node, now that one for a snapshot, and writes down which were verified and how far the log was trimmed.
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import type { Row } from './report.ts';
import { ask, type Target } from './requests.ts';
import type { Tally } from './tally.ts';

const ASK_EVERY_MS = 2000;
const LOOK_TIMEOUT_MS = 2000;
const SNAPSHOT_TIMEOUT_MS = 30_000;
/** How long after the load a trim may still be waited for. */
const PATIENCE_MS = 60_000;

type Seen = { readonly verified: Set<number>; readonly trimmedBelow: Set<number> };

type Operator = {
  /** Goes on until the log was trimmed at least once, or patience ends; then says what happened. */
  finish(): Promise<readonly Row[]>;
};

/** Begins at once. It is a fault of the drill when the log was never trimmed. */
export function operate(cluster: ClusterUnderTest, tally: Tally, askEveryMs = ASK_EVERY_MS): Operator {
  const seen: Seen = { verified: new Set(), trimmedBelow: new Set() };
  const stop = new AbortController();
  const work = keepTaking(cluster, seen, askEveryMs, stop.signal);
  return {
    async finish() {
      const deadline = performance.now() + PATIENCE_MS;
      while (seen.trimmedBelow.size === 0 && performance.now() < deadline) await delay(100);
      stop.abort();
      await work;
      if (seen.trimmedBelow.size === 0) tally.fault('ineffective', 'the log was never trimmed');
      return [['snapshots', `${seen.verified.size} verified, the log trimmed ${seen.trimmedBelow.size} times`]];
    },
  };
}

async function keepTaking({ nodes }: ClusterUnderTest, seen: Seen, askEveryMs: number, signal: AbortSignal) {
  for (let turn = 0; !signal.aborted; turn++) {
    const asked = nodes[turn % nodes.length];
    // A node that is down or refuses is no fault here.
    if (asked !== undefined)
      await ask(asked, { method: 'POST', path: '/v1/snapshots?timeout=20s' }, SNAPSHOT_TIMEOUT_MS);
    await delay(askEveryMs, undefined, { signal }).catch(() => {});
    await Promise.all(nodes.map((node) => look(node, seen)));
  }
}

async function look(node: Target, seen: Seen): Promise<void> {
  const answer = await ask(node, { method: 'GET', path: '/v1/cluster' }, LOOK_TIMEOUT_MS);
  if (answer.kind === 'lost' || answer.status !== 200) return;
  const { snapshots } = JSON.parse(answer.body) as {
    readonly snapshots: { readonly verified: readonly { readonly revision: number }[]; readonly trimmedBelow: number };
  };
  for (const { revision } of snapshots.verified) seen.verified.add(revision);
  if (snapshots.trimmedBelow > 0) seen.trimmedBelow.add(snapshots.trimmedBelow);
}
