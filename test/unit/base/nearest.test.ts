// The nearest known name: slips of the keyboard find their name, strangers find none.
import { expect, test } from 'vitest';
import { hintOf, nearest } from '../../../src/base/nearest.ts';

const names = ['ttl', 'timeout', 'consistency', 'op', 'by'];

test.each([
  ['tll', 'ttl'],
  ['TTL', 'ttl'],
  ['time-out', 'timeout'],
  ['consistancy', 'consistency'],
  ['timeuot', 'timeout'],
])('%s is a slip for %s', (written, meant) => {
  expect(nearest(written, names)).toBe(meant);
});

test('a stranger has no nearest name', () => {
  expect(nearest('authorization', names)).toBeUndefined();
  expect(hintOf('authorization', names)).toBe('');
});

test('the hint is a clause that fits behind a sentence', () => {
  expect(hintOf('tll', names)).toBe(' (did you mean "ttl"?)');
});
