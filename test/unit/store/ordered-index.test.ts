// The ordered index against a sorted list, over sizes at which its blocks split, join and pile up in levels.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OrderedIndex } from '../../../src/store/ordered-index.ts';

/** A unit stands for itself: its place in the order is its number. */
const placeOf = (unit: number) => ({ compare: (other: number) => other - unit });

describe('the ordered index', () => {
  for (const [order, numbers] of [
    ['rising', (count: number) => Array.from({ length: count }, (_, i) => i + 1)],
    ['falling', (count: number) => Array.from({ length: count }, (_, i) => count - i)],
    ['scattered', (count: number) => Array.from({ length: count }, (_, i) => ((i * 7919) % count) + 1)],
  ] as const) {
    test(`holds twenty thousand units that came ${order}, gives up every second one, then all`, () => {
      const index = new OrderedIndex();
      const units = numbers(20_000);
      for (const unit of units) index.add(placeOf(unit), unit);
      expect(all(index)).toEqual(units.toSorted((a, b) => a - b));
      for (const unit of units) if (unit % 2 === 0) index.remove(placeOf(unit));
      expect(all(index)).toEqual(units.filter((unit) => unit % 2 === 1).toSorted((a, b) => a - b));
      for (const unit of units) if (unit % 2 === 1) index.remove(placeOf(unit));
      expect([index.size, all(index)]).toEqual([0, []]);
    });
  }

  test('is the same whether twenty thousand units were appended or added', () => {
    const [appended, added] = [new OrderedIndex(), new OrderedIndex()];
    for (let unit = 1; unit <= 20_000; unit++) {
      appended.append(unit);
      added.add(placeOf(unit), unit);
    }
    expect(all(appended)).toEqual(all(added));
    for (const index of [appended, added]) {
      for (let unit = 20_000; unit > 1; unit--) index.remove(placeOf(unit));
      expect([index.last, all(index)]).toEqual([1, [1]]);
    }
  });

  test('is a sorted list, whatever is added, appended, renamed and removed', () => {
    // Numbers and signs of a run: where it begins, how long it is, and whether it comes or goes.
    const run = fc.record({
      from: fc.nat(3000),
      count: fc.nat(1500),
      step: fc.constantFrom(1, 7),
      isAdded: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 20 }), fc.nat(5000), (runs, from) => {
        const index = new OrderedIndex();
        const model = new Set<number>();
        for (const { from, count, step, isAdded } of runs) {
          for (let i = 0; i < count; i++) {
            const unit = 1 + ((from + i * step) % 4000);
            if (model.has(unit) === isAdded) continue;
            if (!isAdded) index.remove(placeOf(unit));
            else if (index.last < unit) index.append(unit);
            else index.add(placeOf(unit), unit);
            if (isAdded) model.add(unit);
            else model.delete(unit);
          }
          expect(all(index)).toEqual([...model].sort((a, b) => a - b));
          expect(index.size).toBe(model.size);
          expect(index.last).toBe(Math.max(0, ...model));
        }
        const first = all(index, from)[0];
        expect(first).toBe([...model].sort((a, b) => a - b).find((unit) => unit >= from));
      }),
      { numRuns: 50 },
    );
  });
});

function all(index: OrderedIndex, from = 0): number[] {
  const found: number[] = [];
  index.walk(placeOf(from), (unit) => found.push(unit) > 0);
  return found;
}
