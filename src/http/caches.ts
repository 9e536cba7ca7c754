// Caches in front of databases: their entries, invalidation, policies, and what their sources refused, at /v1/caches.
import { CacheError } from '../cache/errors.ts';
import type { Found, Written } from '../cache/server/cluster-cache.ts';
import { policyFault } from '../cache/server/policy.ts';
import { figuresOf, type ServedCache } from '../cache/server/served-caches.ts';
import { answer, answerJson, JSON_TYPE } from './answers.ts';
import { refuseBody } from './bodies.ts';
import { etagOf } from './conditions.ts';
import { checkJsonHead, checkMembers, invalidBody, objectAt, readJson } from './json-bodies.ts';
import { admitWrite } from './key-writes.ts';
import { readDemand, readEntry } from './keys.ts';
import { timeoutOf } from './parameters.ts';
import { Problem, type ProblemDetails } from './problems.ts';
import { invalidParameter, type Query, queryOf } from './queries.ts';
import type { HttpService, Request, Response } from './service.ts';
import { keyOf, pathOf } from './targets.ts';

const PREFIX = '/v1/caches/';
const ENTRIES = '/entries/';
const FAILED = '/failed/';
const MAX_LISTED = 1000;

/** The query parameters of each; all paths but the first go on with the cache's name. */
const PARAMETERS = {
  list: [],
  describe: [],
  read: ['consistency', 'timeout'],
  put: ['timeout', 'wait'],
  remove: ['timeout', 'wait'],
  invalidate: ['timeout'],
  setPolicy: ['timeout'],
  failed: [],
  retry: ['timeout'],
  drop: ['timeout'],
} as const;
type Name = keyof typeof PARAMETERS;

type Serve = (request: Request, response: Response) => Promise<void>;

/** Each path with its methods. Matched against the raw path, as for keys. */
export function createCaches(service: HttpService): readonly (readonly [RegExp, Readonly<Record<string, Serve>>])[] {
  const handlers = handlersOf(service);
  return [
    [/^\/v1\/caches$/, { GET: handlers.list }],
    [/^\/v1\/caches\/[^/:]+$/, { GET: handlers.describe }],
    [/^\/v1\/caches\/[^/:]+\/entries\//, { GET: handlers.read, PUT: handlers.put, DELETE: handlers.remove }],
    [/^\/v1\/caches\/[^/:]+:invalidate$/, { POST: handlers.invalidate }],
    [/^\/v1\/caches\/[^/:]+\/policy$/, { PUT: handlers.setPolicy }],
    [/^\/v1\/caches\/[^/:]+\/failed$/, { GET: handlers.failed }],
    [/^\/v1\/caches\/[^/:]+\/failed\/.+\/retry$/, { POST: handlers.retry }],
    [/^\/v1\/caches\/[^/:]+\/failed\//, { DELETE: handlers.drop }],
  ];
}

function handlersOf(service: HttpService): Readonly<Record<Name, Serve>> {
  return {
    async list(request, response) {
      queryIn(response, PARAMETERS.list);
      answerJson(service, request, response, 200, { caches: [...service.caches.values()].map(viewOf) });
    },

    async describe(request, response) {
      queryIn(response, PARAMETERS.describe);
      answerJson(service, request, response, 200, viewOf(cacheIn(service, response)));
    },

    async read(request, response) {
      const query = queryIn(response, PARAMETERS.read);
      const { cache } = cacheIn(service, response);
      const key = entryKeyIn(service, response);
      // As a read of a key waits: until this replica has what the request's token or consistency asks for.
      await readEntry(service, key, readDemand(service, query, request.headers), () => {});
      const found = await cache.get(key.toString()).catch((error: unknown) => fail(error, {}));
      answerFound(service, request, response, found, cache.log.policy.graceMs);
    },

    async put(request, response) {
      const query = queryIn(response, PARAMETERS.put);
      const id = admitWrite(service, request);
      checkJsonHead(request);
      const row = await readJson(service, request, response);
      if (row === null) throw invalidBody('', 'A row is JSON, but not null: DELETE removes it.');
      await write(request, response, query, id, row, 200);
    },

    async remove(request, response) {
      const query = queryIn(response, PARAMETERS.remove);
      const id = admitWrite(service, request);
      refuseBody(request);
      await write(request, response, query, id, undefined, 204);
    },

    async invalidate(request, response) {
      queryIn(response, PARAMETERS.invalidate);
      const { cache } = cacheIn(service, response);
      admitWrite(service, request);
      checkJsonHead(request);
      const what = invalidationOf(await readJson(service, request, response));
      const { revision } = await cache.invalidate(what).catch((error: unknown) => fail(error, UNKNOWN));
      answerJson(service, request, response, 200, { revision });
    },

    async setPolicy(request, response) {
      const query = queryIn(response, PARAMETERS.setPolicy);
      const { cache, flusher } = cacheIn(service, response);
      admitWrite(service, request);
      checkJsonHead(request);
      const policy = await readJson(service, request, response);
      const fault = policyFault(policy);
      if (fault !== undefined) throw invalidBody('', fault);
      const { pattern } = objectAt('', policy);
      if (pattern === 'behind' && flusher === undefined) throw invalidBody('pattern', 'The source takes no batches.');
      const { revision: _, ...now } = cache.log.policy;
      const text = Buffer.from(JSON.stringify({ ...now, ...objectAt('', policy) }));
      await cache.log
        .send({ type: 'cache-policy', text }, timeoutOf(service.limits, query))
        .catch((error: unknown) => fail(error, UNKNOWN));
      answerJson(service, request, response, 200, cache.log.policy);
    },

    async failed(request, response) {
      queryIn(response, PARAMETERS.failed);
      const { cache } = cacheIn(service, response);
      const failed = cache.log.unsaved('failed', undefined, MAX_LISTED).map(({ key, revision, ageMs, error }) => {
        return { key: Buffer.from(key).toString(), revision, ageMs: Math.round(ageMs), error };
      });
      answerJson(service, request, response, 200, { failed });
    },

    retry: (request, response) => settle(request, response, 'retry', '/retry'),
    drop: (request, response) => settle(request, response, 'drop', ''),
  };

  /** What is to become of a write that the source refused. */
  async function settle(request: Request, response: Response, how: 'retry' | 'drop', ending: string): Promise<void> {
    const query = queryIn(response, PARAMETERS[how]);
    const { cache } = cacheIn(service, response);
    admitWrite(service, request);
    refuseBody(request);
    const path = pathOf(response.locals.target);
    const key = keyOf(
      path.slice(0, path.length - ending.length),
      path.indexOf(FAILED) + FAILED.length,
      service.limits.maxKeyBytes,
    );
    const failed = cache.log.unsaved('failed', undefined, MAX_LISTED).find((one) => key.equals(one.key));
    if (failed === undefined) throw new Problem('not-found', { detail: 'No write of this key has failed.' });
    const body = { type: 'cache-settle', how, error: '', writes: [{ key, revision: failed.revision }] } as const;
    await cache.log.send(body, timeoutOf(service.limits, query)).catch((error: unknown) => fail(error, UNKNOWN));
    answer(service, request, response, 204, [], undefined);
  }

  async function write(
    request: Request,
    response: Response,
    query: Query,
    id: string | undefined,
    row: unknown,
    status: 200 | 204,
  ): Promise<void> {
    const { cache } = cacheIn(service, response);
    const key = entryKeyIn(service, response).toString();
    const timeoutMs = timeoutOf(service.limits, query);
    const isAwaited = isSavedWanted(query);
    const written = await cache.write(key, row, { timeoutMs, id }).catch((error: unknown) => fail(error, UNKNOWN));
    if (isAwaited && written.how === 'behind') await awaitSaved(cache, key, timeoutMs);
    answer(service, request, response, status, [...writtenHeaders(written), 'Content-Type', JSON_TYPE], undefined);
  }
}

const UNKNOWN: ProblemDetails = { outcome: 'unknown' };

function queryIn(response: Response, parameters: readonly string[]): Query {
  response.locals.route = 'caches';
  return queryOf(response.locals.target, parameters);
}

function cacheIn({ caches }: HttpService, response: Response): ServedCache {
  const [name = ''] = pathOf(response.locals.target).slice(PREFIX.length).split(/[/:]/);
  const cache = caches.get(name);
  if (cache === undefined) throw new Problem('no-such-cache', { detail: 'config.ts declares no cache of this name.' });
  return cache;
}

function entryKeyIn({ limits }: HttpService, response: Response): Buffer {
  const { target } = response.locals;
  return keyOf(target, target.indexOf(ENTRIES) + ENTRIES.length, limits.maxKeyBytes);
}

function isSavedWanted(query: Query): boolean {
  const wait = query.get('wait');
  if (wait !== undefined && wait !== 'saved') throw invalidParameter('wait', '"wait" can only be saved.');
  return wait !== undefined;
}

async function awaitSaved(cache: ServedCache['cache'], key: string, timeoutMs: number): Promise<void> {
  const settled = await cache.settled(key, timeoutMs);
  if (settled === 'saved') return;
  const detail = 'The write is durable in the log; the source has not taken it.';
  throw new Problem(settled === 'failed' ? 'source-refused' : 'timed-out', { ...UNKNOWN, detail });
}

function answerFound(
  service: HttpService,
  request: Request,
  response: Response,
  found: Found<unknown>,
  graceMs: number,
): void {
  const headers = ['Cache-Status', cacheStatusOf(found, graceMs), 'Cache-Control', 'no-cache'];
  if (found.value === undefined) throw new Problem('not-found', { detail: 'The source has no such row.', headers });
  const etag = found.revision === 0 ? undefined : etagOf(found.revision);
  if (etag !== undefined) headers.push('ETag', etag);
  if (etag !== undefined && request.headers['if-none-match'] === etag) {
    answer(service, request, response, 304, headers, undefined);
    return;
  }
  const body = Buffer.from(JSON.stringify(found.value));
  answer(service, request, response, 200, [...headers, 'Content-Type', JSON_TYPE], body);
}

/** RFC 9211: `hit` and `fwd` exclude each other. */
function cacheStatusOf({ how, leftMs, isStored }: Found<unknown>, graceMs: number): string {
  const ttl = leftMs === undefined ? '' : `; ttl=${Math.ceil((leftMs - graceMs) / 1000)}`;
  if (how === 'hit') return `memory; hit${ttl}`;
  if (how === 'stale') return `memory; hit${ttl}; detail=stale`;
  if (how === 'collapsed') return 'memory; fwd=uri-miss; collapsed';
  return `memory; fwd=uri-miss${isStored ? '; stored' : ''}`;
}

function writtenHeaders({ how, revision, isRepeat }: Written): string[] {
  const headers = ['Chorus-Write', how, 'Chorus-Consistency', 'linearizable', 'ETag', etagOf(revision)];
  return isRepeat ? [...headers, 'Idempotency-Replayed', 'true'] : headers;
}

function viewOf(served: ServedCache) {
  const { name, cache, flusher } = served;
  const { trouble, fence, ...counted } = flusher?.view ?? {};
  return {
    name,
    policy: cache.log.policy,
    source: cache.health(),
    ...figuresOf(served),
    flusher: flusher === undefined ? undefined : { ...counted, trouble: trouble?.message, fence },
  };
}

function invalidationOf(body: unknown): { keys?: readonly string[]; tags?: readonly string[]; all?: true } {
  const what = objectAt('', body);
  checkMembers('', what, ['keys', 'tags', 'all']);
  const { keys, tags, all } = what;
  if (all !== undefined && all !== true) throw invalidBody('all', '"all" can only be true.');
  return { ...textsAt('keys', keys), ...textsAt('tags', tags), ...(all === true ? { all } : {}) };
}

function textsAt(place: 'keys' | 'tags', value: unknown) {
  if (value === undefined) return {};
  const isRight = Array.isArray(value) && value.length <= LISTED[place] && value.every((one) => isName(one, place));
  if (!isRight) throw invalidBody(place, `"${place}" is a list of at most ${LISTED[place]} texts.`);
  return { [place]: value as readonly string[] };
}

const LISTED = { keys: 1000, tags: 255 } as const;

function isName(one: unknown, place: 'keys' | 'tags'): boolean {
  return typeof one === 'string' && one.length > 0 && Buffer.byteLength(one) <= (place === 'keys' ? 1024 : 255);
}

/** Throws what a client is told of it. Nothing but a CacheError comes from caches; all else is a mistake of ours. */
function fail(error: unknown, write: ProblemDetails): never {
  if (!(error instanceof CacheError)) throw error;
  const outcome =
    write.outcome === undefined ? {} : ({ outcome: error.isWithoutEffect ? 'not-applied' : 'unknown' } as const);
  const details = { ...outcome, detail: error.message };
  switch (error.code) {
    case 'refused':
      throw new Problem(error.refusal === 'conflict' ? 'source-conflict' : 'source-refused', details);
    case 'full':
      throw new Problem('overloaded', details);
    case 'down':
      throw new Problem('source-down', details);
    case 'timeout':
    case 'unknown':
      throw new Problem('timed-out', details);
  }
}
