// A SQL database as applications use it beside its cache: their own statements, their tables made, errors said as CacheError.
//
// sources/sqlite.ts, sources/postgres.ts and sources/mysql.ts each open one; the sources of rows are built upon the same handle.
import type { CallOptions } from './ports.ts';

export type SqlValue = string | number | bigint | boolean | Uint8Array | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export type SqlResult = {
  /** What SELECT gave, or RETURNING; else empty. */
  readonly rows: readonly SqlRow[];
  /** How many rows were inserted, changed or removed. */
  readonly changed: number;
};

export type SqlDatabase = {
  /** `sqlite`, `postgres`, `mysql`: the part's name in health pages and errors. */
  readonly name: string;
  /**
   * Runs one statement, for ever committed when it resolves. `?` stands for a parameter, whatever the database itself writes
   * (a `?` within quotes is text). Rejects with CacheError: `refused` with `conflict` for a row that is there already, with
   * `missing` for one that a row needs, with `invalid` for all else that the database says no to.
   */
  run(sql: string, parameters?: readonly SqlValue[], options?: CallOptions): Promise<SqlResult>;
  /** Resolves if the database answers at all. */
  ping(options?: CallOptions): Promise<void>;
  close(): Promise<void>;
};
