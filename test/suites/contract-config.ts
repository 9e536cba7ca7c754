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
    adopted: inFrontOf('adopted', { pattern: 'behind' }),
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
      // As another cluster left it.
      void database.run(
        'CREATE TABLE IF NOT EXISTS chorus_fence (source TEXT PRIMARY KEY, cluster_id TEXT NOT NULL, n BIGINT NOT NULL)',
      );
      void database.run(
        "INSERT OR IGNORE INTO chorus_fence (source, cluster_id, n) VALUES ('adopted', 'another', 1000)",
      );
      return rows(database, { table, columns: { id: 'text', name: 'text', mail: 'text?' }, key: 'id' });
    },
  };
}
