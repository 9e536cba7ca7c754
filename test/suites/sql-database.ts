// The contract of a SqlDatabase: one suite for every database, with a form for servers that are killed and hang.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SqlDatabase } from '../../src/cache/sql.ts';
import type { ServerControls } from '../servers/child-server.ts';

type SqlUnderTest = {
  readonly database: SqlDatabase;
  /** The server that it connects to; none where it is embedded. */
  readonly server?: ServerControls;
  close(): Promise<void>;
};

export function sqlDatabaseSuite(name: string, open: () => Promise<SqlUnderTest>): void {
  describe(`${name} as a SqlDatabase`, () => {
    let under: SqlUnderTest;
    let database: SqlDatabase;
    beforeAll(async () => {
      under = await open();
      database = under.database;
      await database.run('CREATE TABLE town (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE)');
      await database.run('CREATE TABLE road (id INTEGER PRIMARY KEY, town INTEGER NOT NULL REFERENCES town (id))');
    });
    afterAll(() => under?.close());

    const insert = (id: number, town: string | null) =>
      database.run('INSERT INTO town (id, name) VALUES (?, ?)', [id, town]);

    test('takes parameters as values, never as SQL, and leaves question marks in quotes alone', async () => {
      const hostile = "Nürnberg'; DROP TABLE town; --?";
      expect(await insert(1, hostile)).toEqual({ rows: [], changed: 1 });
      const { rows } = await database.run("SELECT id, name, '?' AS mark FROM town WHERE name = ?", [hostile]);
      expect(rows.map((row) => ({ ...row }))).toEqual([{ id: 1, name: hostile, mark: '?' }]);
    });

    test('says how many rows a statement changed', async () => {
      await insert(10, 'Ulm');
      await insert(11, 'Hof');
      expect((await database.run("UPDATE town SET name = CONCAT_WS('', name, '!') WHERE id >= ?", [10])).changed).toBe(
        2,
      );
      expect((await database.run('DELETE FROM town WHERE id >= ?', [10])).changed).toBe(2);
      expect((await database.run('DELETE FROM town WHERE id >= ?', [10])).changed).toBe(0);
      expect(await database.run('SELECT id FROM town WHERE id >= ?', [10])).toEqual({ rows: [], changed: 0 });
    });

    test.each([
      ['a duplicate', 'conflict', () => insert(1, 'Bonn')],
      ['a second row of a unique column', 'conflict', () => insert(2, "Nürnberg'; DROP TABLE town; --?")],
      ['a row without what it must have', 'invalid', () => insert(3, null)],
      ['a row that refers to none', 'missing', () => database.run('INSERT INTO road (id, town) VALUES (1, ?)', [99])],
      ['a statement that is none', 'invalid', () => database.run('SELEKT 1')],
    ])('refuses %s as %s', async (_, refusal, statement) => {
      await expect(statement()).rejects.toMatchObject({ code: 'refused', refusal, part: database.name });
    });

    test('answers many at once', async () => {
      const many = Array.from({ length: 50 }, (_, at) =>
        database.run('SELECT name, ? AS n FROM town WHERE id = 1', [at]),
      );
      expect((await Promise.all(many)).map(({ rows }) => Number(rows[0]?.n))).toEqual(many.map((_, at) => at));
    });

    test('a transaction that stands still gives its locks back, and cannot be committed', async () => {
      if (under.server === undefined) return;
      const rename = 'UPDATE town SET name = ? WHERE id = 1';
      const [begun, standing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const still = database.transaction(async (run) => {
        await run(rename, ['Hof']);
        begun.resolve();
        await standing.promise;
        await run(rename, ['Bonn']);
      });
      const ended = still.then(
        () => 'committed',
        (error) => error.code,
      );
      await begun.promise;
      const isRenamed = () =>
        database.run(rename, ['Ulm']).then(
          () => true,
          () => false,
        );
      await expect.poll(isRenamed, { timeout: 30_000 }).toBe(true);
      standing.resolve();
      // It was rolled back, but where the connection is gone nobody can tell.
      expect(await ended).toMatch(/^(down|unknown)$/);
      const { rows } = await database.run('SELECT name FROM town WHERE id = 1');
      expect(rows).toMatchObject([{ name: 'Ulm' }]);
    });

    test('is there again when its server is, after a kill and after a pause', async () => {
      const { server } = under;
      if (server === undefined) return;
      await server.kill();
      // Connections that had been open may end as `unknown`, one by one.
      await expect.poll(() => database.ping().catch((error) => error.code), { timeout: 30_000 }).toBe('down');
      await server.start();
      await expect.poll(() => isThere(database), { timeout: 30_000 }).toBe(true);
      await server.pause();
      await expect(database.ping()).rejects.toMatchObject({ code: expect.stringMatching(/^(timeout|down)$/) });
      server.resume();
      await expect.poll(() => isThere(database), { timeout: 30_000 }).toBe(true);
      expect((await database.run('SELECT id FROM town')).rows).toHaveLength(1);
    });
  });
}

function isThere(database: SqlDatabase): Promise<boolean> {
  return database.ping().then(
    () => true,
    () => false,
  );
}
