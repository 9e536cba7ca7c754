// Entries of a cache: GET, HEAD, PUT and DELETE /v1/caches/{cache}/entries/{key}; each answer says by Cache-Status what the cache did.
import { CacheError } from '../cache/errors.ts';
import type { Found, Written } from '../cache/server/cluster-cache.ts';
import type { ServedCache } from '../cache/server/served-caches.ts';
import { type Condition, holds } from '../core/condition.ts';
import type { Consistency } from '../node/requests.ts';
import { answer, JSON_TYPE, TEXT_TYPE } from './answers.ts';
import { refuseBody } from './bodies.ts';
import { cacheIn, keyIn, queryIn, readProblem, readWhen, requireCacheRight, written } from './cache-requests.ts';
import { conditionOf, etagOf, refuseConditions } from './conditions.ts';
import { checkJsonHead, invalidBody, readJson } from './json-bodies.ts';
import { admitWrite } from './key-writes.ts';
import { accepts } from './media-types.ts';
import { timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { invalidParameter, type Query } from './queries.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';

const PARAMETERS = ROUTES['/v1/caches/{cache}/entries/{key}'];

export type CacheEntries = { readonly GET: Handler; readonly PUT: Handler; readonly DELETE: Handler };

/** What all writes have in common, read from the head of the request. */
type Write = {
  readonly served: ServedCache;
  readonly key: string;
  readonly timeoutMs: number;
  readonly isAwaited: boolean;
  readonly id: string | undefined;
  readonly caller: string;
};

export function createCacheEntries(service: HttpService): CacheEntries {
  return {
    async GET(request, response) {
      const query = queryIn(response, 'caches', PARAMETERS.GET);
      const { cache } = cacheIn(service, response);
      const key = keyIn(service, response);
      const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
      const condition = conditionOf(match, noneMatch, service.limits.maxConditionRevisions);
      const { consistency } = await readWhen(service, query, request);
      const found = await cache.get(key.toString()).catch((error: unknown) => {
        throw readProblem(error, ['Cache-Status', failedStatus(error)]);
      });
      requireCacheRight(service, request, response, 'read-cache');
      answerFound(service, request, response, found, cache.log.policy.graceMs, consistency, condition);
    },

    async PUT(request, response) {
      const write = writeIn(service, request, response, PARAMETERS.PUT);
      checkJsonHead(request);
      const row = await readJson(service, request, response);
      requireCacheRight(service, request, response, 'write-cache');
      if (row === null) throw invalidBody('', 'A row is JSON, but not null: DELETE removes it.');
      answer(service, request, response, 200, [...(await headersOf(write, row)), 'Content-Type', TEXT_TYPE], '');
    },

    async DELETE(request, response) {
      const write = writeIn(service, request, response, PARAMETERS.DELETE);
      refuseBody(request);
      answer(service, request, response, 204, await headersOf(write, undefined), undefined);
    },
  };
}

function writeIn(service: HttpService, request: Request, response: Response, parameters: readonly string[]): Write {
  const query = queryIn(response, 'caches', parameters);
  const served = cacheIn(service, response);
  const key = keyIn(service, response).toString();
  const timeoutMs = timeoutOf(service.limits, query);
  const isAwaited = isSavedWanted(query);
  refuseConditions(request.headers);
  const caller = service.access.callerOf(request).name;
  return { served, key, timeoutMs, isAwaited, id: admitWrite(service, request), caller };
}

function isSavedWanted(query: Query): boolean {
  const wait = query.get('wait');
  if (wait !== undefined && wait !== 'saved') throw invalidParameter('wait', '"wait" can only be saved.');
  return wait !== undefined;
}

/** The headers of the answer to a write that was done; an undefined row is removed. */
async function headersOf(write: Write, row: unknown): Promise<readonly string[]> {
  const { served, key, timeoutMs, isAwaited, id, caller } = write;
  const done = await written(id, served.cache.write(key, row, { timeoutMs, id, caller }));
  if (isAwaited && done.how === 'behind') await awaitSaved(served, key, timeoutMs, id);
  return writtenHeaders(done);
}

async function awaitSaved(served: ServedCache, key: string, timeoutMs: number, id: string | undefined): Promise<void> {
  const settled = await served.cache.settled(key, timeoutMs);
  if (settled === 'saved') return;
  throw new Problem(settled === 'failed' ? 'source-refused' : 'timed-out', {
    outcome: 'unknown',
    ...(id === undefined ? {} : { id }),
    detail: 'The write is durable in the log; the source has not taken it.',
  });
}

function writtenHeaders({ how, revision, isRepeat }: Written): readonly string[] {
  const status = how === 'saved' ? 'memory; fwd=method' : `memory; detail=${how}`;
  const headers = ['Chorus-Write', how, 'Chorus-Consistency', 'linearizable', 'Cache-Status', status];
  headers.push('ETag', etagOf(revision));
  return isRepeat ? [...headers, 'Idempotency-Replayed', 'true'] : headers;
}

function answerFound(
  service: HttpService,
  request: Request,
  response: Response,
  found: Found<unknown>,
  graceMs: number,
  consistency: Consistency,
  condition: Condition,
): void {
  const { value, revision } = found;
  // What was not kept has no revision, and is equal to none that a client names.
  const known = revision === 0 ? -1 : revision;
  const headers = ['Cache-Status', foundStatus(found, graceMs), 'Chorus-Consistency', consistency];
  if (value === undefined) throw new Problem('not-found', { detail: 'The source has no such row.', headers });
  if (revision !== 0) headers.push('ETag', etagOf(revision));
  if (!holds({ ...condition, noneMatch: 'none' }, known)) throw new Problem('condition-failed', { headers });
  headers.push('Cache-Control', 'no-cache');
  if (!holds(condition, known)) {
    answer(service, request, response, 304, headers, undefined);
    return;
  }
  if (!accepts(request.headers.accept, JSON_TYPE)) {
    throw new Problem('not-acceptable', { field: 'Accept', detail: `A row is ${JSON_TYPE}.`, headers });
  }
  const body = Buffer.from(JSON.stringify(value));
  answer(service, request, response, 200, [...headers, 'Content-Type', JSON_TYPE], body);
}

/** RFC 9211: `hit` and `fwd` exclude each other. */
function foundStatus({ how, leftMs, revision }: Found<unknown>, graceMs: number): string {
  const ttl = leftMs === undefined ? '' : `; ttl=${Math.ceil((leftMs - graceMs) / 1000)}`;
  if (how === 'hit') return `memory; hit${ttl}`;
  if (how === 'stale') return `memory; hit${ttl}; detail=stale`;
  if (how === 'collapsed') return 'memory; fwd=uri-miss; collapsed';
  return `memory; fwd=uri-miss${revision === 0 ? '' : '; stored'}`;
}

function failedStatus(error: unknown): string {
  return `memory; fwd=uri-miss; detail=${error instanceof CacheError ? error.code : 'error'}`;
}
