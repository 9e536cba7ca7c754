// What the requests at /v1/caches and /v1/stores have in common: the cache or store and the key that they name, and what a failure is answered with.
import { CacheError } from '../cache/errors.ts';
import { LogTrouble } from '../cache/server/cache-log.ts';
import type { ServedCache } from '../cache/server/served-caches.ts';
import { requireCache } from './callers.ts';
import { type ReadDemand, readDemand, readEntry } from './keys.ts';
import { PROBLEMS, Problem, type ProblemCode, type ProblemDetails } from './problems.ts';
import { type Query, queryOf } from './queries.ts';
import { outcomeOfUntried } from './refusals.ts';
import type { Path } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';
import { keyOf, pathOf } from './targets.ts';

const NO_KEY = Buffer.from('-');
/** `/v1/caches/{cache}/entries/`, or `/failed/`; `/v1/stores/{store}/entries/`. */
const BEFORE_KEY = /^(?:\/[^/]+){4}\//;

/** Matched against the raw path, as for keys. A cache's name has no characters that would be encoded. */
export const CACHE_PATTERNS = {
  '/v1/caches/{cache}': /^\/v1\/caches\/[^/:]+$/,
  '/v1/caches/{cache}/entries/{key}': /^\/v1\/caches\/[^/:]+\/entries\//,
  '/v1/caches/{cache}:invalidate': /^\/v1\/caches\/[^/:]+:invalidate$/,
  '/v1/caches/{cache}:adopt': /^\/v1\/caches\/[^/:]+:adopt$/,
  '/v1/caches/{cache}/policy': /^\/v1\/caches\/[^/:]+\/policy$/,
  '/v1/caches/{cache}/failed': /^\/v1\/caches\/[^/:]+\/failed$/,
  // A key that ends so is reached with its slash as %2F.
  '/v1/caches/{cache}/failed/{key}/retry': /^\/v1\/caches\/[^/:]+\/failed\/.+\/retry$/,
  '/v1/caches/{cache}/failed/{key}': /^\/v1\/caches\/[^/:]+\/failed\//,
} as const satisfies { readonly [P in Path]?: RegExp };

/** The cache in the request's path. */
export function cacheIn({ caches }: HttpService, response: Response): ServedCache {
  const cache = caches.get(nameIn(response));
  if (cache === undefined) throw new Problem('no-such-cache', { detail: 'config.ts declares no cache of this name.' });
  return cache;
}

/** Throws 403 unless the caller may do this to the cache in the request's path. To be asked again after a wait. */
export function requireCacheRight(
  { access }: HttpService,
  request: Request,
  response: Response,
  kind: 'read-cache' | 'write-cache',
): void {
  requireCache(access.callerOf(request), kind, nameIn(response));
}

/** Reads the query, and counts the request as one of the route. */
export function queryIn(response: Response, route: 'caches' | 'stores', parameters: readonly string[]): Query {
  response.locals.route = route;
  return queryOf(response.locals.target, parameters);
}

/** The name of the cache or store in the request's path. */
export function nameIn(response: Response): string {
  const [, , , named = ''] = pathOf(response.locals.target).split('/', 4);
  return named.split(':', 1)[0] ?? '';
}

/** The key in the request's path: what stands between `/entries/` or `/failed/` and `ending`. */
export function keyIn({ limits }: HttpService, response: Response, ending = ''): Buffer {
  const path = pathOf(response.locals.target);
  const start = BEFORE_KEY.exec(path)?.[0].length ?? path.length;
  return keyOf(path.slice(0, path.length - ending.length), start, limits.maxKeyBytes);
}

/** Waits as a read of a key does: until this replica has what the request's token or consistency asks for. */
export async function readWhen(service: HttpService, query: Query, request: Request): Promise<ReadDemand> {
  const demand = readDemand(service, query, request.headers);
  await readEntry(service, NO_KEY, demand, () => {});
  return demand;
}

/** What a client is told of a read that failed. */
export function readProblem(error: unknown, headers: readonly string[] = []): Problem {
  return problemOf(error, () => ({}), headers);
}

/** What a write resolves with, or what a client is told where it failed. `id`: the one that came in. */
export async function written<T>(id: string | undefined, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    throw problemOf(error, (isWithoutEffect, isFinal) => {
      if (isFinal) return { outcome: 'not-applied' };
      return isWithoutEffect ? outcomeOfUntried(id) : { outcome: 'unknown', ...(id === undefined ? {} : { id }) };
    });
  }
}

/** Nothing but a CacheError comes from caches; all else is a mistake of ours. */
function problemOf(
  error: unknown,
  outcomeOf: (isWithoutEffect: boolean, isFinal: boolean) => ProblemDetails,
  headers: readonly string[] = [],
): Problem {
  if (!(error instanceof CacheError)) throw error;
  const isWithoutEffect = error.isWithoutEffect || (error instanceof LogTrouble && error.code === 'timeout');
  const outcome = outcomeOf(isWithoutEffect, error.code === 'refused');
  return new Problem(codeOf(error), { ...outcome, detail: error.message, headers });
}

function codeOf(error: CacheError): ProblemCode {
  if (error instanceof LogTrouble && Object.hasOwn(PROBLEMS, error.reason)) return error.reason as ProblemCode;
  switch (error.code) {
    case 'refused':
      return error.refusal === 'conflict' ? 'source-conflict' : 'source-refused';
    case 'full':
      return 'overloaded';
    case 'down':
    case 'timeout':
    case 'unknown':
      return 'source-down';
  }
}
