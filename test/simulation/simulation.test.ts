// The simulator in the test run: 500 seeds without a violation, the same run for the same seed, and every planted bug found.
import { describe, expect, it } from 'vitest';
import { simulateCaches } from './caches/simulate.ts';
import { PLANTED_BUGS } from './planted.ts';
import { runWithBug } from './run-with-bug.ts';
import { simulate } from './simulate.ts';

const SEEDS = 500;
const CACHE_SEEDS = 150;
/** By then each planted bug has been found. */
const PLANTED_SEEDS = 400;
/** Beyond the others, and each once broken: stopped twice in a row; a proposal that came too late; a snapshot of a process that was lied to. */
const BROKEN_ONCE = [12_509, 20_198, 14_686, 2330];

describe('the simulated cluster', () => {
  it(`keeps every promise in ${SEEDS} seeds`, { timeout: 900_000 }, async () => {
    const broken: string[] = [];
    let restored = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, restores } = await simulate(seed);
      restored += restores;
      if (violations.length > 0) broken.push(`npm run simulate -- --seed ${seed}: ${violations[0]}`);
    }
    expect(broken).toEqual([]);
    expect(restored).toBeGreaterThan(20);
  });

  it.for(BROKEN_ONCE)('keeps every promise in seed %i, in which it once broke one', async (seed) => {
    expect((await simulate(seed)).violations).toEqual([]);
  });

  it('runs the same way for the same seed', async () => {
    for (const seed of [3, 7, 11]) {
      const [first, second] = [await simulate(seed), await simulate(seed)];
      expect(second.trace).toBe(first.trace);
    }
  });
});

describe('the transcript of a run', () => {
  it('tells what befell the nodes and what the clients were told, and changes nothing in the run', async () => {
    const lines: string[] = [];
    const told = await simulate(12, (line) => lines.push(line));
    expect(told.trace).toBe((await simulate(12)).trace);
    for (const what of ['drawn: ', 'node-1#1  is stopped', 'appends frame', 'lands at offset', 'is answered by'])
      expect(lines.some((line) => line.includes(what))).toBe(true);
  });
});

describe('the simulated caches in front of a database', () => {
  it(`keep every promise in ${CACHE_SEEDS} seeds`, { timeout: 600_000 }, async () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= CACHE_SEEDS; seed++) {
      const { violations } = await simulateCaches(seed);
      const again = `npm run simulate -- --seed ${seed} --scenario caches`;
      if (violations.length > 0) broken.push(`${again}: ${violations[0]}`);
    }
    expect(broken).toEqual([]);
  });

  it('keep every promise in seed 22500, in which all snapshots that a node knew of were removed while it read them', async () => {
    expect((await simulateCaches(22_500)).violations).toEqual([]);
  });

  it('runs the same way for the same seed', { timeout: 60_000 }, async () => {
    const [first, second] = [await simulateCaches(4), await simulateCaches(4)];
    expect(second.trace).toBe(first.trace);
  });
});

describe('the simulator', () => {
  it.for(PLANTED_BUGS)('notices the planted bug: $name', { timeout: 600_000 }, async (bug) => {
    expect(await runWithBug(bug, PLANTED_SEEDS)).toMatch(/^seed \d+: \d+ violations/m);
  });
});
