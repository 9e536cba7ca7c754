// A source of integer keys for callers whose keys are text, as in paths of URLs: `7` is 7, and what is no such text has no row.
import { CacheError } from '../errors.ts';
import type { RowsSource } from './rows.ts';

/** Only the one usual way to write an integer counts: `07`, `1e3` and `9007199254740993` are keys of no row. */
export function integerKeys<Row>(source: RowsSource<number, Row>): RowsSource<string, Row> {
  const required = (text: string): number => {
    const key = integerOf(text);
    if (key === undefined) throw new CacheError('refused', source.name, `not an integer key: ${text.slice(0, 100)}`);
    return key;
  };
  return {
    ...source,
    async load(text, call) {
      const key = integerOf(text);
      return key === undefined ? undefined : await source.load(key, call);
    },
    async loadMany(texts, call) {
      const keys = texts.map(integerOf).filter((key) => key !== undefined);
      const found = await source.loadMany(keys, call);
      return new Map([...found].map(([key, row]) => [String(key), row]));
    },
    save: async (text, row, call) => await source.save(required(text), row, call),
    async change(text, fields, call) {
      const key = integerOf(text);
      return key === undefined ? undefined : await source.change(key, fields, call);
    },
    async remove(text, call) {
      const key = integerOf(text);
      return key !== undefined && (await source.remove(key, call));
    },
    flush: async (changes, guard, call) =>
      await source.flush(
        changes.map((change) => ({ ...change, key: required(change.key) })),
        guard,
        call,
      ),
  };
}

function integerOf(text: string): number | undefined {
  const key = Number(text);
  return Number.isSafeInteger(key) && String(key) === text ? key : undefined;
}
