// The history keeps the last events within its bounds, finds the place to go on from, and knows what it no longer has.
import { describe, expect, test } from 'vitest';
import { History, isAfter } from '../../../src/node/history.ts';

const WHOLE = Number.POSITIVE_INFINITY;
const key = Buffer.from('key');

function put(history: History, revision: number, bytes = 1): void {
  const entry = { value: Buffer.alloc(bytes), contentType: 't', revision, expiresAt: 0 };
  history.note(revision, 'put', key, entry);
}

function positions(history: History): string[] {
  const all: string[] = [];
  for (let number = history.firstNumber; number < history.nextNumber; number++) {
    const event = history.event(number);
    all.push(`${event?.revision}.${event?.place}`);
  }
  return all;
}

test('events of one command are numbered by their place in it', () => {
  const history = new History();
  for (const revision of [3, 3, 3, 5, 6, 6]) put(history, revision);
  expect(positions(history)).toEqual(['3.0', '3.1', '3.2', '5.0', '6.0', '6.1']);
});

test('begun anew from an older state, they are numbered from 0 again', () => {
  const history = new History();
  for (const revision of [3, 4]) put(history, revision);
  history.begin(3);
  for (const revision of [4, 4]) put(history, revision);
  expect(positions(history)).toEqual(['4.0', '4.1']);
});

describe('the number after a position', () => {
  const history = new History();
  history.begin(2);
  for (const revision of [3, 3, 3, 5, 6, 6]) put(history, revision);
  test.each([
    [2, WHOLE, 0],
    [3, 0, 1],
    [3, 1, 2],
    [3, WHOLE, 3],
    [4, WHOLE, 3],
    [5, 7, 4],
    [6, 0, 5],
    [6, 1, 6],
    [99, WHOLE, 6],
  ])('after %d.%d is %d', (revision, place, number) => {
    expect(history.numberAfter({ revision, place })).toBe(number);
  });
});

test('what is above the number of events is dropped, oldest first, and the history says from where it is whole', () => {
  const history = new History({ maxEvents: 3 });
  history.begin(0);
  for (let revision = 1; revision <= 1000; revision++) {
    put(history, revision);
    expect(history.size).toBe(Math.min(3, revision));
    expect(history.before.revision).toBe(Math.max(0, revision - 3));
  }
  expect(positions(history)).toEqual(['998.0', '999.0', '1000.0']);
  expect(history.event(history.firstNumber - 1)).toBeUndefined();
  expect(isAfter(history.before, { revision: 997, place: 0 })).toBe(false);
  expect(isAfter(history.before, { revision: 996, place: WHOLE })).toBe(true);
});

test('what is above the bytes is dropped, even the newest, and the places in its command go on', () => {
  const history = new History({ maxBytes: 10_000 });
  history.begin(0);
  put(history, 1, 20_000);
  put(history, 1, 10);
  put(history, 1, 9_800);
  expect(positions(history)).toEqual(['1.2']);
  expect(history.before).toEqual({ revision: 1, place: 1 });
});

test('a value is kept as it was, whatever becomes of the bytes that were handed in', () => {
  const history = new History();
  const value = Buffer.from('old');
  history.note(1, 'put', key, { value, contentType: 't', revision: 1, expiresAt: 0 });
  value.fill('x');
  expect(Buffer.from(history.event(0)?.value ?? []).toString()).toBe('old');
});

test('begun anew it has no event from before', () => {
  const history = new History();
  put(history, 1);
  history.begin(7);
  expect([history.size, history.before.revision, history.event(0)]).toEqual([0, 7, undefined]);
  put(history, 8);
  expect([history.nextNumber, positions(history)]).toEqual([2, ['8.0']]);
});
