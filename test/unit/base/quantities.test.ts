// Durations and sizes: what people write is read exactly, anything else is refused.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../../src/base/quantities.ts';

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['7', 7000],
  ['0', 0],
])('the duration %s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  '',
  '-1s',
  '1.5s',
  '1 s',
  '1w',
  's',
  '1e3',
  '٣s',
  '1S',
  '99999999999999999s',
  'constructor',
  '1constructor',
])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  ['100', 100],
  ['1KiB', 1024],
  ['64MiB', 67_108_864],
  ['4GiB', 4_294_967_296],
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test('what is formatted is read back as the same number', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), (value) => {
      expect(parseDuration(formatDuration(value))).toBe(value);
      expect(parseSize(formatSize(value))).toBe(value);
    }),
  );
});
