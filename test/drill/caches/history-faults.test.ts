// Tests of what the write-behind drill compares at its end: it finds each fault that it is there to find.
import { expect, test } from 'vitest';
import { type Ended, faultsOf } from './history-faults.ts';

/** Two keys: `a` was written three times, `b` was written, removed and written again. */
const FAULTLESS: Ended = {
  written: new Map([
    ['a', { version: 3, removals: new Set() }],
    ['b', { version: 3, removals: new Set([2]) }],
  ]),
  rows: new Map([
    ['a', 3],
    ['b', 3],
  ]),
  entries: new Map([
    ['a', 3],
    ['b', 3],
  ]),
  history: [
    { id: 'a', version: 1 },
    { id: 'b', version: 1 },
    { id: 'a', version: 3 },
    { id: 'b', version: undefined },
    { id: 'b', version: 3 },
  ],
};

const found = (ended: Partial<Ended>) => faultsOf({ ...FAULTLESS, ...ended }).faults.map(({ kind }) => kind);

test('a faultless end has no faults; a write that was flushed twice is counted, and is none', () => {
  expect(faultsOf(FAULTLESS)).toEqual({ faults: [], again: 0 });
  const history = [...FAULTLESS.history, { id: 'a', version: 3 }];
  expect(faultsOf({ ...FAULTLESS, history })).toEqual({ faults: [], again: 1 });
});

test.each<readonly [string, readonly string[], Partial<Ended>]>([
  ['a row that was lost', ['lost', 'different'], { rows: new Map([['a', 3]]) }],
  ['a row that is older than the last write', ['lost'], only(2)],
  ['a row that is older than its entry', ['lost', 'different'], { rows: new Map(Object.entries({ a: 2, b: 3 })) }],
  ['an entry that is older than its row', ['different'], { entries: new Map(Object.entries({ a: 2, b: 3 })) }],
  ['a row that nobody wrote', ['different'], { rows: new Map(Object.entries({ a: 3, b: 3, c: 1 })) }],
  ['a row that went back meanwhile', ['older'], { history: before('b', 1) }],
  ['a row that came back after its removal', ['older'], { history: after('b', 1) }],
  ['a removal that came too late', ['older'], { history: after('b', undefined) }],
  ['a removal that nobody asked for', ['older'], { history: after('a', undefined) }],
])('it finds %s', (_, kinds, ended) => {
  expect(found(ended)).toEqual(kinds);
});

/** Row and entry agree, and are both too old. */
function only(version: number): Partial<Ended> {
  const ended = new Map(Object.entries({ a: version, b: 3 }));
  return { rows: ended, entries: ended };
}

function after(id: string, version: number | undefined): Ended['history'] {
  return [...FAULTLESS.history, { id, version }];
}

/** Just before the last change, which hides it. */
function before(id: string, version: number): Ended['history'] {
  const [first, second, third, removal, ...last] = FAULTLESS.history;
  return [first, second, third, removal, { id, version }, ...last].filter((change) => change !== undefined);
}
