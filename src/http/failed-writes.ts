// Writes behind that the source of a cache refused: listed, tried again, or given up, at /v1/caches/{cache}/failed.
import { answer, answerJson } from './answers.ts';
import { refuseBody } from './bodies.ts';
import { cacheIn, keyIn, queryIn, readWhen, written } from './cache-requests.ts';
import { cursorText, readCursor } from './cursors.ts';
import { admitWrite } from './key-writes.ts';
import { readEntry } from './keys.ts';
import { listLimitOf } from './list.ts';
import { timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';

export type FailedWrites = { readonly list: Handler; readonly retry: Handler; readonly drop: Handler };

export function createFailedWrites(service: HttpService): FailedWrites {
  return {
    async list(request, response) {
      const query = queryIn(response, 'caches', ROUTES['/v1/caches/{cache}/failed'].GET);
      const { name, cache } = cacheIn(service, response);
      const limit = listLimitOf(query.get('limit'));
      const scope = Buffer.from(name);
      const text = query.get('cursor');
      const after = text === undefined ? undefined : readCursor(text, scope).after;
      const { consistency } = await readWhen(service, query, request);
      // One more than the page has says whether there is another.
      const found = cache.log.unsaved('failed', after, limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1)?.key : undefined;
      const next = last === undefined ? null : cursorText({ after: last, revision: service.node.revision() }, scope);
      const failed = page.map(({ key, revision, ageMs, error }) => {
        return { key: Buffer.from(key).toString(), revision, ageMs: Math.round(ageMs), error };
      });
      answerJson(service, request, response, 200, { failed, next }, ['Chorus-Consistency', consistency]);
    },

    retry: (request, response) =>
      settle(request, response, 'retry', ROUTES['/v1/caches/{cache}/failed/{key}/retry'].POST, '/retry'),
    drop: (request, response) =>
      settle(request, response, 'drop', ROUTES['/v1/caches/{cache}/failed/{key}'].DELETE, ''),
  };

  async function settle(
    request: Request,
    response: Response,
    how: 'retry' | 'drop',
    parameters: readonly string[],
    ending: string,
  ): Promise<void> {
    const timeoutMs = timeoutOf(service.limits, queryIn(response, 'caches', parameters));
    const { cache } = cacheIn(service, response);
    const key = keyIn(service, response, ending);
    const id = admitWrite(service, request);
    refuseBody(request);
    // What the caller was just told of may not have come to this node yet.
    await readEntry(service, key, { consistency: 'linearizable', minRevision: 0, timeoutMs }, () => {});
    const revision = cache.log.look(key).failed;
    if (revision === undefined) throw nothingFailed();
    const body = { type: 'cache-settle', how, error: '', writes: [{ key, revision }] } as const;
    const settled = await written(id, cache.log.send(body, timeoutMs));
    // Somebody else was quicker.
    if (settled.code === 'stale') throw nothingFailed();
    answer(service, request, response, 204, ['Chorus-Consistency', 'linearizable'], undefined);
  }
}

function nothingFailed(): Problem {
  return new Problem('not-found', { detail: 'No write of this key has failed.' });
}
