// Integer keys behind keys that are text.
import { expect, test } from 'vitest';
import { integerKeys } from '../../../src/cache/sources/integer-keys.ts';
import { rows } from '../../../src/cache/sources/rows.ts';
import { sqliteDatabase } from '../../../src/cache/sources/sqlite-database.ts';

test('the text of an integer is that key, any other text is the key of no row and takes none', async () => {
  const database = sqliteDatabase({ file: ':memory:' });
  await database.run('CREATE TABLE fruit (id INTEGER PRIMARY KEY, name TEXT NOT NULL)');
  const fruit = integerKeys(rows(database, { table: 'fruit', columns: { id: 'integer', name: 'text' }, key: 'id' }));
  const apple = { id: 7, name: 'apple' };
  expect(await fruit.save('7', apple)).toEqual(apple);
  expect(await fruit.load('7')).toEqual(apple);
  expect(await fruit.loadMany(['7', '07', 'x'])).toEqual(new Map([['7', apple]]));
  for (const text of ['07', '7.0', '+7', ' 7', '', '7e0', '9007199254740993', 'NaN']) {
    expect(await fruit.load(text)).toBeUndefined();
    expect(await fruit.remove(text)).toBe(false);
    await expect(fruit.save(text, apple)).rejects.toMatchObject({ code: 'refused', refusal: 'invalid' });
  }
  const change = { id: 'a', key: '7', value: undefined, revision: 1 };
  expect(await fruit.flush([change], { kind: 'ids' })).toEqual({ kind: 'saved' });
  await expect(fruit.flush([{ ...change, key: 'x' }], { kind: 'ids' })).rejects.toMatchObject({ code: 'refused' });
  expect(await fruit.list({ limit: 10 })).toEqual([]);
  await database.close();
});
