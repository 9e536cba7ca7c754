// SQLite in this process as a SqlDatabase: the embedded one, so that a cache in front of a database needs no server at all.
//
// Its statements block this process while they run: right for small tables and first steps, not for long queries.
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { type Duration, milliseconds } from '../duration.ts';
import { asCacheError, CacheError, type Refusal } from '../errors.ts';
import { inTransaction, type SqlDatabase, type SqlResult, type SqlRow, type SqlRun, type SqlValue } from '../sql.ts';
import { standardDialect } from '../sql-dialect.ts';

export type SqliteDatabaseOptions = {
  /** Its path, or `:memory:`: gone when the process ends. */
  readonly file: string;
  /** For `Cache-Status` and health pages: `sqlite` unless given. */
  readonly name?: string;
  /** How long a statement waits for other processes' locks; 1 s unless given. */
  readonly lockTimeout?: Duration;
};

/** Between two looks whether a lock is gone. */
const MAX_NAP_MS = 10;

/** Prepared statements kept; above it all are let go of. */
const MAX_STATEMENTS = 100;

/** Opens the file, and makes it where it is absent. Throws CacheError when it cannot. */
export function sqliteDatabase({ file, name = 'sqlite', lockTimeout = '1s' }: SqliteDatabaseOptions): SqlDatabase {
  const database = tried(name, () => new DatabaseSync(file));
  const patienceMs = milliseconds(lockTimeout, 'lockTimeout');
  const statements = new Map<string, StatementSync>();

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) statements.clear();
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  /** SQLite itself would wait for locks by stopping this process, which may be the one that holds them. */
  const now: SqlRun = async (sql, parameters = []) => {
    const giveUpMs = performance.now() + patienceMs;
    for (;;) {
      try {
        return resultOf(prepared(sql), parameters.map(bindable));
      } catch (error) {
        if (!isLocked(error) || performance.now() > giveUpMs) throw cacheErrorOf(error, name);
      }
      await delay(1 + Math.random() * MAX_NAP_MS);
    }
  };

  /** There is one connection: while a transaction is open on it, all else waits. */
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  return {
    name,
    run: (sql, parameters) => inTurn(() => now(sql, parameters)),
    transaction: (work, options) =>
      inTurn(() => inTransaction({ name, begin: 'BEGIN IMMEDIATE', control: now, run: now }, work, options?.signal)),
    dialect: standardDialect,
    async ping() {
      tried(name, () => prepared('SELECT 1').get());
    },
    close: () =>
      inTurn(async () => {
        statements.clear();
        if (database.isOpen) database.close();
      }),
  };
}

function resultOf(statement: StatementSync, parameters: readonly SQLInputValue[]): SqlResult {
  if (statement.columns().length === 0) return { rows: [], changed: Number(statement.run(...parameters).changes) };
  const rows: readonly SqlRow[] = statement.all(...parameters);
  return { rows, changed: /^\s*(select|values|with|pragma)\b/i.test(statement.sourceSQL) ? 0 : rows.length };
}

function bindable(value: SqlValue): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : value;
}

function tried<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw cacheErrorOf(error, name);
  }
}

/** Nothing of the statement was done. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && LOCKED.has(Number(error.errcode) & 0xff);
}

/** By SQLite's result codes (sqlite.org/rescode.html): the low byte is the primary one. Nothing of a failed statement stays. */
function cacheErrorOf(error: unknown, name: string): CacheError {
  if (!(error instanceof Error && 'errcode' in error)) return asCacheError(error, name, 'down');
  const code = Number(error.errcode);
  if (UNAVAILABLE.has(code & 0xff)) return new CacheError('down', name, error.message, { cause: error });
  if ((code & 0xff) === SQLITE_FULL) return new CacheError('full', name, error.message, { cause: error });
  return new CacheError('refused', name, error.message, { cause: error, refusal: REFUSAL_OF[code] ?? 'invalid' });
}

const SQLITE_FULL = 13;
/** By another process, by another connection of this one. */
const LOCKED: ReadonlySet<number> = new Set([5, 6]);
/** Busy, locked, read-write error, damaged, cannot be opened, lock protocol, not a database. */
const UNAVAILABLE: ReadonlySet<number> = new Set([5, 6, 10, 11, 14, 15, 26]);
/** Of a primary key, a unique index, a rowid; of a foreign key. */
const REFUSAL_OF: Readonly<Record<number, Refusal>> = {
  1555: 'conflict',
  2067: 'conflict',
  2579: 'conflict',
  787: 'missing',
};
