// A SQL database as applications use it beside its cache: their own statements, their tables made, errors said as CacheError.
//
// sources/sqlite-database.ts, postgres-database.ts and mysql-database.ts each open one; the source of rows (sources/rows.ts) stands upon it.
import { CacheError } from './errors.ts';
import type { CallOptions } from './ports.ts';
import type { SqlDialect } from './sql-dialect.ts';

export type SqlValue = string | number | bigint | boolean | Uint8Array | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export type SqlResult = {
  /** What SELECT gave, or RETURNING; else empty. */
  readonly rows: readonly SqlRow[];
  /** How many rows were inserted, changed or removed. */
  readonly changed: number;
};

export type SqlRun = (sql: string, parameters?: readonly SqlValue[], options?: CallOptions) => Promise<SqlResult>;

export type SqlDatabase = {
  /** `sqlite`, `postgres`, `mysql`: the part's name in health pages and errors. */
  readonly name: string;
  /**
   * Runs one statement, for ever committed when it resolves. `?` stands for a parameter, whatever the database itself writes
   * (a `?` within quotes is text). Rejects with CacheError: `refused` with `conflict` for a row that is there already, with
   * `missing` for one that a row needs, with `invalid` for all else that the database says no to.
   */
  readonly run: SqlRun;
  /**
   * Runs the statements of `work` in one transaction, by the `run` that it gets: committed when it resolves. Rolled back when
   * `work` rejects, and when `signal` aborts before the end; `timeout` and `unknown` may have committed.
   */
  transaction<T>(work: (run: SqlRun) => Promise<T>, options?: CallOptions): Promise<T>;
  readonly dialect: SqlDialect;
  /** Resolves if the database answers at all. */
  ping(options?: CallOptions): Promise<void>;
  close(): Promise<void>;
};

/**
 * How the databases run a transaction over one connection. After an error that leaves the connection in doubt nothing more is
 * sent over it: who owns it ends it, which rolls back.
 */
export async function inTransaction<T>(
  {
    name,
    begin,
    control,
    run,
  }: { readonly name: string; readonly begin: string; control(sql: string): Promise<unknown>; readonly run: SqlRun },
  work: (run: SqlRun) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const goOn = () => {
    if (signal?.aborted) throw new CacheError('refused', name, 'given up by its caller', { cause: signal.reason });
  };
  await control(begin);
  try {
    const result = await work(async (sql, parameters) => {
      goOn();
      return await run(sql, parameters);
    });
    goOn();
    await control('COMMIT');
    return result;
  } catch (error) {
    const isInDoubt = error instanceof CacheError && !error.isWithoutEffect;
    // Where the error ended the transaction already there is nothing to roll back.
    if (!isInDoubt) await control('ROLLBACK').catch(() => {});
    throw error;
  }
}
