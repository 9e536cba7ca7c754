// The contract of the sources with real PostgreSQL, MariaDB and a stand-in for MongoDB, and what they do when those fail.
import { MongoClient } from 'mongodb';
import { nanoid } from 'nanoid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mongodb } from '../../src/cache/sources/mongodb.ts';
import { mysqlDatabase } from '../../src/cache/sources/mysql-database.ts';
import { postgresDatabase } from '../../src/cache/sources/postgres-database.ts';
import { rows } from '../../src/cache/sources/rows.ts';
import type { SqlDatabase } from '../../src/cache/sql.ts';
import { available } from '../servers/available.ts';
import { type Mariadb, startMariadb } from '../servers/mariadb.ts';
import { type Mongodb, startMongodb } from '../servers/mongodb.ts';
import { type Postgres, startPostgres } from '../servers/postgres.ts';
import { cacheSourceContract, PERSON } from '../suites/cache-source.ts';
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

  cacheSourceContract('PostgreSQL', { isAtomic: true, flushSize: 3000 }, () =>
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

  cacheSourceContract('MariaDB', { isAtomic: true, flushSize: 3000 }, () =>
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

describe.skipIf(!available('mongodb'))('with a stand-in for MongoDB', () => {
  let server: Mongodb;
  beforeAll(async () => {
    server = await startMongodb();
  });
  afterAll(() => server?.close());

  const people = (database: string, waits: typeof PATIENT | typeof IMPATIENT) =>
    mongodb({ url: server.url, database, collection: 'person', columns: PERSON, key: 'id', ...waits });

  cacheSourceContract('MongoDB', { isAtomic: false, flushSize: 300 }, async () => {
    const database = `chorus-${nanoid()}`;
    const client = new MongoClient(server.url);
    await client.db(database).collection('person').createIndex({ email: 1 }, { unique: true, sparse: true });
    return {
      open: async () => people(database, PATIENT),
      async remove() {
        await client.db(database).dropDatabase();
        await client.close();
      },
    };
  });
  portChaos('MongoDB', {
    server: () => server,
    open() {
      const source = people('chaos', IMPATIENT);
      return { call: () => source.ping(), close: () => source.close() };
    },
  });

  test('an object in the place of a key is no query', async () => {
    const source = people(`chorus-${nanoid()}`, PATIENT);
    await source.insert({ id: 1, name: 'one', email: null, age: null, weight: null, isActive: true });
    const key: unknown = { $gte: 0 };
    await expect(source.load(key as number)).rejects.toThrow('not a key');
    await source.close();
  });
});

function loading(database: SqlDatabase) {
  return { call: () => database.transaction((run) => run('SELECT 1')), close: () => database.close() };
}
