// npm run drill:overload: what becomes of a cluster that is offered several times what it can do, and how soon it is back.
import { parseArgs } from 'node:util';
import { amountOf, countOf, runCommandLine } from '../../command-line.ts';
import { startChorusNodes } from '../../servers/chorus.ts';
import { circumstances } from '../report.ts';
import { type LoadRun, runLoad, totals } from './load.ts';
import type { OpenLoopSecond } from './open-loop.ts';

const USAGE = `usage: npm run drill:overload -- [options]
  --minutes <n>      of the overload (5); 0.2 is the quick form
  --times <n>        how many times the peak is offered (3)
  --connections <n>  of the offering clients, over all nodes (1500)
  --writes <share>   of the requests (0.5)
  --nodes <n>        on the embedded log (3)
  --help             this

The peak is the best of three closed loops. The exit code is 1 when the goodput was below 80 % of it, when less than 95 % of what was
not served was answered 429 with Retry-After, or when a light load was not served whole and quickly from 5 s after the end on.`;

const WRONG = { goodput: 0.8, refused: 0.95, backWithinSeconds: 5 } as const;
const LIGHT_SECONDS = 12;

type Options = ReturnType<typeof readOptions>;

await runCommandLine({ usage: USAGE, read: readOptions, run: main });

async function main({ minutes, times, connections, writeShare, nodes }: Options): Promise<number> {
  const cluster = await startChorusNodes({ nodes });
  const ports = cluster.nodes.map(({ port }) => port);
  const common = { ports, writeShare, patienceMs: 5000 };
  try {
    console.log(circumstances());
    const peak = await peakOf(common);
    const ratePerSecond = Math.round(peak * times);
    const light = { ...common, ratePerSecond: Math.round(peak / 5), connections: 64, seconds: LIGHT_SECONDS };
    const before = await runLoad({ ...light, seconds: 5 });
    const seconds = Math.round(minutes * 60);
    const over = await runLoad({ ...common, ratePerSecond, seconds, connections });
    const after = await runLoad(light);
    return judge({ peak, ratePerSecond, before, over, after });
  } finally {
    for (const { id, server } of cluster.nodes) {
      const pauses = server.output.split('was stopped for a while').length - 1;
      if (pauses > 0) console.log(`${id} took itself for stopped ${pauses} times`);
    }
    await cluster.close();
  }
}

/** Served each second, at the number of connections that served most. */
async function peakOf(common: { ports: readonly number[]; writeShare: number; patienceMs: number }): Promise<number> {
  let best = 0;
  for (const connections of [32, 96, 288]) {
    const run = await runLoad({ ...common, ratePerSecond: undefined, seconds: 6, connections });
    const served = perSecond(run.seconds.slice(1));
    console.log(`closed loop, ${connections} connections: ${served} served a second, p99 ${run.overall.p99Ms} ms`);
    best = Math.max(best, served);
  }
  return best;
}

type Facts = {
  readonly peak: number;
  readonly ratePerSecond: number;
  readonly before: LoadRun;
  readonly over: LoadRun;
  readonly after: LoadRun;
};

function judge({ peak, ratePerSecond, before, over, after }: Facts): number {
  const all = totals(over.seconds);
  const { served, refused, refusedReads, refusedWrites, givenUp, unsent, broken, others } = all;
  const goodput = perSecond(over.seconds) / peak;
  const unserved = refused + givenUp + broken + Object.values(others).reduce((sum, count) => sum + count, 0);
  const share = refused / Math.max(1, unserved);
  console.log(
    `offered ${ratePerSecond} a second for ${over.seconds.length} s: ${served} served, ${percent(goodput)} of the peak of ${peak} a second`,
  );
  console.log(
    `of the rest ${percent(share)} were answered 429 with Retry-After (${refusedWrites} writes, ${refusedReads} reads); ${JSON.stringify({ givenUp, broken, ...others })}; ${unsent} were not sent, for all connections were busy`,
  );
  console.log(`served: p50 ${over.overall.p50Ms} ms, p99 ${over.overall.p99Ms} ms`);
  const back = secondsUntilNormal(before, after);
  console.log(
    back === undefined
      ? 'the light load was not served whole and quickly again'
      : `normal again ${back} s after the end`,
  );
  const isSound =
    goodput >= WRONG.goodput && share >= WRONG.refused && back !== undefined && back <= WRONG.backWithinSeconds;
  console.log(isSound ? 'SOUND' : 'NOT SOUND');
  return isSound ? 0 : 1;
}

/** After how many seconds every light request was served, at no more than four times the p99 of before. */
function secondsUntilNormal(before: LoadRun, after: LoadRun): number | undefined {
  const boundMs = Math.max(50, 4 * before.overall.p99Ms);
  const isNormal = (second: OpenLoopSecond) =>
    second.p99Ms <= boundMs && second.reads + second.writes >= 0.95 * second.begun;
  const lastWrong = after.seconds.findLastIndex((second) => !isNormal(second));
  return lastWrong + 1 < after.seconds.length ? lastWrong + 1 : undefined;
}

function perSecond(seconds: readonly OpenLoopSecond[]): number {
  return Math.round(totals(seconds).served / Math.max(1, seconds.length));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: 'string', default: '5' },
      times: { type: 'string', default: '3' },
      connections: { type: 'string', default: '1500' },
      writes: { type: 'string', default: '0.5' },
      nodes: { type: 'string', default: '3' },
    },
  });
  return {
    minutes: amountOf('minutes', values.minutes),
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
