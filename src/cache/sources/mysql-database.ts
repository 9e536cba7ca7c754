// MySQL and MariaDB as a SqlDatabase: a pool of connections that fails fast, by the library `mysql2`.
import { setTimeout as delay } from 'node:timers/promises';
import type { PoolConnection as CoreConnection } from 'mysql2';
import { createConnection, createPool, type ResultSetHeader } from 'mysql2/promise';
import { messageOf } from '../../base/errors.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { asCacheError, CacheError, type Refusal } from '../errors.ts';
import { inTransaction, type SqlDatabase, type SqlRow, type SqlRun } from '../sql.ts';
import { mysqlDialect } from '../sql-dialect.ts';

export type MysqlDatabaseOptions = {
  /** `mysql://user:password@host:3306/database` */
  readonly url: string;
  /** For `Cache-Status` and health pages: `mysql` unless given. */
  readonly name?: string;
  /** Used instead of the one that the URL names, and made where it is absent. */
  readonly database?: string;
  /** Of one statement's answer; 3 s unless given. */
  readonly statementTimeout?: Duration;
  /** Until a connection stands; 1 s unless given. */
  readonly connectTimeout?: Duration;
  /** 10 unless given. */
  readonly maxConnections?: number;
};

/** `control` is for what cannot be prepared: the beginning and the end of a transaction. */
type MysqlConnection = { control(sql: string): Promise<void>; readonly run: SqlRun };

/** Connects at the first statement; a lost connection is replaced by itself. */
export function mysqlDatabase(options: MysqlDatabaseOptions): SqlDatabase {
  const { name = 'mysql', statementTimeout = '3s', connectTimeout = '1s', maxConnections = 10 } = options;
  const server = new URL(options.url);
  const database = options.database ?? decodeURIComponent(server.pathname.slice(1));
  server.pathname = '';
  const connection = { uri: server.href, connectTimeout: milliseconds(connectTimeout, 'connectTimeout') };
  const timeout = milliseconds(statementTimeout, 'statementTimeout');
  const pool = createPool({ ...connection, ...(database !== '' && { database }), connectionLimit: maxConnections });

  const open = new Set<CoreConnection>();
  pool.pool.on('connection', (made) => {
    open.add(made);
    made.once('end', () => open.delete(made));
    // As PostgreSQL does it: each statement sees what was committed before it, and gaps between rows are not locked.
    const isolation = 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED';
    made.query({ sql: isolation, timeout }, (error) => error && made.destroy());
    // Of a client that stands still in the middle of a transaction nobody else need wait for the locks. MySQL has no such setting.
    const idle = `SET @chorus = 1 /*M!100301 , SESSION idle_transaction_timeout = ${Math.ceil(timeout / 1000)} */`;
    made.query({ sql: idle, timeout }, (error) => error && made.destroy());
  });

  /** All errors here came before the statement was sent. */
  async function connected() {
    try {
      return await pool.getConnection().catch(async (error: unknown) => {
        if (options.database === undefined || codeOf(error) !== 'ER_BAD_DB_ERROR') throw error;
        await makeDatabase();
        return await pool.getConnection();
      });
    } catch (error) {
      throw asCacheError(error, name, 'down');
    }
  }

  async function makeDatabase(): Promise<void> {
    const alone = await createConnection(connection);
    try {
      await alone.query({ sql: 'CREATE DATABASE IF NOT EXISTS ??', values: [database], timeout });
    } finally {
      alone.destroy();
    }
  }

  async function withClient<T>(use: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    const client = await connected();
    // Of a connection that did not answer in time nobody knows what it will answer next.
    let isInDoubt = false;
    const told = (error: unknown) => {
      const cacheError = cacheErrorOf(error, name);
      if (cacheError.code !== 'refused') isInDoubt = true;
      return cacheError;
    };
    try {
      return await use({
        async control(sql) {
          await client.query({ sql, timeout }).catch((error: unknown) => {
            throw told(error);
          });
        },
        async run(sql, parameters = []) {
          const [result] = await client.execute({ sql, values: [...parameters], timeout }).catch((error: unknown) => {
            throw told(error);
          });
          return Array.isArray(result)
            ? { rows: result as readonly SqlRow[], changed: 0 }
            : { rows: [], changed: (result as ResultSetHeader).affectedRows };
        },
      });
    } finally {
      if (isInDoubt) client.destroy();
      else client.release();
    }
  }

  const run: SqlRun = (sql, parameters) => withClient((connection) => connection.run(sql, parameters));

  return {
    name,
    run,
    transaction: (work, options) =>
      withClient((connection) => inTransaction({ name, begin: 'BEGIN', ...connection }, work, options?.signal)),
    dialect: mysqlDialect,
    async ping() {
      await run('SELECT 1');
    },
    async close() {
      // A server that hangs does not answer to a farewell either.
      await Promise.race([pool.end().catch(() => {}), delay(timeout, undefined, { ref: false })]);
      for (const one of open) one.destroy();
    },
  };
}

/** By the server's symbols (mariadb.com/kb/en/mariadb-error-codes); an error without an SQLSTATE came from the connection. */
function cacheErrorOf(error: unknown, name: string): CacheError {
  const code = codeOf(error);
  const message = messageOf(error);
  if (TIMEOUTS.has(code)) return new CacheError('timeout', name, message, { cause: error });
  const isServers = error instanceof Error && 'sqlState' in error && typeof error.sqlState === 'string';
  if (!isServers || code === 'ER_SERVER_SHUTDOWN') return asCacheError(error, name, 'unknown');
  if (ROLLED_BACK.has(code)) return new CacheError('down', name, message, { cause: error });
  if (code === 'ER_RECORD_FILE_FULL') return new CacheError('full', name, message, { cause: error });
  return new CacheError('refused', name, message, { cause: error, refusal: REFUSAL_OF[code] ?? 'invalid' });
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_QUERY_TIMEOUT',
  'ER_STATEMENT_TIMEOUT',
]);

/** A deadlock; a server that only reads now. */
const ROLLED_BACK: ReadonlySet<string> = new Set(['ER_LOCK_DEADLOCK', 'ER_OPTION_PREVENTS_STATEMENT']);

const REFUSAL_OF: Readonly<Record<string, Refusal>> = {
  ER_DUP_ENTRY: 'conflict',
  ER_NO_REFERENCED_ROW: 'missing',
  ER_NO_REFERENCED_ROW_2: 'missing',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
