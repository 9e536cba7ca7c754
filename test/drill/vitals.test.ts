// Tests of what is said of the nodes' memory, open files and lag: only what grew is a fault.
import { expect, test } from 'vitest';
import { growthOf, type Vital } from './vitals.ts';

const MINUTE_MS = 60_000;

test('what stays as it was is no fault, whatever it was at the start and in between', () => {
  const { rows, faults } = growthOf(lifeOf((minute) => ({ memoryBytes: minute < 6 ? 4e8 : 1e8 + (minute % 3) * 1e6 })));
  expect(faults).toEqual([]);
  expect(rows).toEqual([['node-1 took', expect.stringContaining('memory beyond its entries 95 MiB → 95 MiB')]]);
});

test.each([
  ['memory', (minute: number) => ({ memoryBytes: 1e8 + minute * 3e6 })],
  ['open files', (minute: number) => ({ files: 40 + minute })],
  ['lag', (minute: number) => ({ lagMs: 100 * minute })],
])('%s that grows and grows is a fault', (name, of) => {
  expect(growthOf(lifeOf(of)).faults).toEqual([expect.stringContaining(name)]);
});

test('a node whose processes ended again and again was not watched', () => {
  const vitals = lifeOf((minute) => ({ pid: Math.floor(minute / 20) }));
  expect(growthOf(vitals).faults).toEqual(['node-1: no process lived for half of the run']);
});

test('without a single look there is nothing to say', () => {
  expect(growthOf([]).faults).toHaveLength(1);
});

function lifeOf(of: (minute: number) => Partial<Vital>): readonly Vital[] {
  return Array.from({ length: 60 }, (_, minute) => ({
    node: 'node-1',
    pid: 1,
    atMs: minute * MINUTE_MS,
    memoryBytes: 1e8,
    files: 40,
    lagMs: 10,
    ...of(minute),
  }));
}
