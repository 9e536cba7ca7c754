// npm run simulate: many seeds, one seed with its transcript, or all planted bugs.
import { parseArgs } from 'node:util';
import { FAULT_POINTS, type FaultPoint } from '../../src/base/world.ts';
import { among, countOf, runCommandLine } from '../command-line.ts';
import { simulateCaches } from './caches/simulate.ts';
import { PLANTED_BUGS, SCENARIOS } from './planted.ts';
import { runWithBug } from './run-with-bug.ts';
import { simulate } from './simulate.ts';

const USAGE = `usage: npm run simulate -- [options]
  --seeds N      run N seeds (default 500)
  --from N       the first seed (default 1)
  --seed N       run this seed alone and print all that happened, line by line, and then what was wrong
  --scenario S   store or caches alone (default: both)
  --restores     begin each run of the store with the restore of a backup (else: each eighth)
  --planted      plant each known bug in turn and print the first seed that notices it
  --until-found  stop at the first violation (what --planted runs)
  --help         this text`;

const SIMULATIONS = { store: simulate, caches: simulateCaches } as const;

type Options = ReturnType<typeof readOptions>;

await runCommandLine({ usage: USAGE, read: readOptions, run });

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: 'string', default: '500' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      scenario: { type: 'string' },
      restores: { type: 'boolean', default: false },
      planted: { type: 'boolean', default: false },
      'until-found': { type: 'boolean', default: false },
    },
  });
  return {
    seeds: countOf('seeds', values.seeds, 1),
    from: countOf('from', values.from, 0),
    seed: values.seed === undefined ? undefined : countOf('seed', values.seed, 0),
    scenarios: values.scenario === undefined ? SCENARIOS : [among('scenario', values.scenario, SCENARIOS)],
    // Else each run knows by its seed whether it has a restore.
    runOptions: values.restores ? { withRestore: true } : {},
    isPlanted: values.planted,
    isUntilFound: values['until-found'],
  };
}

function run(options: Options): Promise<number> {
  if (options.isPlanted) return runPlanted(options.seeds);
  return options.seed === undefined ? runSeeds(options) : replaySeed(options.seed, options);
}

async function runSeeds({ from, seeds: count, scenarios, runOptions, isUntilFound }: Options): Promise<number> {
  const startedAt = performance.now();
  const unreached = new Set<FaultPoint>(FAULT_POINTS);
  let failed = 0;
  const events = { trims: 0, restores: 0, quarantines: 0 };
  for (let seed = from; seed < from + count; seed++) {
    for (const scenario of scenarios) {
      const result = await SIMULATIONS[scenario](seed, undefined, runOptions);
      const { violations } = result;
      events.trims += result.trims;
      events.restores += result.restores;
      events.quarantines += result.quarantines;
      for (const point of result.crashedAt) unreached.delete(point);
      if (violations.length === 0) continue;
      failed++;
      const again = `npm run simulate -- --seed ${seed} --scenario ${scenario}${runOptions.withRestore ? ' --restores' : ''}`;
      console.log(`seed ${seed}: ${violations.length} violations; again: ${again}`);
      for (const violation of violations.slice(0, 3)) console.log(`  ${violation}`);
      if (isUntilFound) return 1;
    }
    const done = seed - from + 1;
    // On a terminal one line that changes; in a log one line now and then.
    const rate = () => (done / ((performance.now() - startedAt) / 1000)).toFixed(1);
    const progress = () => `${done} of ${count} seeds, ${failed} with violations, ${rate()} seeds/s`;
    if (process.stderr.isTTY && done % 10 === 0) process.stderr.write(`\r${progress()}`);
    else if (done % 1000 === 0 && done < count) console.log(progress());
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { trims, restores, quarantines } = events;
  console.log(
    `${count} seeds, ${failed} with violations, ${(count / seconds).toFixed(1)} seeds/s, the log trimmed ${trims} times, ${restores} backups restored, ${quarantines} quarantines`,
  );
  if (count > 1 && unreached.size > 0) console.log(`no process was crashed at: ${[...unreached].join(', ')}`);
  return failed === 0 ? 0 : 1;
}

/** The same run again, told. */
async function replaySeed(seed: number, { scenarios, runOptions }: Options): Promise<number> {
  let failed = 0;
  for (const scenario of scenarios) {
    console.log(`${scenario}, seed ${seed}`);
    const { violations, trace } = await SIMULATIONS[scenario](seed, (line) => console.log(line), runOptions);
    console.log(`${violations.length} violations; trace ${trace}`);
    for (const violation of violations) console.log(`  ${violation}`);
    failed += violations.length;
  }
  return failed === 0 ? 0 : 1;
}

async function runPlanted(seeds: number): Promise<number> {
  let missed = 0;
  for (const bug of PLANTED_BUGS) {
    const output = await runWithBug(bug, seeds);
    const found = /^seed (\d+):[^\n]*\n {2}([^\n]*)/m.exec(output);
    if (found === null) missed++;
    console.log(`${bug.name.padEnd(40)} ${found === null ? `NOT FOUND\n${output}` : `seed ${found[1]}: ${found[2]}`}`);
  }
  console.log(`${PLANTED_BUGS.length - missed} of ${PLANTED_BUGS.length} planted bugs found`);
  return missed === 0 ? 0 : 1;
}
