// Real PostgreSQL and MariaDB as SqlDatabases, held to the contract of all of them, killed and hung too.
import { describe, expect, test } from 'vitest';
import { mysqlDatabase } from '../../src/cache/sources/mysql-database.ts';
import { postgresDatabase } from '../../src/cache/sources/postgres-database.ts';
import { available } from '../servers/available.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { sqlDatabaseSuite } from '../suites/sql-database.ts';

// Longer than a disk of a busy machine stands still.
const IMPATIENT = { statementTimeout: '3s', connectTimeout: '3s' } as const;

describe.skipIf(!available('postgres'))('with PostgreSQL', () => {
  sqlDatabaseSuite('PostgreSQL', async () => {
    const server = await startPostgres();
    const database = postgresDatabase({ url: server.url, ...IMPATIENT });
    return { database, server, close: () => database.close().finally(() => server.close()) };
  });
});

describe.skipIf(!available('mariadb'))('with MariaDB', () => {
  sqlDatabaseSuite('MariaDB', async () => {
    const server = await startMariadb();
    const database = mysqlDatabase({ url: server.url, ...IMPATIENT });
    return { database, server, close: () => database.close().finally(() => server.close()) };
  });

  test('makes the database that it is to use where it is absent', async () => {
    const server = await startMariadb();
    const database = mysqlDatabase({ url: server.url, database: 'made here' });
    try {
      expect((await database.run('SELECT DATABASE() AS name')).rows).toMatchObject([{ name: 'made here' }]);
    } finally {
      await database.close();
      await server.close();
    }
  });
});
