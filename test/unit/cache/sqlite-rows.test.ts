// The contract of the sources held by SQLite, on a file that several handles share.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { sqliteDatabase } from '../../../src/cache/sources/sqlite-database.ts';
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
