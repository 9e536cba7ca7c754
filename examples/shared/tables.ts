// A database with the application's own tables: made when absent, before the first statement, and tried again until that worked.
import type { SqlDatabase } from 'chorus/cache';

/** `make` is called until it has worked once; what it does must be harmless when it is there already. */
export function withTables(database: SqlDatabase, make: (database: SqlDatabase) => Promise<void>): SqlDatabase {
  const tables = untilDone(() => make(database));

  return {
    ...database,
    async run(...statement) {
      await tables();
      return await database.run(...statement);
    },
    async transaction(...work) {
      await tables();
      return await database.transaction(...work);
    },
    async ping(options) {
      await tables();
      await database.ping(options);
    },
  };
}

/** Who asks while it is tried shares the attempt; one that failed is made again by the next who asks. */
export function untilDone(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((error) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}

/** At the start of an application: makes the tables, or says that it is done as soon as the database is there. */
export async function makeTables(database: SqlDatabase): Promise<void> {
  try {
    await database.ping();
  } catch (error) {
    console.log(
      `${error instanceof Error ? error.message : error}: the tables are made when ${database.name} is there`,
    );
  }
}

/** Inserts the first rows into a table that has none, all in one statement. */
export async function insertFirst(
  database: SqlDatabase,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): Promise<void> {
  if ((await database.run(`SELECT 1 AS one FROM ${table} LIMIT 1`)).rows.length > 0) return;
  const marks = rows.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ');
  await database.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${marks}`, rows.flat());
}
