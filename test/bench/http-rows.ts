// The rows about one request after another over HTTP: read, write, transaction, beside bare node:http and etcd.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { BenchOptions, Contest, Contestant, Row } from './contest.ts';
import type { GeneratorFigures, GeneratorTask } from './generator.ts';
import type { RequestKind } from './requests.ts';
import { type Side, startBare, startChorus, startEtcdSide } from './servers.ts';

const KEYS = 10_000;
const VALUE_BYTES = 100;

const FIGURES = {
  rate: { unit: 'requests/s', better: 'more' },
  p50: { unit: 'ms', better: 'less' },
  p99: { unit: 'ms', better: 'less' },
  processor: { unit: 'µs a request', better: 'less' },
} as const;

export const getRow: Row = {
  name: 'get',
  help: `GET of ${VALUE_BYTES} B beside bare node:http with a Map, and etcd (serializable or not, it has but one member)`,
  needs: ['etcd'],
  figures: FIGURES,
  warmsUp: true,
  open: (options) => open('GET', [startChorus, startBare, startEtcdSide], options),
};

export const putRow: Row = {
  name: 'put',
  help: `durable PUT of ${VALUE_BYTES} B beside etcd; and bare node:http with a Map, which keeps nothing`,
  needs: ['etcd'],
  figures: FIGURES,
  warmsUp: true,
  open: (options) => open('PUT', [startChorus, startEtcdSide, startBare], options),
};

export const transactionRow: Row = {
  name: 'transaction',
  help: 'durable transactions, one compare and one put each, beside etcd',
  needs: ['etcd'],
  figures: FIGURES,
  warmsUp: true,
  open: (options) => open('transaction', [startChorus, startEtcdSide], options),
};

async function open(
  kind: RequestKind,
  starts: readonly (() => Promise<Side>)[],
  options: BenchOptions,
): Promise<Contest> {
  const sides: Side[] = [];
  const close = async () => {
    for (const side of sides) await side.stop();
  };
  try {
    for (const start of starts) sides.push(await start());
    for (const side of sides) await generate(side, 'PUT', true, options);
  } catch (error) {
    await close();
    throw error;
  }
  return { contestants: sides.map((side) => contestantOf(side, kind, options)), close };
}

function contestantOf(side: Side, kind: RequestKind, options: BenchOptions): Contestant {
  return {
    name: side.name,
    async measure() {
      const before = side.processorMicroseconds();
      const { requests, seconds, p50Ms, p99Ms } = await generate(side, kind, false, options);
      const processor = (side.processorMicroseconds() - before) / requests;
      return { rate: requests / seconds, p50: p50Ms, p99: p99Ms, processor };
    },
  };
}

async function generate(
  side: Side,
  kind: RequestKind,
  isFill: boolean,
  { connections, seconds }: BenchOptions,
): Promise<GeneratorFigures> {
  const { port, api } = side;
  const task: GeneratorTask = { port, api, kind, isFill, connections, seconds, keys: KEYS, valueBytes: VALUE_BYTES };
  const generator = resolve(import.meta.dirname, 'generator.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [generator, JSON.stringify(task)]);
  const figures = JSON.parse(stdout) as GeneratorFigures;
  if (figures.failed > 0) {
    throw new Error(`${side.name} refused ${figures.failed} of ${figures.requests} requests (${kind})`);
  }
  return figures;
}
