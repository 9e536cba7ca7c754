// npm run bench: GET and PUT of one node against bare node:http and a Map, side by side in one run, alternating, medians and ratios.
import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { GeneratorFigures, GeneratorTask } from './generator.ts';
import { type Side, startBare, startChorus } from './servers.ts';

const KEYS = 10_000;
const VALUE_BYTES = 100;
const KINDS = ['GET', 'PUT'] as const;

type Round = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly processorUs: number;
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '64' },
  },
});
await main(Number(values.rounds), Number(values.seconds), Number(values.connections));

async function main(rounds: number, seconds: number, connections: number): Promise<void> {
  const sides = [await startBare(), await startChorus()] as const;
  try {
    for (const side of sides) await generate(side, { kind: 'fill', connections, seconds: 0 });
    for (const kind of KINDS) {
      // The first turn warms both up and is not counted.
      for (const side of sides) await measure(side, kind, connections, 1);
      const bare: Round[] = [];
      const chorus: Round[] = [];
      for (let round = 0; round < rounds; round++) {
        bare.push(await measure(sides[0], kind, connections, seconds));
        chorus.push(await measure(sides[1], kind, connections, seconds));
        process.stderr.write(`${kind} round ${round + 1} of ${rounds}: ratio ${ratioText(bare, chorus)} so far\n`);
      }
      print(kind, sides, bare, chorus);
    }
    console.log(circumstances(rounds, seconds, connections));
  } finally {
    for (const side of sides) await side.stop();
  }
}

async function measure(side: Side, kind: 'GET' | 'PUT', connections: number, seconds: number): Promise<Round> {
  const before = side.processorMicroseconds();
  const figures = await generate(side, { kind, connections, seconds });
  const processorUs = (side.processorMicroseconds() - before) / figures.requests;
  return { perSecond: figures.requests / figures.seconds, p50Ms: figures.p50Ms, p99Ms: figures.p99Ms, processorUs };
}

async function generate(
  side: Side,
  what: Pick<GeneratorTask, 'kind' | 'connections' | 'seconds'>,
): Promise<GeneratorFigures> {
  const task: GeneratorTask = { ...what, port: side.port, keys: KEYS, valueBytes: VALUE_BYTES };
  const generator = resolve(import.meta.dirname, 'generator.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [generator, JSON.stringify(task)]);
  const figures = JSON.parse(stdout) as GeneratorFigures;
  if (figures.failed > 0)
    throw new Error(`${side.name} refused ${figures.failed} of ${figures.requests} requests (${what.kind})`);
  return figures;
}

function print(kind: string, sides: readonly Side[], bare: readonly Round[], chorus: readonly Round[]): void {
  console.log(`\n${kind} of ${VALUE_BYTES} B, ${KEYS} keys`);
  console.log(
    `  ${''.padEnd(22)}${'requests/s'.padStart(12)}${'p50 ms'.padStart(9)}${'p99 ms'.padStart(9)}${'CPU µs'.padStart(9)}`,
  );
  for (const [at, rounds] of [bare, chorus].entries()) {
    const cells = [
      median(rounds.map((round) => round.perSecond))
        .toFixed(0)
        .padStart(12),
      median(rounds.map((round) => round.p50Ms))
        .toFixed(2)
        .padStart(9),
      median(rounds.map((round) => round.p99Ms))
        .toFixed(2)
        .padStart(9),
      median(rounds.map((round) => round.processorUs))
        .toFixed(1)
        .padStart(9),
    ];
    console.log(`  ${(sides[at]?.name ?? '').padEnd(22)}${cells.join('')}`);
  }
  const processorRatio = median(chorus.map((round, at) => (bare[at]?.processorUs ?? Number.NaN) / round.processorUs));
  console.log(
    `  ratio (median of the rounds): ${ratioText(bare, chorus)}; by processor time: ${processorRatio.toFixed(2)}`,
  );
}

/** Each round is compared with its own neighbour: the machine drifts from minute to minute. */
function ratioText(bare: readonly Round[], chorus: readonly Round[]): string {
  return median(chorus.map((round, at) => round.perSecond / (bare[at]?.perSecond ?? Number.NaN))).toFixed(2);
}

function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function circumstances(rounds: number, seconds: number, connections: number): string {
  const all = cpus();
  const machine = `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`;
  const turns = `${rounds} rounds of ${seconds} s each, alternating, ${connections} connections, one request in flight on each`;
  return `\n${machine}, ${new Date().toISOString().slice(0, 10)}; ${turns}; embedded log, every PUT durable`;
}
