// npm run bench: what Chorus does beside what others do, in one run, round by round in turn; medians and ratios in one table.
import { parseArgs } from 'node:util';
import { numbersOf, runCommandLine } from '../command-line.ts';
import { type BenchOptions, holdAll, rowsNamed } from './contest.ts';
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

await runCommandLine({ usage: HELP, read: readOptions, run: main });

async function main({ rows, options }: ReturnType<typeof readOptions>): Promise<number> {
  console.log(tableOf(await holdAll(rows, options)));
  console.log(`\n${circumstances(options)}`);
  return 0;
}

function circumstances({ rounds, seconds, connections }: BenchOptions): string {
  const turns = `${rounds} rounds in turn, ${seconds} s each, ${connections} connections, one request in flight on each`;
  return circumstancesOf(`${turns}; embedded log, every write durable`);
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string' },
      keys: { type: 'string' },
      watchers: { type: 'string' },
    },
  });
  return { rows: rowsNamed(ROWS, values.only?.split(',')), options: numbersOf(DEFAULTS, values) };
}
