// The rows of one SQL table as a source, by their primary key: loaded, saved, removed, and flushed in batches.
//
// Names of tables and columns come from the configuration and are quoted, values are parameters, always. A row counts under its
// own key only: what a collation finds besides (`ada` for `Ada`) is not there.
import { CacheError } from '../errors.ts';
import { parts } from '../parts.ts';
import type { CallOptions, Change, FlushableSource, Flushed, ManySource, WritableSource } from '../ports.ts';
import type { SqlDatabase, SqlRun } from '../sql.ts';
import { type Columns, givenColumns, otherKey, plainKey, type RowOf, readRow, writtenRow } from './columns.ts';
import { flushGuards, type GuardTables } from './flush-guards.ts';

export type RowsOptions<Listed extends Columns, Key extends keyof Listed & string> = GuardTables & {
  /** `users`, or `shop.users`. */
  readonly table: string;
  readonly columns: Listed;
  /** The primary key, one of the columns. */
  readonly key: Key;
  /** An integer column that keeps each row's revision: a flush replaces no row of a newer one. */
  readonly revision?: string;
};

export type RowsSource<Key, Row> = ManySource<Key, Row> &
  WritableSource<Key, Row> &
  Required<FlushableSource<Key, Row>> & {
    /** Adds a row. Rejects with `refused` and `conflict` when one is there, or another has what is unique. */
    insert(row: Row, options?: CallOptions): Promise<void>;
    /**
     * Sets these columns of the row and leaves the others as they are, whatever others do meanwhile; resolves with the row as it
     * is now kept. Undefined: there is no such row.
     */
    change(key: Key, fields: Partial<Row>, options?: CallOptions): Promise<Row | undefined>;
    /** The first rows in the order of their keys. */
    list(options: CallOptions & { readonly limit: number }): Promise<readonly Row[]>;
  };

/** Parameters of one statement: the least that a database takes is SQLite's 32,766. */
const MAX_PARAMETERS = 10_000;

/** The source does not own the database: closing it closes nothing. */
export function rows<const Listed extends Columns, const Key extends keyof Listed & string>(
  database: SqlDatabase,
  options: RowsOptions<Listed, Key>,
): RowsSource<RowOf<Listed>[Key], RowOf<Listed>> {
  type Row = RowOf<Listed>;
  type RowKey = Row[Key];
  const { columns, key, revision } = options;
  const { name, dialect } = database;
  const names = Object.keys(columns);
  const quote = (column: string) => dialect.quote(column);
  const table = quote(options.table);
  const select = `SELECT ${names.map(quote).join(', ')} FROM ${table} WHERE ${quote(key)}`;
  const guards = flushGuards(database, options.table, options);

  async function found(run: SqlRun, keys: readonly RowKey[]): Promise<Map<RowKey, Row>> {
    const byKey = new Map<RowKey, Row>();
    const wanted = new Set(keys);
    for (const some of parts([...wanted], MAX_PARAMETERS)) {
      const result = await run(`${select} IN (${marks(some.length)})`, some.map(plainKey));
      for (const one of result.rows) {
        const row = readRow(name, columns, one);
        if (wanted.has(row[key])) byKey.set(row[key], row);
      }
    }
    return byKey;
  }

  /** Inserts or replaces; resolves with the rows as they are now. */
  async function upsert(run: SqlRun, changes: readonly RowChange<RowKey, Row>[]): Promise<Map<RowKey, Row>> {
    // A revision column that is not among those of the row is written by flushes only.
    const isRevised = revision !== undefined && changes.every((change) => change.revision !== undefined);
    const written = [...names, ...(isRevised ? [revision] : [])];
    const others = written.filter((column) => column !== key).map(quote);
    const insert = `INSERT INTO ${table}${dialect.alias} (${written.map(quote).join(', ')}) VALUES `;
    const update = dialect.upsert(quote(key), others, isRevised ? quote(revision) : undefined);
    for (const some of parts(changes, Math.floor(MAX_PARAMETERS / written.length))) {
      const values = some.map(({ value, revision }) => [
        ...writtenRow(name, columns, value),
        ...(isRevised ? [revision ?? 0] : []),
      ]);
      const places = values.map(() => `(${marks(written.length)})`).join(', ');
      await run(`${insert}${places} ${update}`, values.flat());
    }
    const now = await found(
      run,
      changes.map((change) => change.key),
    );
    const absent = changes.find((change) => !now.has(change.key));
    // MySQL has then updated another row, by another unique column: the transaction is rolled back.
    if (absent !== undefined)
      throw new CacheError('refused', name, 'another row has it already', { refusal: 'conflict' });
    return now;
  }

  async function remove(run: SqlRun, keys: readonly RowKey[]): Promise<number> {
    let removed = 0;
    for (const some of parts(keys, MAX_PARAMETERS)) {
      const where = `WHERE ${quote(key)} IN (${marks(some.length)})`;
      removed += (await run(`DELETE FROM ${table} ${where}`, some.map(plainKey))).changed;
    }
    return removed;
  }

  function rowChange({ key: of, value, revision }: Change<RowKey, Row>): RowChange<RowKey, Row>[] {
    return value === undefined ? [] : [{ key: of, value: ownRow(of, value), revision }];
  }

  function ownRow(of: RowKey, value: Row): Row {
    if (value[key] === of) return value;
    throw otherKey(name, key, of, value[key]);
  }

  async function change(run: SqlRun, of: RowKey, fields: Partial<Row>): Promise<Row | undefined> {
    const given = givenColumns(columns, fields);
    if (fields[key] !== undefined && fields[key] !== of) throw otherKey(name, key, of, fields[key]);
    const kept = (await found(run, [of])).get(of);
    const written = Object.keys(given);
    if (kept === undefined || written.length === 0) return kept;
    const assigned = written.map((column) => `${quote(column)} = ?`).join(', ');
    const values = writtenRow(name, given, fields);
    await run(`UPDATE ${table} SET ${assigned} WHERE ${quote(key)} = ?`, [...values, plainKey(of)]);
    return (await found(run, [of])).get(of);
  }

  return {
    name,
    change: (of, fields, call) => database.transaction((run) => change(run, of, fields), call),
    load: async (of, call) => (await found(withSignal(database, call), [of])).get(of),
    loadMany: (keys, call) => found(withSignal(database, call), keys),
    async insert(row, call) {
      const sql = `INSERT INTO ${table} (${names.map(quote).join(', ')}) VALUES (${marks(names.length)})`;
      await database.run(sql, writtenRow(name, columns, row), call);
    },
    async list({ limit, ...call }) {
      if (!Number.isSafeInteger(limit) || limit < 0) throw new TypeError(`not a number of rows: ${limit}`);
      const sql = `SELECT ${names.map(quote).join(', ')} FROM ${table} ORDER BY ${quote(key)} LIMIT ${limit}`;
      return (await database.run(sql, [], call)).rows.map((row) => readRow(name, columns, row));
    },
    async save(of, value, call) {
      const change = { key: of, value: ownRow(of, value), revision: undefined };
      const kept = await database.transaction(async (run) => (await upsert(run, [change])).get(of), call);
      return kept ?? value;
    },
    remove: async (of, call) => (await remove(withSignal(database, call), [of])) > 0,
    async flush(changes, guard, call): Promise<Flushed> {
      return await guards.flush(changes, guard, call, async (run, left) => {
        const removed = left.filter((change) => change.value === undefined);
        await remove(
          run,
          removed.map((change) => change.key),
        );
        await upsert(run, left.flatMap(rowChange));
      });
    },
    adopt: (found, cluster, call) => guards.adopt(found, cluster, call),
    ping: (call) => database.ping(call),
    async close() {},
  };
}

type RowChange<Key, Row> = { readonly key: Key; readonly value: Row; readonly revision: number | undefined };

function withSignal(database: SqlDatabase, call: CallOptions | undefined): SqlRun {
  return (sql, parameters) => database.run(sql, parameters, call);
}

function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}
