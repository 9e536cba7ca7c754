// PostgreSQL as a SqlDatabase: a pool of connections that fails fast, by the library `pg`.
import pg from 'pg';
import { type Duration, milliseconds } from '../duration.ts';
import { asCacheError, CacheError, type Refusal } from '../errors.ts';
import { inTransaction, type SqlDatabase, type SqlRun } from '../sql.ts';
import { standardDialect } from '../sql-dialect.ts';

export type PostgresDatabaseOptions = {
  /** `postgres://user:password@host:5432/database` */
  readonly url: string;
  /** For `Cache-Status` and health pages: `postgres` unless given. */
  readonly name?: string;
  /** Of one statement, by the server's clock, of its answer by ours, and between two of a transaction; 3 s unless given. */
  readonly statementTimeout?: Duration;
  /** Until a connection stands, or one of the pool is free; 1 s unless given. */
  readonly connectTimeout?: Duration;
  /** 10 unless given. */
  readonly maxConnections?: number;
};

/** Connects at the first statement; a lost connection is replaced by itself. */
export function postgresDatabase(options: PostgresDatabaseOptions): SqlDatabase {
  const { url, name = 'postgres', statementTimeout = '3s', connectTimeout = '1s', maxConnections = 10 } = options;
  const timeoutMs = milliseconds(statementTimeout, 'statementTimeout');
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: milliseconds(connectTimeout, 'connectTimeout'),
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs,
    // Of a client that stands still in the middle of a transaction nobody else need wait for the locks.
    idle_in_transaction_session_timeout: timeoutMs,
    keepAlive: true,
  });
  // A lost connection speaks up beside its statement's own error, or while it is idle: the pool drops it, that is all.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));

  async function withClient<T>(use: (run: SqlRun) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw asCacheError(error, name, 'down');
    });
    // Of a connection that did not answer in time nobody knows what it will answer next.
    let isInDoubt = false;
    try {
      return await use(async (sql, parameters = []) => {
        try {
          const { rows, rowCount, command } = await client.query(withNumbers(sql), [...parameters]);
          return { rows, changed: command === 'SELECT' ? 0 : (rowCount ?? 0) };
        } catch (error) {
          const told = cacheErrorOf(error, name);
          if (told.code !== 'refused') isInDoubt = true;
          throw told;
        }
      });
    } finally {
      client.release(isInDoubt);
    }
  }

  const run: SqlRun = (sql, parameters) => withClient((run) => run(sql, parameters));

  return {
    name,
    run,
    transaction: (work, options) =>
      withClient((run) => inTransaction({ name, begin: 'BEGIN', control: run, run }, work, options?.signal)),
    dialect: standardDialect,
    async ping() {
      await run('SELECT 1');
    },
    async close() {
      if (!pool.ending) await pool.end();
    },
  };
}

/** `?` outside of quotes becomes `$1`, `$2`, … */
export function withNumbers(sql: string): string {
  let count = 0;
  return sql.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g, (found) => {
    if (found !== '?') return found;
    count += 1;
    return `$${count}`;
  });
}

/** By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html); an error without one came from the connection. */
function cacheErrorOf(error: unknown, name: string): CacheError {
  if (!(error instanceof pg.DatabaseError)) {
    const isLate = error instanceof Error && error.message === 'Query read timeout';
    return asCacheError(error, name, isLate ? 'timeout' : 'unknown');
  }
  const { code = '', message } = error;
  if (code === '57014') return new CacheError('timeout', name, message, { cause: error });
  // A deadlock or a lost race of transactions, or one that stood still: rolled back; a standby.
  if (/^(40|25006|25P03)/.test(code)) return new CacheError('down', name, message, { cause: error });
  if (code === '53100') return new CacheError('full', name, message, { cause: error });
  if (/^(53|57|58|XX)/.test(code)) return new CacheError('unknown', name, message, { cause: error });
  return new CacheError('refused', name, message, { cause: error, refusal: REFUSAL_OF[code] ?? 'invalid' });
}

/** A unique or an exclusion constraint; a foreign key. */
const REFUSAL_OF: Readonly<Record<string, Refusal>> = { '23505': 'conflict', '23P01': 'conflict', '23503': 'missing' };
