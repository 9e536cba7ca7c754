// npm run bench:cache: reads through our cache library beside bentocache and cache-manager, and writes behind beside inserts one by one.
import { parseArgs } from 'node:util';
import { numbersOf, runCommandLine } from '../command-line.ts';
import { BEHIND_ROWS } from './behind-rows.ts';
import { CACHE_ROWS, type CacheBenchOptions } from './cache-rows.ts';
import { holdAll, rowsNamed } from './contest.ts';
import { circumstancesOf, tableOf } from './table.ts';

const DEFAULTS: CacheBenchOptions = { rounds: 5, seconds: 2, parallel: 64, keys: 10_000 };

const ALL_ROWS = [...CACHE_ROWS, ...BEHIND_ROWS];

const HELP = `npm run bench:cache -- [--rounds N] [--seconds S] [--parallel P] [--keys K] [--only 'ROW;…']

Measures chorus/cache, bentocache and cache-manager (with keyv) in turn, a round after another, upon the same Redis, with the
same values, TTL and reads, and prints the medians, and how many times better Chorus is by the median of the rounds. Then
writes: the same rows into the same database by flushes, behind a cache of a node, and by inserts one by one.

  --rounds    how often each is measured (${DEFAULTS.rounds})
  --seconds   how long each measurement goes on (${DEFAULTS.seconds})
  --parallel  reads or writes under way at once (${DEFAULTS.parallel})
  --keys      that are read again and again, or rows written, at most 100000 (${DEFAULTS.keys})
  --only      these rows (all that can be had here)
  --help      this

Rows:
${ALL_ROWS.map(({ name, help }) => `  ${name.padEnd(20)}${help}`).join('\n')}`;

await runCommandLine({ usage: HELP, read: readOptions, run: main });

async function main({ rows, options }: ReturnType<typeof readOptions>): Promise<number> {
  const { rounds, seconds, parallel, keys } = options;
  const lines = await holdAll(rows, options);
  const how = `${rounds} rounds in turn, ${seconds} s each, ${parallel} at once, ${keys} keys`;
  console.log(`${tableOf(lines)}\n\n${circumstancesOf(how)}`);
  return 0;
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      parallel: { type: 'string' },
      keys: { type: 'string' },
      only: { type: 'string' },
    },
  });
  return { rows: rowsNamed(ALL_ROWS, values.only?.split(';')), options: numbersOf(DEFAULTS, values) };
}
