// npm run drill:slow-clients: what thousands of slow connections do to the others.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startChorusNodes } from '../../servers/chorus.ts';
import { circumstances } from '../report.ts';
import { runLoad, totals } from './load.ts';
import { LONG_VALUE, type SlowKind } from './slow-crowd.ts';

const USAGE = `usage: npm run drill:slow-clients -- [options]
  --connections <n>  slow ones: silent, dripping a head, dripping a body, and one in a hundred taking no answers (2000)
  --seconds <n>      of each part, before and with the crowd (30)
  --rate <n>         requests a second of the good clients, half of them writes (200)

One node with the defaults of its limits. The exit code is 1 when a good request was not answered, or the p99 of the good
clients with the crowd is more than twice what it was without.`;

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '30' },
    rate: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(USAGE);
else process.exitCode = await main(Number(values.connections), Number(values.seconds), Number(values.rate));

async function main(connections: number, seconds: number, ratePerSecond: number): Promise<number> {
  const cluster = await startChorusNodes({ nodes: 1 });
  const port = cluster.nodes[0]?.port ?? 0;
  const task = { ports: [port], ratePerSecond, connections: 32, writeShare: 0.5, patienceMs: 5000 } as const;
  try {
    console.log(circumstances());
    await fetch(`http://127.0.0.1:${port}${LONG_VALUE.target}`, { method: 'PUT', body: 'x'.repeat(LONG_VALUE.bytes) });
    await runLoad({ ...task, seconds: 5 });
    const before = await runLoad({ ...task, seconds });
    console.log(lineOf('alone', before));
    const crowd = await gather(port, connections);
    const during = await runLoad({ ...task, seconds });
    console.log(lineOf('with the crowd', during));
    const { held, cutOff } = crowd.end();
    console.log(`slow connections held: ${held.join(' ')}`);
    console.log(
      `cut off: ${Object.entries(cutOff)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')}`,
    );
    const { begun, served } = totals(during.seconds);
    const isServed = served >= begun - task.connections && Math.max(...held) > 0.9 * connections;
    const ratio = during.overall.p99Ms / before.overall.p99Ms;
    console.log(
      `p99 × ${ratio.toFixed(2)}; ${isServed ? 'all good requests were answered' : 'NOT all good requests were answered, or the crowd was too small'}`,
    );
    return isServed && ratio <= 2 ? 0 : 1;
  } finally {
    await cluster.close();
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
      const { cutOff } = told.at(-1) ?? { cutOff: {} };
      return { held: told.map(({ held }) => held), cutOff };
    },
  };
}

function lineOf(name: string, { seconds, overall }: Awaited<ReturnType<typeof runLoad>>): string {
  const { begun, served, givenUp, broken, others } = totals(seconds);
  const rest = JSON.stringify({ givenUp, broken, ...others });
  return `${name.padEnd(15)} ${begun} requests, ${served} served; p50 ${overall.p50Ms} ms, p99 ${overall.p99Ms} ms; ${rest}`;
}
