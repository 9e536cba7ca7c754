// The config.ts of the nodes that the contract is asked of: caches in front of SQLite tables in the directory that the nodes run in.
import type { CacheDeclaration } from '../../src/cache/server/declaration.ts';
import { rows } from '../../src/cache/sources/rows.ts';
import { sqliteDatabase } from '../../src/cache/sources/sqlite-database.ts';
import type { Config } from '../../src/settings.ts';

export const config = {
  caches: {
    rows: inFrontOf('rows', { pattern: 'through', ttl: '1h', negativeTtl: '1h', tags: () => ['all rows'] }),
    behind: inFrontOf('behind', { pattern: 'behind', maxDelay: '0ms', maxRefusals: 1 }),
    full: inFrontOf('full', { pattern: 'behind', maxDelay: '0ms', maxRefusals: 1, maxUnsaved: 1 }),
    switched: inFrontOf('switched', { pattern: 'aside' }),
  },
} satisfies Config;

function inFrontOf(table: string, declaration: Omit<CacheDeclaration, 'source'>): CacheDeclaration {
  return {
    ...declaration,
    source() {
      const database = sqliteDatabase({ file: 'contract.db', lockTimeout: '10s' });
      // Before anything else is asked on the one connection. Of several nodes one makes it.
      void database.run(
        `CREATE TABLE IF NOT EXISTS "${table}" (id TEXT PRIMARY KEY, name TEXT NOT NULL CHECK (length(name) < 20), mail TEXT UNIQUE)`,
      );
      return rows(database, { table, columns: { id: 'text', name: 'text', mail: 'text?' }, key: 'id' });
    },
  };
}
