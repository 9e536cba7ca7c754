// The users: their type, their table, where they are cached, and the queue that takes them to the database.
import { randomUUID } from 'node:crypto';
import {
  type CacheSource,
  type Observe,
  type SqlDatabase,
  type TieredStore,
  tiers,
  type WriteBehindCache,
  type WriteQueue,
  writeBehind,
} from 'chorus/cache';
import type { RowOf } from 'chorus/cache/sources/columns';
import { type RowsSource, rows } from 'chorus/cache/sources/rows';
import { isUuid } from '../shared/given.ts';
import type { Settings } from '../shared/settings.ts';
import { memcachedOrMemory, rabbitmqOrMemory } from '../shared/stand-ins.ts';

const COLUMNS = { ID: 'text', LastName: 'text', FirstName: 'text', age: 'integer' } as const;

export type User = RowOf<typeof COLUMNS>;

const MAX_NAME_LENGTH = 191;
const MAX_AGE = 150;

/** Throws an Error with a sentence. `ID` is made where it is left out: the publisher knows it before the database does. */
export function userOf(given: Readonly<Record<string, unknown>>): User {
  const { ID = randomUUID(), LastName, FirstName, age } = given;
  if (!isText(LastName) || !isText(FirstName))
    throw new Error(`LastName and FirstName must be text, ${MAX_NAME_LENGTH} characters at most`);
  if (typeof age !== 'number' || !Number.isInteger(age) || age < 0 || age > MAX_AGE) {
    throw new Error(`age must be a whole number from 0 to ${MAX_AGE}`);
  }
  if (!isUuid(ID)) throw new Error('ID must be a UUID');
  return { ID: ID.toLowerCase(), LastName, FirstName, age };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}

export function queueIn(settings: Settings): WriteQueue {
  return rabbitmqOrMemory(settings, { exchange: 'order', routingKey: 'sql', queue: 'sql_queue' });
}

export function storeIn(settings: Settings, observe?: Observe): TieredStore {
  return tiers([{ store: memcachedOrMemory(settings), timeout: '2s' }], observe && { observe });
}

/** Made for `withTables`. Text of every language, compared byte by byte. */
export async function makeUsers(database: SqlDatabase): Promise<void> {
  const text = database.dialect.idType;
  const names = `LastName ${text} NOT NULL, FirstName ${text} NOT NULL`;
  await database.run(`CREATE TABLE IF NOT EXISTS users (ID ${text} PRIMARY KEY, ${names}, age INTEGER NOT NULL)`);
}

export function usersIn(database: SqlDatabase): RowsSource<string, User> {
  return rows(database, { table: 'users', columns: COLUMNS, key: 'ID' });
}

/** Above what the queue takes to connect (5 s) and to confirm (5 s): it knows whether anything was sent. */
const PUBLISH_TIMEOUT = '12s';

/** A user lies under `user:<ID>`, for a day: well above the time for which the database may be away. */
export function cachedUsers(options: {
  readonly store: TieredStore;
  readonly queue: WriteQueue;
  readonly source: CacheSource<string, User>;
  readonly observe?: Observe;
}): WriteBehindCache<string, User> {
  return writeBehind<string, User>({ ...options, prefix: 'user:', ttl: '1d', publishTimeout: PUBLISH_TIMEOUT });
}
