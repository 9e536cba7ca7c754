// The contract of the sources with real PostgreSQL and MariaDB, and what they do when those fail.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mysqlDatabase } from '../../src/cache/sources/mysql-database.ts';
import { postgresDatabase } from '../../src/cache/sources/postgres-database.ts';
import { rows } from '../../src/cache/sources/rows.ts';
import type { SqlDatabase } from '../../src/cache/sql.ts';
import { available } from '../servers/available.ts';
import { type Mariadb, startMariadb } from '../servers/mariadb.ts';
import { type Postgres, startPostgres } from '../servers/postgres.ts';
import { cacheSourceContract } from '../suites/cache-source.ts';
import { personTable } from '../suites/person-table.ts';
import { portChaos } from '../suites/port-chaos.ts';

const PATIENT = { statementTimeout: '20s', connectTimeout: '20s' } as const;
const IMPATIENT = { statementTimeout: '300ms', connectTimeout: '300ms' } as const;

describe.skipIf(!available('postgres'))('with a real PostgreSQL', () => {
  let server: Postgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.close());

  cacheSourceContract('PostgreSQL', { isAtomic: true }, () =>
    personTable(() => postgresDatabase({ url: server.url, ...PATIENT })),
  );
  portChaos('PostgreSQL', {
    server: () => server,
    open: () => loading(postgresDatabase({ url: server.url, ...IMPATIENT })),
  });
});

describe.skipIf(!available('mariadb'))('with a real MariaDB', () => {
  let server: Mariadb;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.close());

  cacheSourceContract('MariaDB', { isAtomic: true }, () =>
    personTable(() => mysqlDatabase({ url: server.url, ...PATIENT })),
  );
  portChaos('MariaDB', {
    server: () => server,
    open: () => loading(mysqlDatabase({ url: server.url, ...IMPATIENT })),
  });

  test('a row counts under its own key only, not under one that its collation takes for the same', async () => {
    const database = mysqlDatabase({ url: server.url, ...PATIENT });
    await database.run('CREATE TABLE tag (name VARCHAR(50) PRIMARY KEY, uses INTEGER) COLLATE utf8mb4_general_ci');
    const tags = rows(database, { table: 'tag', columns: { name: 'text', uses: 'integer' }, key: 'name' });
    await tags.save('ada', { name: 'ada', uses: 1 });
    expect(await tags.load('Ada')).toBeUndefined();
    await expect(tags.save('Ada', { name: 'Ada', uses: 2 })).rejects.toMatchObject({ refusal: 'conflict' });
    expect(await tags.load('ada')).toEqual({ name: 'ada', uses: 1 });
    await database.close();
  });
});

function loading(database: SqlDatabase) {
  return { call: () => database.transaction((run) => run('SELECT 1')), close: () => database.close() };
}
