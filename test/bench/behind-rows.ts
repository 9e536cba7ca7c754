// The rows of the cache bench about writing: batches of the flusher, and a whole cache written behind, beside inserts one by one.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { mysqlDatabase } from '../../src/cache/sources/mysql-database.ts';
import { postgresDatabase } from '../../src/cache/sources/postgres-database.ts';
import { rows } from '../../src/cache/sources/rows.ts';
import type { SqlDatabase } from '../../src/cache/sql.ts';
import { ask, targetOf } from '../drill/requests.ts';
import { startChorusNodes } from '../servers/chorus.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { temporaryDirectory } from '../servers/places.ts';
import { startPostgres } from '../servers/postgres.ts';
import { loadUser, type User } from './cache-contestants.ts';
import type { CacheBenchOptions } from './cache-rows.ts';
import type { Contest, Contestant, Row } from './contest.ts';
import { median } from './contest.ts';

/** As the flusher's policy is unless given. */
const BATCH = 500;
const CONNECTIONS = 10;
const TIMEOUT_MS = 30_000;
const COLUMNS = { id: 'integer', name: 'text', email: 'text', about: 'text' } as const;
const TABLE =
  'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, about TEXT NOT NULL)';
const INSERT = 'INSERT INTO users (id, name, email, about) VALUES (?, ?, ?, ?)';
const SOURCES = join(import.meta.dirname, '../../src/cache/sources');

const RATE = { unit: 'rows/s', better: 'more' } as const;

export const BEHIND_ROWS: readonly Row<CacheBenchOptions>[] = [
  {
    name: 'flush, PostgreSQL',
    help: `rows into the database: flushes of ${BATCH} under their fence`,
    needs: ['postgres'],
    figures: { rate: RATE },
    warmsUp: true,
    open: (options) => flushes(openPostgres, options),
  },
  {
    name: 'flush, MariaDB',
    help: 'the same',
    needs: ['mariadb'],
    figures: { rate: RATE },
    warmsUp: true,
    open: (options) => flushes(openMariadb, options),
  },
  {
    name: 'write behind',
    help: 'a node over HTTP, until the last row is in PostgreSQL; what a writer waits for',
    needs: ['postgres'],
    figures: { rate: RATE, wait: { unit: 'ms, median', better: 'less' } },
    warmsUp: true,
    open: writtenBehind,
  },
];

type Opened = { readonly database: SqlDatabase; readonly url: string; close(): Promise<void> };

/** Each commit is on the disk, as of a database of which something is expected. */
async function openPostgres(): Promise<Opened> {
  const server = await startPostgres({ isForced: true });
  return opened(server, postgresDatabase({ url: server.url, maxConnections: CONNECTIONS, statementTimeout: '1m' }));
}

async function openMariadb(): Promise<Opened> {
  const server = await startMariadb({ isForced: true });
  return opened(server, mysqlDatabase({ url: server.url, maxConnections: CONNECTIONS, statementTimeout: '1m' }));
}

async function opened(
  server: { readonly url: string; close(): Promise<void> },
  database: SqlDatabase,
): Promise<Opened> {
  await database.run(TABLE);
  const close = async () => {
    await database.close();
    await server.close();
  };
  return { database, url: server.url, close };
}

async function flushes(open: () => Promise<Opened>, options: CacheBenchOptions): Promise<Contest> {
  const { database, close } = await open();
  const source = rows(database, { table: 'users', columns: COLUMNS, key: 'id' });
  const users = await usersOf(options.keys);
  let revision = 0;
  const flush = async () => {
    for (let at = 0; at < users.length; at += BATCH) {
      revision += 1;
      const batch = users.slice(at, at + BATCH);
      const changes = batch.map((value) => ({ id: String(value.id), key: value.id, value, revision }));
      await source.flush(changes, { kind: 'fence', cluster: 'bench', n: revision });
    }
    return undefined;
  };
  const contestants = [
    contestant('Chorus', database, users, flush),
    contestant('one by one', database, users, () => insertAll(database, users, 1)),
    contestant(`one by one, ${CONNECTIONS} at once`, database, users, () => insertAll(database, users, CONNECTIONS)),
  ];
  return { contestants, close };
}

async function writtenBehind(options: CacheBenchOptions): Promise<Contest> {
  const { database, url, close } = await openPostgres();
  const directory = temporaryDirectory('bench');
  const config = join(directory, 'config.ts');
  writeFileSync(config, configText(url));
  const chorus = await startChorusNodes({ nodes: 1, flags: ['--config', config] });
  const node = targetOf(chorus.nodes[0]?.port ?? 0, options.parallel);
  const users = await usersOf(options.keys);
  const put = async (user: User) => {
    const headers = { 'content-type': 'application/json' };
    const path = `/v1/caches/users/entries/${user.id}`;
    const answer = await ask(node, { method: 'PUT', path, headers, body: JSON.stringify(user) }, TIMEOUT_MS);
    if (answer.kind === 'lost' || answer.status !== 200) throw new Error(`user ${user.id}: ${JSON.stringify(answer)}`);
  };
  const areSaved = async () => {
    const answer = await ask(node, { method: 'GET', path: '/v1/caches/users' }, TIMEOUT_MS);
    return answer.kind === 'answered' && (JSON.parse(answer.body) as { readonly unsaved: number }).unsaved === 0;
  };
  const { parallel } = options;
  return {
    contestants: [
      contestant('Chorus', database, users, async () => {
        const waits = await inLanes(users, parallel, put);
        while (!(await areSaved())) await delay(5);
        return waits;
      }),
      contestant('one by one', database, users, () => insertAll(database, users, 1)),
      contestant(`one by one, ${parallel} at once`, database, users, () => insertAll(database, users, parallel)),
    ],
    async close() {
      await chorus.close();
      rmSync(directory, { recursive: true, force: true });
      await close();
    },
  };
}

/** From an empty table to all users in it. */
function contestant(
  name: string,
  database: SqlDatabase,
  users: readonly User[],
  write: () => Promise<readonly number[] | undefined>,
): Contestant {
  return {
    name,
    async measure() {
      await database.run('DELETE FROM users');
      const startMs = performance.now();
      const waits = await write();
      const rate = (users.length * 1000) / (performance.now() - startMs);
      const { rows } = await database.run('SELECT COUNT(*) AS n FROM users');
      if (Number(rows[0]?.n) !== users.length) throw new Error(`${name}: ${rows[0]?.n} rows of ${users.length}`);
      return waits === undefined ? { rate } : { rate, wait: median(waits) };
    },
  };
}

function insertAll(database: SqlDatabase, users: readonly User[], parallel: number): Promise<readonly number[]> {
  return inLanes(users, parallel, async ({ id, name, email, about }) => {
    await database.run(INSERT, [id, name, email, about]);
  });
}

/** Resolves with how long each took, in ms. */
async function inLanes(users: readonly User[], parallel: number, write: (user: User) => Promise<void>) {
  const waits: number[] = [];
  const left = users.values();
  const lane = async () => {
    for (const user of left) {
      const startMs = performance.now();
      await write(user);
      waits.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return waits;
}

function usersOf(count: number): Promise<readonly User[]> {
  return Promise.all(Array.from({ length: count }, (_, id) => loadUser(id)));
}

function configText(url: string): string {
  const from = (file: string) => JSON.stringify(pathToFileURL(join(SOURCES, file)).href);
  const source = `rows(postgresDatabase({ url: '${url}' }), ${JSON.stringify({ table: 'users', columns: COLUMNS, key: 'id' })})`;
  return `// The bench's.
import { postgresDatabase } from ${from('postgres-database.ts')};
import { rows } from ${from('rows.ts')};

export const config = { caches: { users: { source: () => ${source}, keyOf: Number, pattern: 'behind' } } };
`;
}
