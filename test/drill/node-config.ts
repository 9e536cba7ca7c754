// The config.ts of the drilled nodes: a cache written behind into one SQLite file, whose flushes leave a mark when they begin and end.
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { rows } from '../../src/cache/sources/rows.ts';
import { sqliteDatabase } from '../../src/cache/sources/sqlite-database.ts';
import type { Config } from '../../src/settings.ts';

/** The path of the database; the marks are beside it. */
export const DATABASE_VARIABLE = 'DRILL_DATABASE';
export const marksPath = (database: string): string => `${database}.flushes`;

/** A flush takes so long before it changes anything, and again afterwards: a node can be killed in the midst of it. */
const LINGER_MS = 60;

export const config = {
  caches: {
    rows: {
      source: () => lingering(process.env[DATABASE_VARIABLE] ?? ''),
      pattern: 'behind',
      maxDelay: '50ms',
    },
  },
} satisfies Config;

function lingering(file: string) {
  const source = rows(sqliteDatabase({ file }), {
    table: 'rows',
    columns: { id: 'text', value: 'integer' },
    key: 'id',
  });
  const mark = (word: 'begin' | 'end') => appendFileSync(marksPath(file), `${word} ${process.pid}\n`);
  const flush: typeof source.flush = async (changes, guard, options) => {
    mark('begin');
    await delay(LINGER_MS);
    const flushed = await source.flush(changes, guard, options);
    await delay(LINGER_MS);
    mark('end');
    return flushed;
  };
  return { ...source, flush };
}
