// What the example applications share: parts that are asked for their health, and tables that are made when absent.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { healthOf, pingedPart, tierParts } from '../../examples/shared/parts.ts';
import { insertFirst, withTables } from '../../examples/shared/tables.ts';
import { CacheError, memory, type SqlDatabase, tiers } from '../../src/cache/public.ts';
import { sqliteDatabase } from '../../src/cache/sources/sqlite-database.ts';

describe('health', () => {
  test('is degraded while a part is down, with the reason', async () => {
    const parts = [
      tierParts(tiers([memory()])),
      pingedPart('queue', { name: 'rabbitmq', ping: () => Promise.reject(new CacheError('down', 'rabbitmq', 'gone')) }),
    ];
    expect(await healthOf(parts)).toEqual({
      status: 'degraded',
      parts: [
        { name: 'memory', role: 'tier', state: 'ok' },
        { name: 'rabbitmq', role: 'queue', state: 'down', reason: 'rabbitmq: gone' },
      ],
    });
  });

  test('is told in time of a part that does not answer, which is asked once however many want to know', async () => {
    let asked = 0;
    const hung = pingedPart('source', {
      name: 'mysql',
      ping() {
        asked += 1;
        return new Promise(() => {});
      },
    });
    const reason = expect.stringContaining('no answer within');
    const down = { status: 'degraded', parts: [{ name: 'mysql', role: 'source', state: 'down', reason }] };
    expect(await Promise.all([healthOf([hung]), healthOf([hung])])).toEqual([down, down]);
    expect(asked).toBe(1);
  });
});

describe('a database with tables of its own', () => {
  let database: SqlDatabase;
  let tries: number;
  beforeEach(() => {
    database = sqliteDatabase({ file: ':memory:' });
    tries = 0;
  });
  afterEach(() => database.close());

  const kept = (failures: number) =>
    withTables(database, async (plain) => {
      tries += 1;
      if (tries <= failures) throw new CacheError('down', 'sqlite', 'not yet');
      await plain.run('CREATE TABLE IF NOT EXISTS kept (id INTEGER)');
    });

  test('makes them once, before the first of many statements', async () => {
    const ready = kept(0);
    const counts = await Promise.all([1, 2, 3].map((id) => ready.run('INSERT INTO kept VALUES (?)', [id])));
    await ready.transaction((run) => run('INSERT INTO kept VALUES (4)'));
    expect([counts.length, tries]).toEqual([3, 1]);
    expect((await ready.run('SELECT id FROM kept')).rows).toHaveLength(4);
  });

  test('tries again at the next statement when that failed', async () => {
    const late = kept(1);
    await expect(late.run('INSERT INTO kept VALUES (1)')).rejects.toMatchObject({ code: 'down' });
    await late.ping();
    expect((await late.run('SELECT id FROM kept')).rows).toEqual([]);
    expect(tries).toBe(2);
  });

  test('gets its first rows only while it has none', async () => {
    await database.run('CREATE TABLE kept (id INTEGER, name TEXT)');
    const first = [
      [1, 'one'],
      [2, "t'wo"],
    ];
    await insertFirst(database, 'kept', ['id', 'name'], first);
    await database.run('DELETE FROM kept WHERE id = 1');
    await insertFirst(database, 'kept', ['id', 'name'], first);
    expect((await database.run('SELECT id, name FROM kept')).rows).toMatchObject([{ id: 2, name: "t'wo" }]);
  });
});
