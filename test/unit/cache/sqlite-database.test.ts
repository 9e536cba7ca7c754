// SQLite as a SqlDatabase, held to the contract of all of them; and what only a file can show.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withNumbers } from '../../../src/cache/sources/postgres-database.ts';
import { sqliteDatabase } from '../../../src/cache/sources/sqlite-database.ts';
import { temporaryDirectory } from '../../servers/places.ts';
import { sqlDatabaseSuite } from '../../suites/sql-database.ts';

sqlDatabaseSuite('SQLite', async () => {
  const database = sqliteDatabase({ file: ':memory:' });
  return { database, close: () => database.close() };
});

test('two handles on one file see the same rows', async () => {
  const directory = temporaryDirectory('sqlite');
  const file = join(directory, 'rows.sqlite');
  const [one, two] = [sqliteDatabase({ file }), sqliteDatabase({ file })];
  await one.run('CREATE TABLE kept (id INTEGER)');
  expect(await one.run('INSERT INTO kept VALUES (?) RETURNING id', [7])).toMatchObject({
    rows: [{ id: 7 }],
    changed: 1,
  });
  expect((await two.run('SELECT id FROM kept')).rows).toMatchObject([{ id: 7 }]);
  await Promise.all([one.close(), two.close()]);
  rmSync(directory, { recursive: true });
});

test('a file that cannot be opened is down', () => {
  expect(() => sqliteDatabase({ file: '/' })).toThrow(expect.objectContaining({ code: 'down', part: 'sqlite' }));
});

test('marks of parameters get numbers, those within quotes stay', () => {
  expect(withNumbers(`SELECT '?', '''?', "?" WHERE a = ? AND b = ?`)).toBe(
    `SELECT '?', '''?', "?" WHERE a = $1 AND b = $2`,
  );
});
