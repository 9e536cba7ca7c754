// What keeps a flush from being done twice or late in a SQL database: a fence row, or the ids of all writes, in its own transaction.
import { CACHE_LIMITS } from '../../base/limits.ts';
import { CacheError } from '../errors.ts';
import { once } from '../once.ts';
import { parts } from '../parts.ts';
import type { CallOptions, Change, Fence, Flushed, FlushGuard } from '../ports.ts';
import type { SqlDatabase, SqlRun } from '../sql.ts';

export type GuardTables = {
  /** The table of fences, a row per table flushed: `chorus_fence` unless given. Made when absent. */
  readonly fenceTable?: string;
  /** The table of the ids of flushed writes: `chorus_flushed` unless given. Made when absent. */
  readonly idTable?: string;
};

type Apply<Key, Row> = (run: SqlRun, changes: readonly Change<Key, Row>[]) => Promise<void>;

/** Thrown out of a transaction to roll it back. */
class Fenced extends Error {
  readonly found: Fence;
  constructor(found: Fence) {
    super('fenced');
    this.found = found;
  }
}
class Overtaken extends Error {}

export function flushGuards(database: SqlDatabase, table: string, tables: GuardTables) {
  const { name, dialect } = database;
  const fence = dialect.quote(tables.fenceTable ?? 'chorus_fence');
  const flushed = dialect.quote(tables.idTable ?? 'chorus_flushed');
  const { idType } = dialect;
  const make: Readonly<Record<FlushGuard['kind'], () => Promise<void>>> = {
    fence: once(() =>
      makeTable(fence, `source ${idType} PRIMARY KEY, cluster_id ${idType} NOT NULL, n BIGINT NOT NULL`),
    ),
    ids: once(() => makeTable(flushed, `id ${idType} PRIMARY KEY, at_ms BIGINT NOT NULL`)),
  };
  let prunedAtMs = 0;

  /** Outside of the transaction: MySQL ends a transaction at every CREATE. */
  async function makeTable(where: string, columns: string): Promise<void> {
    await database.run(`CREATE TABLE IF NOT EXISTS ${where} (${columns})`).catch(async (error: unknown) => {
      // PostgreSQL refuses one of two that make it at once, and whoever may not make tables, though it be there.
      await database.run(`SELECT 1 FROM ${where} WHERE 1 = 0`).catch(() => {
        throw error;
      });
    });
  }

  /** Raises the fence to n: the row lock makes a second flush wait until this one is over. */
  async function raise(run: SqlRun, { cluster, n }: Fence): Promise<void> {
    const mine = [n, table, cluster, n];
    const raised = await run(`UPDATE ${fence} SET n = ? WHERE source = ? AND cluster_id = ? AND n < ?`, mine);
    if (raised.changed > 0) return;
    const { rows } = await run(`SELECT cluster_id, n FROM ${fence} WHERE source = ?`, [table]);
    const [found] = rows;
    if (found !== undefined) {
      const standing = { cluster: String(found.cluster_id), n: Number(found.n) };
      // One that came between, with a smaller number, is to be raised the next time.
      throw standing.cluster === cluster && standing.n < n ? new Overtaken() : new Fenced(standing);
    }
    await orOvertaken(run(`INSERT INTO ${fence} (source, cluster_id, n) VALUES (?, ?, ?)`, [table, cluster, n]));
  }

  /** Enters the ids that are not there yet, and gives the changes whose own was not. */
  async function enter<Key, Row>(run: SqlRun, changes: readonly Change<Key, Row>[]): Promise<Change<Key, Row>[]> {
    const ids = [...new Set(changes.flatMap((change) => [change.id, ...(change.coalesced ?? [])]))];
    const known = new Set<unknown>();
    const now = Date.now();
    for (const some of parts(ids, CACHE_LIMITS.idsPerStatement)) {
      const { rows } = await run(`SELECT id FROM ${flushed} WHERE id IN (${some.map(() => '?').join(', ')})`, some);
      for (const { id } of rows) known.add(id);
      const fresh = some.filter((id) => !known.has(id));
      if (fresh.length === 0) continue;
      const places = fresh.map(() => '(?, ?)').join(', ');
      await orOvertaken(
        run(
          `INSERT INTO ${flushed} (id, at_ms) VALUES ${places}`,
          fresh.flatMap((id) => [id, now]),
        ),
      );
    }
    if (now - prunedAtMs > CACHE_LIMITS.pruneIdsMs) {
      prunedAtMs = now;
      await run(`DELETE FROM ${flushed} WHERE at_ms < ?`, [now - CACHE_LIMITS.keepIdsMs]);
    }
    return changes.filter((change) => !known.has(change.id));
  }

  return {
    async adopt(found: Fence, cluster: string, call: CallOptions | undefined): Promise<boolean> {
      await make.fence();
      const sql = `UPDATE ${fence} SET cluster_id = ? WHERE source = ? AND cluster_id = ? AND n = ?`;
      return (await database.run(sql, [cluster, table, found.cluster, found.n], call)).changed > 0;
    },

    async flush<Key, Row>(
      changes: readonly Change<Key, Row>[],
      guard: FlushGuard,
      call: CallOptions | undefined,
      apply: Apply<Key, Row>,
    ): Promise<Flushed> {
      await make[guard.kind]();
      for (let tries = 0; tries < CACHE_LIMITS.maxOvertaken; tries++) {
        try {
          await database.transaction(async (run) => {
            if (guard.kind === 'fence') await raise(run, guard);
            await apply(run, guard.kind === 'fence' ? changes : await enter(run, changes));
          }, call);
          return { kind: 'saved' };
        } catch (error) {
          if (error instanceof Fenced) return { kind: 'fenced', ...error.found };
          if (!(error instanceof Overtaken)) throw error;
        }
      }
      throw new CacheError('full', name, 'too many flush the same writes at once');
    },
  };
}

/** A duplicate here says that another flush was faster, between our look and our insert. */
async function orOvertaken(insert: Promise<unknown>): Promise<void> {
  try {
    await insert;
  } catch (error) {
    throw error instanceof CacheError && error.refusal === 'conflict' ? new Overtaken() : error;
  }
}
