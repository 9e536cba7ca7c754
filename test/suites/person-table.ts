// The table of persons that the contract of the sources asks for, in any SQL database.
import { rows } from '../../src/cache/sources/rows.ts';
import type { SqlDatabase } from '../../src/cache/sql.ts';
import { PERSON, type PersonSource, type TestSourcePlace } from './cache-source.ts';

/** `open` gives a further handle on the same database. */
export async function personTable(open: () => SqlDatabase): Promise<TestSourcePlace> {
  const database = open();
  const { quote } = database.dialect;
  await dropAll(database);
  await database.run(
    `CREATE TABLE ${quote('person')} (${quote('id')} INTEGER PRIMARY KEY, ${quote('name')} VARCHAR(200) NOT NULL,
     ${quote('email')} VARCHAR(200) UNIQUE, ${quote('age')} BIGINT, ${quote('weight')} DOUBLE PRECISION,
     ${quote('isActive')} BOOLEAN NOT NULL, ${quote('re"v`ision')} BIGINT)`,
  );
  return {
    async open(): Promise<PersonSource> {
      const own = open();
      const source = rows(own, { table: 'person', columns: PERSON, key: 'id', revision: 're"v`ision' });
      return { ...source, close: () => own.close() };
    },
    async remove() {
      await dropAll(database);
      await database.close();
    },
  };
}

async function dropAll(database: SqlDatabase): Promise<void> {
  for (const table of ['person', 'chorus_fence', 'chorus_flushed']) {
    await database.run(`DROP TABLE IF EXISTS ${database.dialect.quote(table)}`);
  }
}
