// A load through a balancer: counting writers that repeat what is unknown until it is known, and readers there and at every node directly.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answered, ask, keyPath, type Lost, type Target } from '../drill/requests.ts';
import { until } from '../servers/chorus.ts';
import { FreshnessHistory, type SeenRead } from './freshness-history.ts';

/** One request and its answer; times in milliseconds of `performance.now()`. */
export type Seen = {
  /** `nginx`, or the id of the node that was asked directly. */
  readonly via: string;
  readonly consistency: SeenRead['consistency'] | 'write';
  readonly sentAt: number;
  readonly answeredAt: number;
  /** 0: no answer. */
  readonly status: number;
  readonly node: string;
  /** Of a problem document. */
  readonly code: string;
  readonly outcome: string;
  readonly lagMs: number;
  /** How old what was read truly was, at least. */
  readonly missedMs: number;
};

export type BalancedLoad = {
  /** Every request so far, failed ones too. */
  readonly seen: readonly Seen[];
  /** Sentences: whatever was lost, doubled or stale. */
  readonly faults: readonly string[];
  /** Resolves when at least `count` further writes were acknowledged. */
  acknowledges(count: number): Promise<void>;
  /** Ends it; every write begun is known afterwards. */
  stop(): Promise<void>;
  /** By key: the number that it must have now. */
  counts(): ReadonlyMap<string, number>;
};

type Balanced = {
  readonly nginx: Target;
  readonly nodes: readonly (Target & { readonly id: string })[];
};

const WRITERS = 6;
const CONSISTENCIES = ['eventual', 'session', 'linearizable'] as const;
const PATIENCE_MS = 60_000;
const READ_EVERY_MS = 20;

type Counter = { readonly key: string; readonly history: FreshnessHistory; count: number };

/** Resolves when every writer's key is there on every node. */
export async function startBalancedLoad({ nginx, nodes }: Balanced, name: string): Promise<BalancedLoad> {
  const seen: Seen[] = [];
  const faults: string[] = [];
  const counters: Counter[] = Array.from({ length: WRITERS }, (_, n) => ({
    key: `${name}/${n}`,
    history: new FreshnessHistory(),
    count: 0,
  }));
  let acknowledged = 0;
  let isOn = true;

  const write = async (counter: Counter) => {
    do await increment(counter);
    while (isOn);
  };

  const increment = async (counter: Counter) => {
    const headers = { 'idempotency-key': randomUUID() };
    for (let isKnown = false; !isKnown; ) {
      const sentAt = performance.now();
      const question = { method: 'POST', path: keyPath(counter.key, '?op=increment'), headers, body: '' } as const;
      const answer = await ask(nginx, question, PATIENCE_MS);
      seen.push(seenOf('nginx', 'write', sentAt, answer, 0));
      isKnown = answer.kind === 'answered' && answer.status === 200;
      if (answer.kind !== 'answered' || !isKnown) {
        await delay(READ_EVERY_MS);
        continue;
      }
      counter.count += 1;
      acknowledged += 1;
      counter.history.acknowledge(performance.now(), answer.revision);
      if (answer.body !== String(counter.count)) {
        faults.push(`${counter.key} was answered ${answer.body} to its successful increment ${counter.count}`);
        counter.count = Number(answer.body);
      }
    }
  };

  const read = async (via: string, target: Target, consistency: SeenRead['consistency']) => {
    for (let turn = 0; isOn; turn += 1) {
      const counter = counters[turn % counters.length];
      if (counter === undefined) return;
      const sentAt = performance.now();
      const token = consistency === 'session' ? counter.history.newest : 0;
      const headers: Record<string, string> = token === 0 ? {} : { 'chorus-min-revision': String(token) };
      const path = keyPath(counter.key, `?consistency=${consistency}`);
      const answer = await ask(target, { method: 'GET', path, headers }, PATIENCE_MS);
      let missedMs = 0;
      if (answer.kind === 'answered' && (answer.status === 200 || answer.status === 404)) {
        const revision = answer.status === 200 ? answer.revision : 0;
        const found = { consistency, sentAt, revision, lagMs: answer.lagMs, token };
        missedMs = counter.history.missedMs(found);
        const fault = counter.history.fault(found);
        if (fault !== undefined) faults.push(`${answer.node} by way of ${via}: ${fault}`);
      }
      seen.push(seenOf(via, consistency, sentAt, answer, missedMs));
      await delay(READ_EVERY_MS);
    }
  };

  await Promise.all(counters.map(increment));
  for (const node of nodes) await Promise.all(counters.map((counter) => isSeenAt(node, counter)));
  const workers = [
    ...counters.map(write),
    ...Array.from({ length: 3 }, () => read('nginx', nginx, 'eventual')),
    ...nodes.flatMap((node) => CONSISTENCIES.map((consistency) => read(node.id, node, consistency))),
  ];
  return {
    seen,
    faults,
    async acknowledges(count) {
      const target = acknowledged + count;
      await until(`${count} more acknowledged writes`, async () => acknowledged >= target);
    },
    async stop() {
      isOn = false;
      await Promise.all(workers);
    },
    counts: () => new Map(counters.map(({ key, count }) => [key, count])),
  };
}

/** The longest time between two acknowledged writes, in milliseconds. */
export function longestPauseMs(load: BalancedLoad): number {
  const times = load.seen.filter(({ consistency, status }) => consistency === 'write' && status === 200);
  return times.reduce((longest, one, at) => Math.max(longest, one.answeredAt - (times[at - 1] ?? one).answeredAt), 0);
}

/** Which share of these requests each node answered. */
export function readsByNode(seen: readonly Seen[]): Readonly<Record<string, number>> {
  const shares: Record<string, number> = {};
  for (const { node } of seen) shares[node] = (shares[node] ?? 0) + 1 / seen.length;
  return shares;
}

/** How these requests were answered: `write 504 timed-out unknown` to how often. */
export function answersOf(seen: readonly Seen[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const one of seen) {
    const how = [one.consistency, one.status, one.code, one.outcome].filter((part) => part !== '').join(' ');
    counts[how] = (counts[how] ?? 0) + 1;
  }
  return counts;
}

async function isSeenAt(node: Target, { key, history }: Counter): Promise<void> {
  const headers = { 'chorus-min-revision': String(history.newest) };
  await ask(node, { method: 'GET', path: keyPath(key), headers }, PATIENCE_MS);
}

function seenOf(
  via: string,
  consistency: Seen['consistency'],
  sentAt: number,
  answer: Answered | Lost,
  missedMs: number,
): Seen {
  const common = { via, consistency, sentAt, answeredAt: performance.now(), missedMs };
  if (answer.kind === 'lost') {
    return { ...common, status: 0, node: '', code: answer.trouble, outcome: '', lagMs: Number.NaN };
  }
  const { status, node, lagMs, body } = answer;
  const problem = status >= 400 ? (JSON.parse(body) as { code?: string; outcome?: string }) : {};
  return { ...common, status, node, lagMs, code: problem.code ?? '', outcome: problem.outcome ?? '' };
}
