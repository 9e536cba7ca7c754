// The table of users: what is stored, what may be seen of it, and the two statements on it.
import { randomUUID } from 'node:crypto';
import type { CacheSource, SqlDatabase } from 'chorus/cache';
import { hashPassword } from './passwords.ts';

/** What is cached and answered: never the password. */
export type User = { readonly id: string; readonly username: string; readonly email: string };
export type NewUser = { readonly username: string; readonly email: string; readonly password: string };

export const FIELDS = ['id', 'username', 'email'] as const;
/** What a query asks for; each is a key of the cache. */
export type Query = { readonly field: (typeof FIELDS)[number]; readonly value: string };

/** All queries that a new row may change the answer of. */
export const TABLE_TAG = 'table:users';

export async function makeUsers(database: SqlDatabase): Promise<void> {
  await database.run(
    `CREATE TABLE IF NOT EXISTS users (
      id uuid PRIMARY KEY, username text NOT NULL UNIQUE, email text NOT NULL UNIQUE, password text NOT NULL)`,
  );
}

/** A row as it will stand in the table; hashing takes a while, so it is done before anything is held. */
export async function userRow({ username, email, password }: NewUser): Promise<User & { readonly password: string }> {
  return { id: randomUUID(), username, email, password: await hashPassword(password) };
}

/** Rejects with `refused`, `conflict` where the name or the address is taken. */
export async function insertUser(database: SqlDatabase, row: User & { readonly password: string }): Promise<User[]> {
  const { rows } = await database.run(
    'INSERT INTO users (id, username, email, password) VALUES (?, ?, ?, ?) RETURNING id, username, email',
    [row.id, row.username, row.email, row.password],
  );
  return rows.map(userOf);
}

/** The users that a query finds; undefined where there is none, so that this is remembered too. */
export function usersIn(database: SqlDatabase): CacheSource<Query, readonly User[]> {
  return {
    name: database.name,
    async load({ field, value }) {
      const { rows } = await database.run(SELECTS[field], [value]);
      return rows.length === 0 ? undefined : rows.map(userOf);
    },
    ping: (options) => database.ping(options),
    close: () => database.close(),
  };
}

const SELECTS: Readonly<Record<Query['field'], string>> = {
  id: 'SELECT id, username, email FROM users WHERE id = ?',
  username: 'SELECT id, username, email FROM users WHERE username = ?',
  email: 'SELECT id, username, email FROM users WHERE email = ?',
};

function userOf(row: Readonly<Record<string, unknown>>): User {
  return { id: String(row.id), username: String(row.username), email: String(row.email) };
}
