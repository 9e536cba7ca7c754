// Tests of the drill itself: it passes a faultless store and finds every planted fault; a drill that finds nothing proves nothing.
import { expect, test } from 'vitest';
import { cityEntries } from './city-entries.ts';
import { drill, type Verdict } from './drill.ts';
import { PLANTED, type Planted, startFakeCluster } from './fake-cluster.ts';
import { until } from './faults.ts';
import { readKillOptions } from './kill-options.ts';
import type { Scene } from './scene.ts';

const READS = 60;
const log = {
  flagsOf: () => [],
  name: 'none',
  kafka: undefined,
  topic: '',
  leader: () => Promise.resolve(1),
  successor: () => Promise.resolve(2),
  killLeader: () => Promise.resolve(1),
  restart: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

async function drillAgainst(planted: Planted | undefined, strike = enoughReads): Promise<Verdict> {
  const options = readKillOptions(['--places', '200', '--samples', '20', '--seed', '1']);
  const cluster = await startFakeCluster(planted);
  try {
    return await drill({ options, cluster, log, entries: cityEntries(options.places), strike, show: () => () => {} });
  } finally {
    await cluster.stop({ isKept: false });
  }
}

const enoughReads = (scene: Scene) => until(() => scene.tally.reads >= READS, 10_000, 'reads');

test('a faultless store passes, and the table says what was written', async () => {
  const verdict = await drillAgainst(undefined);
  expect(verdict.faults).toEqual([]);
  expect(verdict.hasPassed).toBe(true);
  expect(Object.fromEntries(verdict.rows)).toMatchObject({
    'acknowledged writes': expect.stringContaining('(200 places,'),
    lost: '0',
    doubled: '0',
    different: '0',
  });
});

const KINDS: Readonly<Record<Planted, string>> = {
  'a lost write': 'lost',
  'a write applied twice': 'doubled',
  'a changed value': 'different',
  'an increment applied twice': 'doubled',
  'a lost increment': 'lost',
  'stale session reads': 'stale',
  'a lag said too small': 'stale',
  'other digests': 'different',
  'a key too many': 'different',
};

test.each(PLANTED)('it finds %s', async (planted) => {
  const verdict = await drillAgainst(planted);
  expect(verdict.hasPassed).toBe(false);
  expect(verdict.faults.some((fault) => fault.startsWith(`${KINDS[planted]}: `))).toBe(true);
});

test('a fault that did not take effect fails the drill', async () => {
  const verdict = await drillAgainst(undefined, () => Promise.reject(new Error('nobody was killed')));
  expect(verdict.faults).toEqual(['ineffective: nobody was killed']);
});

test('an unknown option is refused with a sentence', () => {
  expect(() => readKillOptions(['--log', 'rocks'])).toThrow('--log must be one of embedded, kafka, not rocks');
  expect(() => readKillOptions(['--kill-leader'])).toThrow('--kill-leader needs --log kafka --brokers-count 3');
});
