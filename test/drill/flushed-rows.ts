// Rows written behind: acknowledged by the log, brought to a database by the duty node. At the end the database has the last of each.
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './faults.ts';
import { writeUntilKnown } from './known-write.ts';
import { marksPath } from './node-config.ts';
import { ask, type Target } from './requests.ts';
import type { Tally } from './tally.ts';

const ROWS = 20;
const WRITE_EVERY_MS = 25;
const TIMEOUT_MS = 8_000;
const DRAINED_WITHIN_MS = 60_000;

export class FlushedRows {
  readonly #database: string;
  /** By row its last value, which is also how often it was written. */
  readonly #written = Array<number>(ROWS).fill(0);

  constructor(database: string) {
    this.#database = database;
    const made = new DatabaseSync(database);
    made.exec('PRAGMA journal_mode = WAL; CREATE TABLE rows (id TEXT PRIMARY KEY, value INTEGER NOT NULL)');
    made.close();
  }

  /** Writes until the signal aborts. */
  async write(target: Target, tally: Tally, signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      const row = turn % ROWS;
      const value = (this.#written[row] ?? 0) + 1;
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ id: idOf(row), value });
      const answer = await writeUntilKnown([target], { method: 'PUT', path: pathOf(row), headers, body }, tally);
      if (answer !== undefined) this.#written[row] = value;
      await delay(WRITE_EVERY_MS);
    }
  }

  /** Whether this process has begun a flush and not ended it. */
  isFlushing(pid: number): boolean {
    return readMarks(this.#database).findLast((mark) => mark.endsWith(` ${pid}`)) === `begin ${pid}`;
  }

  /** After the last write: waits until nothing is unsaved, and tells the tally of every row that is not as it should be. Resolves with a sentence. */
  async verify(node: Target, tally: Tally): Promise<string> {
    let unsaved = -1;
    const isDrained = async () => {
      const answer = await ask(node, { method: 'GET', path: '/v1/caches/rows' }, TIMEOUT_MS);
      if (answer.kind === 'answered' && answer.status === 200) unsaved = JSON.parse(answer.body).unsaved;
      return unsaved === 0;
    };
    await until(isDrained, DRAINED_WITHIN_MS, 'the last flush').catch(() => {
      tally.fault('unsaved', `${unsaved} rows were not brought to the database`);
    });
    const database = new DatabaseSync(this.#database, { readOnly: true });
    for (let row = 0; row < ROWS; row++) {
      const found = database.prepare('SELECT value FROM rows WHERE id = ?').get(idOf(row))?.value ?? 0;
      if (found !== this.#written[row])
        tally.fault('lost', `row ${row} of the database is ${found}, ${this.#written[row]} was acknowledged`);
    }
    database.close();
    const flushes = readMarks(this.#database).filter((mark) => mark.startsWith('begin')).length;
    const written = this.#written.reduce((sum, count) => sum + count, 0);
    return `${written} writes behind in ${flushes} flushes, all ${ROWS} rows of the database are the last ones`;
  }
}

function idOf(row: number): string {
  return `row-${row}`;
}

function pathOf(row: number): string {
  return `/v1/caches/rows/entries/${idOf(row)}`;
}

function readMarks(database: string): readonly string[] {
  try {
    return readFileSync(marksPath(database), 'utf8').trim().split('\n');
  } catch {
    return []; // No flush began yet.
  }
}
