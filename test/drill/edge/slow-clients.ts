// npm run drill:slow-clients: what thousands of slow connections do to the others.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { countOf, runCommandLine } from '../../command-line.ts';
import { startChorusNodes } from '../../servers/chorus.ts';
import { circumstances } from '../report.ts';
import { type LoadRun, runLoad, totals } from './load.ts';
import { LONG_VALUE, type SlowKind } from './slow-crowd.ts';

const USAGE = `usage: npm run drill:slow-clients -- [options]
  --connections <n>  slow ones: silent, dripping a head, dripping a body, and one in a hundred taking no answers (2000)
  --seconds <n>      of each part, before and with the crowd (30)
  --rate <n>         requests a second of the good clients, half of them writes (200)
  --quick            500 connections for 13 s, and judged by what a crowded machine does not spoil: every good request that was sent is
                     answered, by 503 at worst; the crowd is held; its silent ones and dripped heads are cut off after their 10 s
  --help             this

Two nodes, each a cluster of its own with the defaults of its limits, are asked alike; the crowd holds on to one of them. The
exit code is 1 when a good request was not answered there, or its p99 is more than twice that of the node beside it: what
else goes on in the machine is then the same for both.`;

const FORMS = {
  full: { connections: '2000', seconds: '30', warmSeconds: 5, patienceMs: 5000 },
  quick: { connections: '500', seconds: '13', warmSeconds: 2, patienceMs: 10_000 },
} as const;

type Options = ReturnType<typeof readOptions>;

await runCommandLine({ usage: USAGE, read: readOptions, run: main });

async function main({ isQuick, connections, seconds, ratePerSecond }: Options): Promise<number> {
  const { warmSeconds, patienceMs } = FORMS[isQuick ? 'quick' : 'full'];
  const clusters = await Promise.all([startChorusNodes({ nodes: 1 }), startChorusNodes({ nodes: 1 })]);
  const [attacked = 0, beside = 0] = clusters.map(({ nodes }) => nodes[0]?.port ?? 0);
  const task = { ratePerSecond, connections: 32, writeShare: 0.5, patienceMs } as const;
  const both = (of: number) =>
    Promise.all([attacked, beside].map((port) => runLoad({ ...task, ports: [port], seconds: of })));
  try {
    console.log(circumstances());
    await fetch(`http://127.0.0.1:${attacked}${LONG_VALUE.target}`, {
      method: 'PUT',
      body: 'x'.repeat(LONG_VALUE.bytes),
    });
    await both(warmSeconds);
    if (!isQuick) tell('before', await both(seconds));
    const crowd = await gather(attacked, connections);
    const during = await both(seconds);
    tell('with the crowd', during);
    const { held, cutOff } = crowd.end();
    const figures = Object.entries(cutOff).map(([kind, count]) => `${count} ${kind}`);
    console.log(
      `slow connections held: ${Math.min(...held.slice(-seconds))} to ${Math.max(...held)}; cut off: ${figures.join(', ')}`,
    );
    const isHeld = Math.max(...held) > 0.9 * connections;
    return isQuick ? judgeOrder(isHeld, cutOff, during) : judge(isHeld, during);
  } finally {
    for (const cluster of clusters) await cluster.close();
  }
}

function judge(isHeld: boolean, [attacked, beside]: readonly LoadRun[]): number {
  if (attacked === undefined || beside === undefined) return 1;
  const { begun, served } = totals(attacked.seconds);
  // Those of the last moment are still under way.
  const isServed = served >= begun - 64;
  const ratio = attacked.overall.p99Ms / beside.overall.p99Ms;
  const isSound = isServed && isHeld && ratio <= 2;
  console.log(
    `p99 × ${ratio.toFixed(2)}, ${isServed ? '' : 'NOT '}all good requests were answered: ${isSound ? 'SOUND' : 'NOT SOUND'}`,
  );
  return isSound ? 0 : 1;
}

/** What may be asked of it on any machine. */
function judgeOrder(isHeld: boolean, cutOff: Partial<Told['cutOff']>, [attacked]: readonly LoadRun[]): number {
  if (attacked === undefined) return 1;
  const { served, givenUp, broken, others } = totals(attacked.seconds);
  const isAnswered = served > 0 && givenUp + broken === 0 && Object.keys(others).every((status) => status === '503');
  const isCut = (cutOff.silent ?? 0) > 0 && (cutOff.head ?? 0) > 0;
  const isSound = isHeld && isAnswered && isCut;
  console.log(isSound ? 'SOUND' : `NOT SOUND: ${JSON.stringify({ isHeld, isAnswered, isCut })}`);
  return isSound ? 0 : 1;
}

function tell(when: string, [attacked, beside]: readonly LoadRun[]): void {
  for (const [name, run] of [
    ['the node', attacked],
    ['the one beside', beside],
  ] as const) {
    if (run !== undefined) console.log(`${when}, ${name}: ${lineOf(run)}`);
  }
}

type Told = { readonly held: number; readonly cutOff: Readonly<Record<SlowKind, number>> };

/** Resolves when most of the crowd is there. */
async function gather(port: number, count: number) {
  const words = [String(port), String(count)];
  const child = fork(join(import.meta.dirname, 'crowd-process.ts'), words, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const told: Told[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.once('exit', () => reject(new Error('the crowd went away')));
  if (child.stdout !== null) {
    createInterface(child.stdout).on('line', (line) => {
      told.push(JSON.parse(line) as Told);
      if ((told.at(-1)?.held ?? 0) > 0.9 * count) resolve();
    });
  }
  await promise;
  return {
    end() {
      child.removeAllListeners('exit').disconnect();
      const cutOff: Partial<Told['cutOff']> = told.at(-1)?.cutOff ?? {};
      return { held: told.map(({ held }) => held), cutOff };
    },
  };
}

function lineOf({ seconds, overall }: LoadRun): string {
  const { begun, served, givenUp, broken, others } = totals(seconds);
  const rest = JSON.stringify({ givenUp, broken, ...others });
  return `${begun} requests, ${served} served; p50 ${overall.p50Ms} ms, p99 ${overall.p99Ms} ms; ${rest}`;
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      connections: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string', default: '200' },
      quick: { type: 'boolean', default: false },
    },
  });
  const form = FORMS[values.quick ? 'quick' : 'full'];
  return {
    isQuick: values.quick,
    connections: countOf('connections', values.connections ?? form.connections, 1),
    seconds: countOf('seconds', values.seconds ?? form.seconds, 1),
    ratePerSecond: countOf('rate', values.rate, 1),
  };
}
