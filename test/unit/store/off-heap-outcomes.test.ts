// The outcomes outside the heap against their model on a Map, over names, rows and numbers at which tables split and blocks fill.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../../src/base/row.ts';
import type { KeptOutcome } from '../../../src/core/outcome-rows.ts';
import { OffHeapOutcomes } from '../../../src/store/off-heap-outcomes.ts';
import { MapOutcomes } from '../../model/map-outcomes.ts';

const KEY = { first: 1, second: 2 };
const names = fc.uint8Array({ minLength: 1, maxLength: 40 });
const outcomes: fc.Arbitrary<KeptOutcome> = fc.record({
  name: names,
  value: fc.uint8Array({ maxLength: 600 }),
  revision: fc.maxSafeNat(),
});

test('rows are found by their names and come in their order, as on a Map', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(outcomes, { selector: ({ name }) => Buffer.from(name).toString('hex'), maxLength: 40 }),
      fc.array(names, { maxLength: 5 }),
      fc.nat(40),
      (list, strangers, count) => {
        const [table, model] = [new OffHeapOutcomes(KEY), new MapOutcomes()];
        for (const outcome of list) {
          table.add(rowOf(outcome));
          model.add(rowOf(outcome));
          expect(table.find(outcome.name)).toEqual(outcome);
        }
        expect(table.size).toBe(list.length);
        for (const name of [...strangers, ...list.map((outcome) => outcome.name)]) {
          expect(table.find(name)).toEqual(model.find(name));
        }
        const shown = Math.min(count, list.length);
        expect([...table.first(shown)]).toEqual([...model.first(shown)]);
      },
    ),
  );
});

test('the bytes of a row are copies: what its giver does to them afterwards changes nothing', () => {
  const table = new OffHeapOutcomes(KEY);
  const row = rowOf({ name: Uint8Array.of(1, 2), value: Uint8Array.of(3, 4), revision: 7 });
  table.add(row);
  row.bytes.fill(9);
  const found = table.find(Uint8Array.of(1, 2));
  expect([...(found?.name ?? []), ...(found?.value ?? [])]).toEqual([1, 2, 3, 4]);
});

test('twenty thousand rows are read in their order while more are added', () => {
  const table = new OffHeapOutcomes(KEY);
  const add = (at: number) =>
    table.add(rowOf({ name: Buffer.from(`id ${at}`), value: new Uint8Array(0), revision: at }));
  for (let at = 0; at < 20_000; at++) add(at);
  const revisions: number[] = [];
  for (const { revision } of table.first(20_000)) {
    revisions.push(revision);
    if (revision % 7 === 0) add(20_000 + revision);
  }
  expect(revisions).toEqual(Array.from({ length: 20_000 }, (_, at) => at));
  expect(table.find(Buffer.from('id 19999'))?.revision).toBe(19_999);
});

/** In the midst of other bytes. */
function rowOf({ name, value, revision }: KeptOutcome): Row {
  const bytes = new Uint8Array(Buffer.concat([Buffer.of(0xff, 0xff, 0xff), name, value, Buffer.of(0xff)]));
  const [keyLength, valueLength] = [name.length, value.length];
  const view = new DataView(bytes.buffer);
  return { bytes, view, at: 3, keyLength, valueLength, contentType: '', revision, expiresAt: 0 };
}
