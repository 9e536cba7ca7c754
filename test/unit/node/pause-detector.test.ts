// What is taken for a pause of the process, and what for work.
import { expect, test } from 'vitest';
import { NODE_LIMITS } from '../../../src/base/limits.ts';
import { PauseDetector } from '../../../src/node/pause.ts';

/** Ticks never come: the event loop is busy all the time. */
function detectorOf() {
  const now = { monotonicMs: 0, wallMs: 0 };
  const pauses: number[] = [];
  const clock = {
    monotonicMs: () => now.monotonicMs,
    wallMs: () => now.wallMs,
    after: () => () => {},
    nextTurn: async () => {},
  };
  const detector = new PauseDetector(clock, (pausedMs) => pauses.push(pausedMs));
  detector.start();
  const goesBy = (monotonicMs: number, wallMs: number) => {
    now.monotonicMs += monotonicMs;
    now.wallMs += wallMs;
    detector.check();
  };
  return { pauses, goesBy };
}

test('a turn of the event loop that is long because much is served in it is no pause', () => {
  const { pauses, goesBy } = detectorOf();
  for (let request = 0; request < 50; request++) goesBy(NODE_LIMITS.pauseMs / 5, NODE_LIMITS.pauseMs / 5);
  expect(pauses).toEqual([]);
});

test('a stop in the middle of such a turn is one, told once', () => {
  const { pauses, goesBy } = detectorOf();
  for (let request = 0; request < 50; request++) goesBy(100, 100);
  goesBy(NODE_LIMITS.pauseMs + 1, NODE_LIMITS.pauseMs + 1);
  goesBy(100, 100);
  expect(pauses).toEqual([NODE_LIMITS.pauseMs + 1]);
});

test('so is a suspended machine, which stops the monotonic clock', () => {
  const { pauses, goesBy } = detectorOf();
  goesBy(0, 3 * NODE_LIMITS.pauseMs);
  expect(pauses).toEqual([3 * NODE_LIMITS.pauseMs]);
});
