// npm run bench: what Chorus does beside what others do, in one run, round by round in turn; medians and ratios in one table.
import { parseArgs } from 'node:util';
import { available } from '../servers/available.ts';
import { type BenchOptions, hold, type Line, type Row } from './contest.ts';
import { ROWS } from './rows.ts';
import { circumstancesOf, tableOf } from './table.ts';

const DEFAULTS: BenchOptions = { rounds: 5, seconds: 3, connections: 64, keys: 1_000_000, watchers: 1000 };

const HELP = `npm run bench -- [--only ROW[,ROW…]] [--rounds N] [--seconds S] [--connections C] [--keys K] [--watchers W]

Measures Chorus and what it is compared with in turn, a round after another, and prints the medians, and how many times
better Chorus is by the median of the rounds: what runs next to each other is compared, for machines drift.

  --only         rows, by their names; all unless said otherwise
  --rounds       how often each is measured (${DEFAULTS.rounds})
  --seconds      how long each measurement of a load goes on (${DEFAULTS.seconds})
  --connections  of the load generator, one request in flight on each (${DEFAULTS.connections})
  --keys         in the rows about many keys (${DEFAULTS.keys})
  --watchers     in the row about watches (${DEFAULTS.watchers})
  --help         this

Rows:
${ROWS.map(({ name, help }) => `  ${name.padEnd(15)}${help}`).join('\n')}

More of each layer: node test/bench/store.ts, test/bench/snapshot.ts, test/bench/embedded-log.ts.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string' },
    keys: { type: 'string' },
    watchers: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main(rowsNamed(values.only), { ...DEFAULTS, ...numbersGiven() });

async function main(rows: readonly Row[], options: BenchOptions): Promise<void> {
  const lines: Line[] = [];
  for (const row of rows) {
    // One that cannot be had says so itself.
    if (!row.needs.every((server) => available(server))) continue;
    lines.push(...(await hold(row, options, (text) => process.stderr.write(`${text}\n`))));
  }
  console.log(tableOf(lines));
  console.log(`\n${circumstances(options)}`);
}

function rowsNamed(names: string | undefined): readonly Row[] {
  if (names === undefined) return ROWS;
  return names.split(',').map((name) => {
    const row = ROWS.find((one) => one.name === name);
    if (row === undefined) throw new Error(`no such row: ${name}; there are ${ROWS.map((one) => one.name).join(', ')}`);
    return row;
  });
}

function numbersGiven(): Partial<BenchOptions> {
  const given: Record<string, number> = {};
  for (const name of Object.keys(DEFAULTS) as (keyof BenchOptions)[]) {
    const text = values[name];
    if (text === undefined) continue;
    given[name] = Number(text);
    if (!(Number(text) > 0)) throw new Error(`--${name} is a number above 0, not ${text}`);
  }
  return given;
}

function circumstances({ rounds, seconds, connections }: BenchOptions): string {
  const turns = `${rounds} rounds in turn, ${seconds} s each, ${connections} connections, one request in flight on each`;
  return circumstancesOf(`${turns}; embedded log, every write durable`);
}
