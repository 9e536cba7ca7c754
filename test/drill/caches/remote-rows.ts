// The rows of row-server.ts as a source, for the config.ts of nodes that are processes of their own.
import { CacheError } from '../../../src/cache/errors.ts';
import type { CallOptions, FlushableSource, WritableSource } from '../../../src/cache/ports.ts';
import type { RowAnswer, RowQuestion } from './row-server.ts';

/** What is cached of a row. A write through says only how it is called: what the row counts then is the row's affair. */
export type CountedRow = { readonly count?: number; readonly save?: string };

export function remoteRows(port: number): WritableSource<number, CountedRow> & FlushableSource<number, CountedRow> {
  const name = 'rows';
  async function ask(question: RowQuestion, call: CallOptions | undefined): Promise<RowAnswer> {
    const url = `http://127.0.0.1:${port}`;
    const signal = call?.signal ?? null;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(question), signal }).catch((error) => {
      throw new CacheError('unknown', name, 'does not answer', { cause: error });
    });
    if (!answer.ok) throw new CacheError('down', name, 'is down');
    return (await answer.json()) as RowAnswer;
  }
  return {
    name,
    async load(key, call) {
      const { count } = await ask({ kind: 'load', key }, call);
      return count === undefined ? undefined : { count };
    },
    async save(key, { save = '' }, call) {
      const { count = 0 } = await ask({ kind: 'save', key, save }, call);
      return { count };
    },
    remove: () => Promise.reject(new CacheError('refused', name, 'is never asked to remove a row')),
    async flush(changes, guard, call) {
      const rows = changes.map(({ key, value }) => [key, value?.count ?? 0] as const);
      const n = guard.kind === 'fence' ? guard.n : 0;
      const { fence } = await ask({ kind: 'flush', rows, n }, call);
      return fence === undefined
        ? { kind: 'saved' }
        : { kind: 'fenced', cluster: guard.kind === 'fence' ? guard.cluster : '', n: fence };
    },
    async ping(call) {
      await ask({ kind: 'ping' }, call);
    },
    async close() {},
  };
}
