// Verifies after the load that everything acknowledged is there, once, and the same on every node.
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { allReady, checkDigests, type DigestAnswer, type Self, selfOf } from './members.ts';
import { ask, keyPath, type Target } from './requests.ts';
import type { Tally } from './tally.ts';
import { counterKey, type Written } from './writers.ts';

const READY_WITHIN_MS = 90_000;
const KEYS_WITHIN_MS = 5_000;
const READ_TIMEOUT_MS = 10_000;
const READ_TRIES = 20;
const PARALLEL_READS = 16;

export type Verified = {
  readonly nodes: readonly Self[];
  readonly digests: DigestAnswer | undefined;
  /** Reads that compared a value to what was written. */
  readonly compared: number;
};

type Expected = {
  readonly written: Written;
  /** Keys that the cluster must hold in all. */
  readonly keys: number;
  /** Random keys read from each node, besides every key once from one of them. */
  readonly samples: number;
};

/** Reports every loss, doubling and difference to the tally. */
export async function verify(nodes: readonly Target[], expected: Expected, tally: Tally): Promise<Verified> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await allReady(nodes)) && performance.now() < deadline) await delay(100);
  const digests = await verifyDigests(nodes, tally);
  const selves = await verifyKeyCounts(nodes, expected.keys, tally);
  await verifyCounters(nodes, expected.written, tally);
  const compared = await verifyEntries(nodes, expected, tally);
  return { nodes: selves, digests, compared };
}

async function verifyDigests(nodes: readonly Target[], tally: Tally): Promise<DigestAnswer | undefined> {
  const [first] = nodes;
  const answer = first === undefined ? 'there is no node' : await checkDigests(first);
  if (typeof answer === 'string') {
    tally.fault('different', `digests could not be compared: ${answer}`);
    return undefined;
  }
  const digests = Object.values(answer.digests);
  if (!answer.agreed || digests.length < nodes.length || new Set(digests).size !== 1) {
    tally.fault('different', `digests at revision ${answer.revision}: ${JSON.stringify(answer.digests)}`);
  }
  return answer;
}

/** Heartbeats bring the counts within seconds. */
async function verifyKeyCounts(nodes: readonly Target[], keys: number, tally: Tally): Promise<readonly Self[]> {
  const deadline = performance.now() + KEYS_WITHIN_MS;
  for (;;) {
    const selves = (await Promise.all(nodes.map(selfOf))).filter((self) => self !== undefined);
    const isEqual = selves.length === nodes.length && selves.every((self) => self.keys === keys);
    if (isEqual) return selves;
    if (performance.now() > deadline) {
      for (const self of selves)
        if (self.keys !== keys) tally.fault('different', `${self.node} has ${self.keys} keys, not ${keys}`);
      if (selves.length < nodes.length)
        tally.fault('different', `only ${selves.length} of ${nodes.length} nodes say their key count`);
      return selves;
    }
    await delay(200);
  }
}

async function verifyCounters(nodes: readonly Target[], written: Written, tally: Tally): Promise<void> {
  for (const node of nodes) {
    for (const [n, count] of written.counts.entries()) {
      const answer = await readPatiently(node, keyPath(counterKey(n)));
      const value = answer?.status === 404 ? 0 : Number(answer?.body ?? Number.NaN);
      if (value === count) continue;
      tally.fault(
        value > count ? 'doubled' : 'lost',
        `counter ${n} is ${value} on port ${node.port} after ${count} increments`,
      );
    }
  }
}

/** Every acknowledged entry from one node, and `samples` random ones from each. */
async function verifyEntries(nodes: readonly Target[], expected: Expected, tally: Tally): Promise<number> {
  const { written, samples } = expected;
  const acknowledged = written.acknowledgedOrder;
  let compared = 0;
  const work = async (node: Target, indexes: Iterator<number>) => {
    for (let next = indexes.next(); next.done !== true; next = indexes.next()) {
      await verifyEntry(node, written, next.value, tally);
      compared += 1;
    }
  };
  const ofNode = (node: Target, place: number) => {
    const indexes = indexesFor(acknowledged, place, nodes.length, samples);
    return Array.from({ length: PARALLEL_READS }, () => work(node, indexes));
  };
  await Promise.all(nodes.flatMap(ofNode));
  return compared;
}

function* indexesFor(
  acknowledged: readonly number[],
  place: number,
  nodes: number,
  samples: number,
): Generator<number> {
  for (let at = place; at < acknowledged.length; at += nodes) yield acknowledged[at] ?? 0;
  if (acknowledged.length === 0) return;
  for (let i = 0; i < samples; i++) yield acknowledged[randomInt(acknowledged.length)] ?? 0;
}

async function verifyEntry(node: Target, written: Written, index: number, tally: Tally): Promise<void> {
  const entry = written.entries[index];
  if (entry === undefined) return;
  const answer = await readPatiently(node, keyPath(entry.key));
  if (answer === undefined) tally.fault('different', `${entry.key} could not be read from port ${node.port}`);
  else if (answer.status === 404) tally.fault('lost', `${entry.key} is not on port ${node.port}`);
  else if (answer.body !== entry.value)
    tally.fault('different', `${entry.key} on port ${node.port} is not as in the file`);
  else if (answer.revision !== written.revisions[index]) {
    const fact = `was acknowledged at revision ${written.revisions[index]}, but is of ${answer.revision} on port ${node.port}`;
    tally.fault('doubled', `${entry.key} ${fact}`);
  }
}

async function readPatiently(node: Target, path: string) {
  for (let i = 0; i < READ_TRIES; i++) {
    const answer = await ask(node, { method: 'GET', path }, READ_TIMEOUT_MS);
    if (answer.kind === 'answered' && (answer.status === 200 || answer.status === 404)) return answer;
    await delay(100);
  }
  return undefined;
}
