// npm run bench:cache: reads through our cache library beside bentocache and cache-manager, and writes behind beside inserts one by one.
import { parseArgs } from 'node:util';
import { available } from '../servers/available.ts';
import { BEHIND_ROWS } from './behind-rows.ts';
import { CACHE_ROWS, type CacheBenchOptions } from './cache-rows.ts';
import { hold, type Line } from './contest.ts';
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

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    parallel: { type: 'string' },
    keys: { type: 'string' },
    only: { type: 'string', default: ALL_ROWS.map(({ name }) => name).join(';') },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await main({ ...DEFAULTS, ...numbersGiven() });

async function main(options: CacheBenchOptions): Promise<void> {
  const lines: Line[] = [];
  for (const row of ALL_ROWS) {
    if (!values.only.split(';').includes(row.name) || !row.needs.every(available)) continue;
    lines.push(...(await hold(row, options, (text) => process.stderr.write(`${text}\n`))));
  }
  const { rounds, seconds, parallel, keys } = options;
  const how = `${rounds} rounds in turn, ${seconds} s each, ${parallel} at once, ${keys} keys`;
  console.log(`${tableOf(lines)}\n\n${circumstancesOf(how)}`);
}

function numbersGiven(): Partial<CacheBenchOptions> {
  const given: Record<string, number> = {};
  for (const name of Object.keys(DEFAULTS) as (keyof CacheBenchOptions)[]) {
    const text = values[name];
    if (text === undefined) continue;
    given[name] = Number(text);
    if (!(Number(text) > 0)) throw new Error(`--${name} is a number above 0, not ${text}`);
  }
  return given;
}
