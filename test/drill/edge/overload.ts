// npm run drill:overload: what becomes of a cluster that is offered several times what it can do, and how soon it is back.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { processorMicroseconds } from '../../bench/servers.ts';
import { amountOf, countOf, runCommandLine } from '../../command-line.ts';
import { type ChorusNodes, startChorusNodes } from '../../servers/chorus.ts';
import { circumstances } from '../report.ts';
import { type LoadRun, runLoad, totals } from './load.ts';
import type { OpenLoopSecond } from './open-loop.ts';

const USAGE = `usage: npm run drill:overload -- [options]
  --minutes <n>      of the overload (5)
  --times <n>        how many times the peak is offered (3)
  --connections <n>  of the offering clients, over all nodes (6000): with too few they wait for answers and offer less
  --writes <share>   of the requests (0.5)
  --nodes <n>        on the embedded log (3)
  --quick            6 s of overload, and judged by what a crowded machine does not spoil: every answer is that of a served request,
                     429 with Retry-After, or 503; no connection breaks; no node ends; a light load is served whole again within 15 s
  --help             this

All nodes together are bound to one processor and the clients to another, also while the peak is measured, so that what is offered takes
nothing from those who serve. The peak is the best of closed loops. A connection has one request under way: what finds none free within
100 ms is not sent, and how much was sent is said. The exit code is 1 when the goodput was below 80 % of the peak, when less than 95 % of
what was sent and not served was answered 429 with Retry-After, or when a light load was not served whole and quickly from 5 s after
the end on.`;

const WRONG = { goodput: 0.8, refused: 0.95, backWithinSeconds: 5 } as const;
/** Undefined where there is only one. */
const NODES_PROCESSOR = availableParallelism() > 1 ? 0 : undefined;
const CLIENTS_PROCESSOR = availableParallelism() > 1 ? 1 : undefined;

const FORMS = {
  full: { loops: [32, 96, 288, 864], loopSeconds: 6, beforeSeconds: 5, afterSeconds: 12 },
  quick: { loops: [96, 288], loopSeconds: 3, beforeSeconds: 3, afterSeconds: 15 },
} as const;

type Options = ReturnType<typeof readOptions>;

await runCommandLine({ usage: USAGE, read: readOptions, run: main });

async function main({ isQuick, minutes, times, connections, writeShare, nodes }: Options): Promise<number> {
  const form = FORMS[isQuick ? 'quick' : 'full'];
  const seconds = Math.round(minutes * 60);
  const cluster = await startChorusNodes({ nodes });
  const common = { ports: cluster.nodes.map(({ port }) => port), writeShare, patienceMs: 5000 };
  try {
    console.log(circumstances());
    bind(cluster);
    const peak = await peakOf(cluster, common, form);
    const ratePerSecond = Math.round(peak * times);
    const light = { ...common, ratePerSecond: Math.round(peak / 5), connections: 64 };
    const before = await load(cluster, 'light load', { ...light, seconds: form.beforeSeconds });
    const over = await load(cluster, 'overload', { ...common, ratePerSecond, seconds, connections });
    const after = await load(cluster, 'light load', { ...light, seconds: form.afterSeconds });
    const facts = { peak, ratePerSecond, before, over, after };
    tell(facts);
    const isSound = isQuick ? isOrderly(cluster, facts) : isGood(facts);
    console.log(isSound ? 'SOUND' : 'NOT SOUND');
    return isSound ? 0 : 1;
  } finally {
    for (const { id, server } of cluster.nodes) {
      const pauses = server.output.split('was stopped for a while').length - 1;
      if (pauses > 0) console.log(`${id} took itself for stopped ${pauses} times`);
    }
    await cluster.close();
  }
}

function bind(cluster: ChorusNodes): void {
  const where = `nodes on processor ${NODES_PROCESSOR}, clients on processor ${CLIENTS_PROCESSOR}`;
  console.log(NODES_PROCESSOR === undefined ? 'nodes and clients share the one processor' : where);
  if (NODES_PROCESSOR === undefined) return;
  for (const { server } of cluster.nodes)
    execFileSync('taskset', ['-a', '-c', '-p', String(NODES_PROCESSOR), String(server.pid)], { stdio: 'ignore' });
}

type Common = { readonly ports: readonly number[]; readonly writeShare: number; readonly patienceMs: number };

/** Served each second, at the number of connections that served most. */
async function peakOf(cluster: ChorusNodes, common: Common, form: (typeof FORMS)[keyof typeof FORMS]): Promise<number> {
  let best = 0;
  for (const connections of form.loops) {
    const task = { ...common, ratePerSecond: undefined, seconds: form.loopSeconds, connections };
    const run = await load(cluster, `closed loop of ${connections} connections`, task);
    best = Math.max(best, perSecond(run.seconds.slice(1)));
  }
  return best;
}

/** Runs it and says what it came to. */
async function load(cluster: ChorusNodes, name: string, task: Parameters<typeof runLoad>[0]): Promise<LoadRun> {
  const used = () =>
    cluster.nodes.reduce((sum, { server }) => sum + processorMicroseconds(server.pid ?? 0), 0) / 1_000_000;
  const usedBefore = used();
  const beganMs = performance.now();
  const run = await runLoad(task, CLIENTS_PROCESSOR);
  const nodes = (used() - usedBefore) / ((performance.now() - beganMs) / 1000);
  const { reads, writes, seconds } = totals(run.seconds);
  const [readsText, writesText] = [reads, writes].map((count) => Math.round(count / seconds));
  console.log(
    `${name}: ${perSecond(run.seconds)} served a second (${writesText} writes, ${readsText} reads), p50 ${run.overall.p50Ms} ms, p99 ${run.overall.p99Ms} ms; of a processor the nodes took ${percent(nodes)}, the clients ${percent(run.overall.processor)}`,
  );
  return run;
}

type Facts = {
  readonly peak: number;
  readonly ratePerSecond: number;
  readonly before: LoadRun;
  readonly over: LoadRun;
  readonly after: LoadRun;
};

function tell({ peak, ratePerSecond, before, over, after }: Facts): void {
  const { seconds, begun, unsent, served, refusedReads, refusedWrites, givenUp, broken, others } = totals(over.seconds);
  const sent = (begun - unsent) / seconds;
  console.log(
    `offered ${ratePerSecond} a second for ${Math.round(seconds)} s, ${Math.round(sent)} were sent (${(sent / peak).toFixed(2)} times the peak): ${served} served, ${percent(perSecond(over.seconds) / peak)} of the peak of ${peak} a second`,
  );
  console.log(
    `of the rest ${percent(refusedShare(over))} were answered 429 with Retry-After (${refusedWrites} writes, ${refusedReads} reads); ${JSON.stringify({ givenUp, broken, ...others })}; ${unsent} were not sent, for all connections were busy`,
  );
  const afterwards = after.seconds.map(
    ({ begun, reads, writes, p99Ms }) => `${percent((reads + writes) / Math.max(1, begun))} in ${Math.round(p99Ms)} ms`,
  );
  console.log(`after its end, second by second, served with what p99: ${afterwards.join(', ')}`);
  const back = secondsUntilNormal(before, after);
  console.log(
    back === undefined
      ? 'the light load was not served whole and quickly again'
      : `normal again ${back} s after the end`,
  );
}

function isGood({ peak, before, over, after }: Facts): boolean {
  const back = secondsUntilNormal(before, after);
  return (
    perSecond(over.seconds) >= WRONG.goodput * peak &&
    refusedShare(over) >= WRONG.refused &&
    back !== undefined &&
    back <= WRONG.backWithinSeconds
  );
}

/** What may be asked of it on any machine. */
function isOrderly(cluster: ChorusNodes, { over, after }: Facts): boolean {
  const { refused, broken, others } = totals(over.seconds);
  const isBack = after.seconds.some(({ begun, reads, writes }) => begun > 0 && reads + writes >= 0.8 * begun);
  const isKnown = Object.keys(others).every((status) => status === '503');
  return refused > 0 && broken === 0 && isKnown && isBack && cluster.nodes.every(({ server }) => server.isRunning);
}

/** Of what was sent and not served, how much was told 429 with Retry-After. */
function refusedShare({ seconds }: LoadRun): number {
  const { refused, givenUp, broken, others } = totals(seconds);
  const unserved = refused + givenUp + broken + Object.values(others).reduce((sum, count) => sum + count, 0);
  return refused / Math.max(1, unserved);
}

/** After how many seconds every light request was served, at no more than four times the p99 of before. */
function secondsUntilNormal(before: LoadRun, after: LoadRun): number | undefined {
  const boundMs = Math.max(50, 4 * before.overall.p99Ms);
  const isNormal = (second: OpenLoopSecond) =>
    second.p99Ms <= boundMs && second.reads + second.writes >= 0.95 * second.begun;
  const lastWrong = after.seconds.findLastIndex((second) => !isNormal(second));
  return lastWrong + 1 < after.seconds.length ? lastWrong + 1 : undefined;
}

function perSecond(run: readonly OpenLoopSecond[]): number {
  const { served, seconds } = totals(run);
  return Math.round(served / seconds);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: 'string' },
      times: { type: 'string', default: '3' },
      connections: { type: 'string', default: '6000' },
      writes: { type: 'string', default: '0.5' },
      nodes: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
    },
  });
  return {
    isQuick: values.quick,
    minutes: amountOf('minutes', values.minutes ?? (values.quick ? '0.1' : '5')),
    times: amountOf('times', values.times),
    connections: countOf('connections', values.connections, 1),
    writeShare: shareOf('writes', values.writes),
    nodes: countOf('nodes', values.nodes, 1),
  };
}

function shareOf(name: string, text: string): number {
  const share = Number(text);
  if (share >= 0 && share <= 1) return share;
  throw new TypeError(`--${name} must be a number from 0 to 1, not ${text}`);
}
