// How the bench judges: rounds in turn, each compared with its neighbour, medians, and nothing left open.
import { expect, test } from 'vitest';
import { type BenchOptions, type Contestant, hold, median, type Row } from '../../bench/contest.ts';

const OPTIONS: BenchOptions = { rounds: 3, seconds: 1, connections: 1, keys: 1, watchers: 1 };

test('contestants are measured in turn, and ours is better by the median of the rounds', async () => {
  const turns: string[] = [];
  const rate = [10, 20, 90];
  const ours = contestant('ours', turns, () => ({ rate: rate.shift() ?? 0, wait: 2 }));
  const other = contestant('other', turns, () => ({ rate: 10, wait: 8 }));
  const lines = await hold(rowOf([ours, other], turns), OPTIONS, () => {});
  expect(turns).toEqual(['ours', 'other', 'ours', 'other', 'ours', 'other', 'closed']);
  expect(lines).toEqual([
    { row: 'a row', figure: 'rate', unit: '1/s', ours: 20, other: 'other', theirs: 10, timesBetter: 2 },
    { row: 'a row', figure: 'wait', unit: 'ms', ours: 2, other: 'other', theirs: 8, timesBetter: 4 },
  ]);
});

test('a turn that warms up is not counted, and a figure that one does not have is left out', async () => {
  const turns: string[] = [];
  const rates = [1, 7, 7, 7];
  const ours = contestant('ours', turns, () => ({ rate: rates.shift() ?? 0, wait: 1 }));
  const other = contestant('other', turns, () => ({ rate: 7 }));
  const lines = await hold({ ...rowOf([ours, other], turns), warmsUp: true }, OPTIONS, () => {});
  expect(turns).toHaveLength(2 * 4 + 1);
  expect(lines.map(({ figure, ours: mine, timesBetter }) => [figure, mine, timesBetter])).toEqual([['rate', 7, 1]]);
});

test('what was opened is closed when a measurement fails', async () => {
  const turns: string[] = [];
  const failing: Contestant = { name: 'ours', measure: () => Promise.reject(new Error('refused')) };
  await expect(hold(rowOf([failing], turns), OPTIONS, () => {})).rejects.toThrow('refused');
  expect(turns).toEqual(['closed']);
});

test('a median is the middle one, or the mean of the two in the middle', () => {
  expect([median([3]), median([9, 1, 5]), median([1, 2, 4, 9])]).toEqual([3, 5, 3]);
});

function contestant(name: string, turns: string[], figures: () => Record<string, number>): Contestant {
  return {
    name,
    async measure() {
      turns.push(name);
      return figures();
    },
  };
}

function rowOf(contestants: readonly Contestant[], turns: string[]): Row {
  return {
    name: 'a row',
    help: '',
    needs: [],
    figures: { rate: { unit: '1/s', better: 'more' }, wait: { unit: 'ms', better: 'less' } },
    warmsUp: false,
    open: async () => ({
      contestants,
      close: async () => {
        turns.push('closed');
      },
    }),
  };
}
