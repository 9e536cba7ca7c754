// The embedded log's file: one SQLite database that several processes share; opened with care, read and written in short transactions.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { invariant } from '../base/assert.ts';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { LOG_LIMITS } from '../base/limits.ts';
import { OffsetOutOfRange } from './commit-log.ts';
import type { PackedRecords, Range } from './embedded-protocol.ts';

/** 'CHOR': tells our files from any other SQLite database. */
const APPLICATION_ID = 0x43484f52;
const FORMAT_VERSION = 1;
/** Before it, several writing processes could lose commits when the WAL was reset. */
const OLDEST_SAFE_SQLITE = [3, 51, 3] as const;

// A row's id is its offset + 1. AUTOINCREMENT keeps ids growing after everything was trimmed, and a rolled back insert gives its id back.
const SCHEMA = `CREATE TABLE records (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp INTEGER NOT NULL, payload BLOB NOT NULL);
  PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT_VERSION};`;

/**
 * Opens `<dir>/log.sqlite`, making both when they are missing. Other processes may do so at the same time.
 * Throws FatalError when the file is damaged, foreign, or cannot be reached.
 */
export async function openLogFile(dir: string): Promise<LogFile> {
  const path = join(dir, 'log.sqlite');
  try {
    mkdirSync(dir, { recursive: true });
    return await retryWhileBusy(() => openOnce(path), LOG_LIMITS.openTimeoutMs);
  } catch (error) {
    throw error instanceof FatalError ? error : fatalErrorOf(error, `opening ${path}`);
  }
}

/** Never hold it across an `await`: every method is one whole short transaction, or a part of `begin` … `commit`. */
export class LogFile {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #next: StatementSync;
  readonly #first: StatementSync;
  readonly #read: StatementSync;
  readonly #lengths: StatementSync;
  readonly #delete: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const prepare = (sql: string) => {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      return statement;
    };
    this.#insert = prepare('INSERT INTO records (timestamp, payload) VALUES (?, ?)');
    this.#next = prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'");
    this.#first = prepare('SELECT id FROM records ORDER BY id LIMIT 1');
    this.#read = prepare('SELECT id, timestamp, payload FROM records WHERE id > ? ORDER BY id');
    this.#lengths = prepare('SELECT id, length(payload) FROM records WHERE id <= ? ORDER BY id LIMIT ?');
    this.#delete = prepare('DELETE FROM records WHERE id <= ?');
  }

  /** Takes the write lock or throws at once (`isBusy`). */
  begin(): void {
    this.#db.exec('BEGIN IMMEDIATE');
  }

  /** Adds one record to the transaction; answers its offset. */
  insert(timestamp: number, payload: Uint8Array): number {
    return Number(this.#insert.run(timestamp, payload).lastInsertRowid) - 1;
  }

  commit(): void {
    this.#db.exec('COMMIT');
  }

  /** Ends a transaction without effect, if SQLite has not already. */
  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  end(): number {
    return numberAt(this.#next.get(), 0) ?? 0;
  }

  range(): Range {
    return this.#inReadTransaction(() => {
      const end = this.end();
      return { start: (numberAt(this.#first.get(), 0) ?? end + 1) - 1, end };
    });
  }

  /** The records from an offset on, as many as a batch may hold; undefined when there are none yet. Throws OffsetOutOfRange. */
  readFrom(from: number): PackedRecords | undefined {
    return this.#inReadTransaction(() => {
      const timestamps: number[] = [];
      const payloads: Uint8Array[] = [];
      let bytes = 0;
      for (const row of rowsOf(this.#read.iterate(from))) {
        const [id, timestamp, payload] = row;
        if (payloads.length === 0 && id !== from + 1) break;
        invariant('L1', id === from + 1 + payloads.length, `record ${from + payloads.length} is missing`);
        timestamps.push(Number(timestamp));
        payloads.push(payload as Uint8Array);
        bytes += (payload as Uint8Array).length;
        if (bytes >= LOG_LIMITS.maxBatchBytes || payloads.length >= LOG_LIMITS.maxBatchRecords) break;
      }
      if (payloads.length > 0) return pack(from, timestamps, payloads, bytes);
      const end = this.end();
      if (from === end) return undefined;
      throw new OffsetOutOfRange(from, (numberAt(this.#first.get(), 0) ?? end + 1) - 1, end);
    });
  }

  /** Deletes the oldest records below `before`, as many as one slice may hold; false when none is left there. Throws when busy. */
  deleteSlice(before: number): boolean {
    this.begin();
    try {
      let last = 0;
      let bytes = 0;
      for (const row of rowsOf(this.#lengths.iterate(before, LOG_LIMITS.trimSliceRecords))) {
        last = Number(row[0]);
        bytes += Number(row[1]);
        if (bytes >= LOG_LIMITS.trimSliceBytes) break;
      }
      this.#delete.run(last);
      this.commit();
      return last > 0 && last < before;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }

  #inReadTransaction<T>(read: () => T): T {
    this.#db.exec('BEGIN');
    try {
      return read();
    } finally {
      this.rollback();
    }
  }
}

/** True when another process holds the lock just now, or recovers the file after a crash: to be tried again. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return code === SQLITE.busy || code === SQLITE.locked || code === SQLITE.protocol;
}

/** True when the disk is full: the transaction left nothing behind. */
export function isFull(error: unknown): boolean {
  return sqliteCodeOf(error) === SQLITE.full;
}

/** True when the file itself cannot be trusted any more. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCodeOf(error);
  return code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

/** Runs a task again, about a millisecond later, while it meets a lock. SQLite's own waiting would block the thread and starve writers. */
export async function retryWhileBusy<T>(task: () => T, timeoutMs: number): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return task();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    await sleep(1 + Math.random());
  }
}

/** What stops the process when the file cannot be used. */
export function fatalErrorOf(error: unknown, doing: string): FatalError {
  if (isDamage(error)) return damagedError(`${doing}: ${messageOf(error)}`, error);
  const advice = 'Check that the directory can be written, is on a local disk, and that the disk works.';
  return new FatalError(EXIT.logUnreachable, `${doing} failed: ${messageOf(error)}. ${advice}`, { cause: error });
}

const SQLITE = { busy: 5, locked: 6, corrupt: 11, full: 13, protocol: 15, notADatabase: 26 } as const;

/** SQLite's primary result code, of which the extended ones are kinds. */
function sqliteCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

function damagedError(what: string, cause?: unknown): FatalError {
  const advice =
    'Move the file (with its -wal and -shm) away, or bring the directory back from a backup, and start again.';
  return new FatalError(EXIT.damagedData, `${what}. It is damaged or not a log of this program. ${advice}`, { cause });
}

function openOnce(path: string): LogFile {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    requireSafeSqlite(String(db.prepare('SELECT sqlite_version() AS version').get()?.version));
    requireOurs(db, path);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216');
    createOnce(db);
    return new LogFile(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function requireSafeSqlite(version: string): void {
  const parts = version.split('.').map(Number);
  const at = OLDEST_SAFE_SQLITE.findIndex((oldest, n) => parts[n] !== oldest);
  if (at === -1 || (parts[at] ?? 0) > (OLDEST_SAFE_SQLITE[at] ?? 0)) return;
  const needed = OLDEST_SAFE_SQLITE.join('.');
  throw new FatalError(
    EXIT.badConfiguration,
    `Node's SQLite is ${version}; the embedded log needs ${needed}: use the Node of package.json.`,
  );
}

/** An empty file is a new log: another process may have made it this moment. */
function requireOurs(db: DatabaseSync, path: string): void {
  const id = pragma(db, 'application_id');
  if (id === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0) return;
  if (id !== APPLICATION_ID) throw damagedError(`${path} is another program's database`);
  const version = pragma(db, 'user_version');
  if (version === FORMAT_VERSION) return;
  throw new FatalError(
    EXIT.damagedData,
    `${path} has format ${version}, this version reads ${FORMAT_VERSION}: run the version that wrote it.`,
  );
}

function createOnce(db: DatabaseSync): void {
  if (pragma(db, 'application_id') === APPLICATION_ID) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    if (pragma(db, 'application_id') === 0) db.exec(SCHEMA);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function pack(firstOffset: number, timestamps: number[], payloads: Uint8Array[], byteLength: number): PackedRecords {
  const ends = new Uint32Array(payloads.length);
  const [only] = payloads;
  // A single record is handed over as it came from SQLite; several are packed, for a transfer costs per buffer.
  const isAlone = only !== undefined && payloads.length === 1 && only.buffer.byteLength === only.length;
  const bytes = isAlone ? only : new Uint8Array(byteLength);
  let end = 0;
  for (const [n, payload] of payloads.entries()) {
    if (!isAlone) bytes.set(payload, end);
    end += payload.length;
    ends[n] = end;
  }
  return { firstOffset, timestamps: Float64Array.from(timestamps), ends, bytes };
}

type Row = readonly (number | bigint | string | Uint8Array | null)[];

/** The types of node:sqlite know rows as objects only. */
function rowsOf(rows: NodeJS.Iterator<unknown>): Iterable<Row> {
  return rows as unknown as Iterable<Row>;
}

function numberAt(row: unknown, column: number): number | undefined {
  return row === undefined ? undefined : Number((row as Row)[column]);
}
