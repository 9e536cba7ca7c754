// The users: documents of MongoDB, or rows of SQLite where MongoDB is left out; the first four are inserted where there are none.
import { CacheError, type SqlDatabase } from 'chorus/cache';
import type { RowOf } from 'chorus/cache/sources/columns';
import type { RowsSource } from 'chorus/cache/sources/rows';
import type { Settings } from '../shared/settings.ts';
import { mongodbOrSqlite } from '../shared/stand-ins.ts';
import { untilDone } from '../shared/tables.ts';

const COLUMNS = { id: 'integer', name: 'text', email: 'text' } as const;

export type User = RowOf<typeof COLUMNS>;
type UserSource = RowsSource<number, User>;

const FIRST: readonly User[] = [
  { id: 1, name: 'Admin Dev', email: 'Admin@exp.com' },
  { id: 2, name: 'Ada Lovelace', email: 'ada@exp.com' },
  { id: 3, name: 'Grace Hopper', email: 'grace@exp.com' },
  { id: 4, name: 'Alan Turing', email: 'alan@exp.com' },
];

export function usersIn(settings: Settings): UserSource {
  const form = { table: 'users', columns: COLUMNS, key: 'id' } as const;
  return withFirstUsers(mongodbOrSqlite(settings, form, makeUsers));
}

async function makeUsers(database: SqlDatabase): Promise<void> {
  await database.run(
    'CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL)',
  );
}

/** Looks before the first call, and again until that worked: the database may come later than this process. */
function withFirstUsers(source: UserSource): UserSource {
  const made = untilDone(async () => {
    if ((await source.list({ limit: 1 })).length > 0) return;
    for (const user of FIRST) await source.insert(user).catch(unlessItIsThere);
  });

  /** The same function, after the first users are there. */
  function after<Given extends readonly unknown[], Result>(call: (...given: Given) => Promise<Result>) {
    return async (...given: Given): Promise<Result> => {
      await made();
      return await call(...given);
    };
  }

  return {
    ...source,
    load: after(source.load),
    list: after(source.list),
    insert: after(source.insert),
    save: after(source.save),
    change: after(source.change),
    remove: after(source.remove),
    ping: after(source.ping),
  };
}

/** Several processes may start at once. */
function unlessItIsThere(error: unknown): void {
  if (!(error instanceof CacheError && error.refusal === 'conflict')) throw error;
}
