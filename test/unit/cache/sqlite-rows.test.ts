// The contract of the sources held by SQLite, on a file that several handles share.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rows } from '../../../src/cache/sources/rows.ts';
import { sqliteDatabase } from '../../../src/cache/sources/sqlite-database.ts';
import type { SqlDatabase } from '../../../src/cache/sql.ts';
import { temporaryDirectory } from '../../servers/places.ts';
import { cacheSourceContract } from '../../suites/cache-source.ts';
import { personTable } from '../../suites/person-table.ts';

cacheSourceContract('SQLite', { isAtomic: true, flushSize: 3000 }, async () => {
  const directory = temporaryDirectory('sqlite-rows');
  const place = await personTable(() => sqliteDatabase({ file: join(directory, 'rows.sqlite') }));
  return {
    ...place,
    async remove() {
      await place.remove();
      rmSync(directory, { recursive: true });
    },
  };
});

test('a flush is not fenced by a smaller number that comes between its two looks', async () => {
  const database = sqliteDatabase({ file: ':memory:' });
  await database.run('CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)');
  let isBetween = true;
  const meeting: SqlDatabase = {
    ...database,
    transaction: (work, call) =>
      database.transaction(
        (run) =>
          work(async (sql, values, ...more) => {
            if (isBetween && sql.startsWith('SELECT cluster_id')) {
              isBetween = false;
              await run("INSERT INTO chorus_fence (source, cluster_id, n) VALUES ('people', 'ours', 10)");
            }
            return run(sql, values, ...more);
          }),
        call,
      ),
  };
  const source = rows(meeting, { table: 'people', columns: { id: 'integer', name: 'text' }, key: 'id' });
  const change = { id: 'w1', key: 1, value: { id: 1, name: 'Ada' }, revision: 1 };
  expect(await source.flush([change], { kind: 'fence', cluster: 'ours', n: 11 })).toEqual({ kind: 'saved' });
  expect(await source.load(1)).toEqual({ id: 1, name: 'Ada' });
  await database.close();
});
