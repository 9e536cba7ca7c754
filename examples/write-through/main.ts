// Write-through: users in PostgreSQL with Redis in front. A new user is in the database and in the cache when its answer is given.
import { CacheError, tiers, writeThrough } from 'chorus/cache';
import { createActivity } from '../shared/activity.ts';
import { type Application, run } from '../shared/application.ts';
import { RequestError } from '../shared/failures.ts';
import { isUuid, objectIn } from '../shared/given.ts';
import { pingedPart, tierParts } from '../shared/parts.ts';
import type { Settings } from '../shared/settings.ts';
import { postgresOrSqlite, redisOrMemory } from '../shared/stand-ins.ts';
import { makeTables, withTables } from '../shared/tables.ts';
import {
  FIELDS,
  insertUser,
  makeUsers,
  type NewUser,
  type Query,
  TABLE_TAG,
  type User,
  userRow,
  usersIn,
} from './users.ts';

await run(writeThroughApplication);

async function writeThroughApplication(settings: Settings): Promise<Application> {
  const activity = createActivity();
  const { observe } = activity;
  const store = tiers([redisOrMemory(settings)], { observe });
  const database = withTables(postgresOrSqlite(settings), makeUsers);
  await makeTables(database);

  const cache = writeThrough<Query, readonly User[]>({
    store,
    source: usersIn(database),
    prefix: 'users:',
    textOf: ({ field, value }) => `${field}:${value}`,
    // A user found by its id changes only with its own row; all other answers may change with any.
    tags: ({ field }) => (field === 'id' ? [] : [TABLE_TAG]),
    ttl: '5s',
    negativeTtl: '5s',
    observe,
  });

  async function insert(user: NewUser): Promise<readonly User[]> {
    const row = await userRow(user);
    try {
      const key = { field: 'id', value: row.id } as const;
      return await cache.write(key, () => insertUser(database, row), { tags: [TABLE_TAG] });
    } catch (error) {
      const isTaken = error instanceof CacheError && error.refusal === 'conflict';
      throw isTaken ? new RequestError(409, 'A user with this username or email exists already') : error;
    }
  }

  return {
    name: 'write-through',
    about:
      'Users: a new one is written to the database and kept in the cache; what was found is kept for five seconds.',
    usualPort: 3000,
    activity,
    parts: [tierParts(store), pingedPart('source', database)],
    tries: [
      { method: 'POST', path: '/', body: { username: 'ada', email: 'ada@example.org', password: 'a long secret' } },
      { method: 'GET', path: '/query?username=ada' },
      { method: 'GET', path: '/query?email=ada@example.org' },
      { method: 'GET', path: '/query?username=nobody' },
      { method: 'GET', path: '/health' },
    ],

    routes(app) {
      app.post('/', async (request, response) => {
        response.json({ message: 'INSERT success', result: await insert(newUserIn(request.body)) });
      });

      app.get('/query', async (request, response) => {
        const { value, from, status } = await cache.look(queryIn(request.query));
        if (value === undefined) throw new RequestError(404, 'No values found that matches that query');
        const message = from === database.name ? 'Result found in DB' : 'Result found in cache';
        response.set('Cache-Status', status).json({ message, result: value });
      });
    },

    close: () => cache.close(),
  };
}

function newUserIn(body: unknown): NewUser {
  const { username, email, password } = objectIn(body);
  if (!isText(username) || !isText(email) || !isText(password)) {
    throw new RequestError(400, 'Missing required fields (username, email, password)');
  }
  return { username, email, password };
}

function queryIn(query: Readonly<Record<string, unknown>>): Query {
  const [[name, value] = [], ...more] = Object.entries(query);
  const field = FIELDS.find((one) => one === name);
  if (field === undefined || !isText(value) || more.length > 0) {
    throw new RequestError(400, `A query has exactly one of the fields ${FIELDS.join(', ')}`);
  }
  if (field !== 'id') return { field, value };
  if (!isUuid(value)) throw new RequestError(404, 'No values found that matches that query');
  return { field, value: value.toLowerCase() };
}

/** PostgreSQL's text holds no NUL. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1000 && !value.includes('\0');
}
