// The table behind the drilled cache, in a real PostgreSQL that writes down by a trigger each change that ever was committed to it.

import { postgresDatabase } from '../../../src/cache/sources/postgres-database.ts';
import type { SqlDatabase, SqlRow } from '../../../src/cache/sql.ts';
import { type Postgres, startPostgres } from '../../servers/postgres.ts';
import { until } from '../faults.ts';

/** One committed change; an undefined version: the row was removed. */
export type Change = { readonly id: string; readonly version: number | undefined };

export type KeptHistory = {
  readonly server: Postgres;
  /** Rows that were ever written or removed, and how far the fence was raised; 0 before the first flush. */
  progress(): Promise<{ readonly changes: number; readonly fence: number }>;
  /** In the order of the commits, as far as one row goes. */
  history(): Promise<readonly Change[]>;
  rows(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
};

export const TABLE = 'readings';

const STATEMENTS = [
  `CREATE TABLE ${TABLE} (id TEXT PRIMARY KEY, version BIGINT NOT NULL, note TEXT NOT NULL)`,
  'CREATE TABLE history (at BIGSERIAL PRIMARY KEY, id TEXT NOT NULL, version BIGINT)',
  `CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO history (id, version) VALUES (COALESCE(NEW.id, OLD.id), NEW.version);
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER write_down AFTER INSERT OR UPDATE OR DELETE ON ${TABLE} FOR EACH ROW EXECUTE FUNCTION write_down()`,
];
const ANSWERS_WITHIN_MS = 60_000;

export async function startKeptHistory(): Promise<KeptHistory> {
  const server = await startPostgres();
  const database = postgresDatabase({ url: server.url, statementTimeout: '1m' });
  for (const statement of STATEMENTS) await database.run(statement);
  return {
    server,
    async progress() {
      const [changes] = await patiently(database, 'SELECT count(*) AS n FROM history');
      const [there] = await patiently(database, "SELECT to_regclass('chorus_fence') AS fence");
      const [fence] = there?.fence === null ? [] : await patiently(database, 'SELECT n FROM chorus_fence');
      return { changes: Number(changes?.n), fence: Number(fence?.n ?? 0) };
    },
    async history() {
      const changes = await patiently(database, 'SELECT id, version FROM history ORDER BY at');
      return changes.map(({ id, version }) => {
        return { id: String(id), version: version === null ? undefined : Number(version) };
      });
    },
    async rows() {
      const rows = await patiently(database, `SELECT id, version FROM ${TABLE}`);
      return new Map(rows.map(({ id, version }) => [String(id), Number(version)]));
    },
    async close() {
      await database.close();
      await server.close();
    },
  };
}

/** The database may be just coming back. */
async function patiently(database: SqlDatabase, sql: string): Promise<readonly SqlRow[]> {
  let rows: readonly SqlRow[] = [];
  const isAnswered = () =>
    database.run(sql).then(
      (result) => {
        rows = result.rows;
        return true;
      },
      () => false,
    );
  await until(isAnswered, ANSWERS_WITHIN_MS, `an answer of the database to ${sql}`);
  return rows;
}
