// The outcomes outside the heap against their model on a Map, over names, rows and numbers at which tables split and blocks fill.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OutcomeRow } from '../../../src/core/outcome-rows.ts';
import { OffHeapOutcomes } from '../../../src/store/off-heap-outcomes.ts';
import { MapOutcomes } from '../../model/map-outcomes.ts';

const KEY = { first: 1, second: 2 };
const names = fc.uint8Array({ minLength: 1, maxLength: 40 });
const rows: fc.Arbitrary<OutcomeRow> = fc.record({
  name: names,
  hash: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  code: fc.nat(255),
  revision: fc.maxSafeNat(),
  detail: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  transaction: fc.option(fc.uint8Array({ minLength: 1, maxLength: 600 }), { nil: undefined }),
});

test('rows are found by their names and come in their order, as on a Map', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(rows, { selector: ({ name }) => Buffer.from(name).toString('hex'), maxLength: 40 }),
      fc.array(names, { maxLength: 5 }),
      fc.nat(40),
      (list, strangers, count) => {
        const [table, model] = [new OffHeapOutcomes(KEY), new MapOutcomes()];
        for (const row of list) {
          table.add(row);
          model.add(row);
          expect(table.find(row.name)).toEqual(row);
        }
        expect(table.size).toBe(list.length);
        for (const name of [...strangers, ...list.map((row) => row.name)]) {
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
  const [name, transaction] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)];
  table.add({ name, hash: 5n, code: 6, revision: 7, detail: 8n, transaction });
  name.fill(9);
  transaction.fill(9);
  const found = table.find(Uint8Array.of(1, 2));
  expect([...(found?.name ?? []), ...(found?.transaction ?? [])]).toEqual([1, 2, 3, 4]);
});

test('twenty thousand rows are read in their order while more are added', () => {
  const table = new OffHeapOutcomes(KEY);
  const add = (at: number) =>
    table.add({ name: Buffer.from(`id ${at}`), hash: 0n, code: 0, revision: at, detail: 0n, transaction: undefined });
  for (let at = 0; at < 20_000; at++) add(at);
  const revisions: number[] = [];
  for (const { revision } of table.first(20_000)) {
    revisions.push(revision);
    if (revision % 7 === 0) add(20_000 + revision);
  }
  expect(revisions).toEqual(Array.from({ length: 20_000 }, (_, at) => at));
  expect(table.find(Buffer.from('id 19999'))?.revision).toBe(19_999);
});
