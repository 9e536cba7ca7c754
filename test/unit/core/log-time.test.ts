// Log time: the first record sets it, forward steps move it, backward steps do not, and it never stands still after one.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, BEFORE_TIME } from '../../../src/core/log-time.ts';

test('the first record sets it', () => {
  expect(advance(BEFORE_TIME, 1_700_000_000_000)).toEqual({ now: 1_700_000_000_000, lastRaw: 1_700_000_000_000 });
});

test('a first timestamp that is not positive does not leave it before time', () => {
  expect(advance(BEFORE_TIME, 0).now).toBe(1);
  expect(advance(BEFORE_TIME, -5)).toEqual({ now: 1, lastRaw: -5 });
});

test('a jump back of the log clock stops it for no record: the next step forward counts at once', () => {
  expect(through([1000, 1500, 200, 300])).toBe(1600);
});

test('a jump forward stays', () => {
  expect(through([1000, 90_000, 1100, 1200])).toBe(90_100);
});

test('it never goes back, and moves by exactly the steps forward', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -1e12, max: 2e12 }), { minLength: 1 }), (timestamps) => {
      let time = BEFORE_TIME;
      let expected = Math.max(1, timestamps[0] ?? 0);
      for (const [at, timestamp] of timestamps.entries()) {
        const before = time.now;
        time = advance(time, timestamp);
        const step = timestamp - (timestamps[at - 1] ?? timestamp);
        expected += step > 0 ? step : 0;
        expect(time.now).toBeGreaterThanOrEqual(before);
        expect(time).toEqual({ now: expected, lastRaw: timestamp });
      }
    }),
  );
});

function through(timestamps: readonly number[]): number {
  return timestamps.reduce(advance, BEFORE_TIME).now;
}
