// Caches in front of databases: what there are, their figures, invalidation, and the policy that all nodes go by, at /v1/caches.
import { CACHED_STATE_LIMITS, REQUEST_LIMITS } from '../base/limits.ts';
import type { Fence } from '../cache/ports.ts';
import type { Invalidated } from '../cache/server/cache-log.ts';
import { policyFault } from '../cache/server/policy.ts';
import { figuresOf, type ServedCache } from '../cache/server/served-caches.ts';
import { answerJson } from './answers.ts';
import { cacheIn, queryIn, readWhen, requireCacheRight, written } from './cache-requests.ts';
import { checkJsonHead, checkMembers, invalidBody, objectAt, readJson } from './json-bodies.ts';
import { admitWrite } from './key-writes.ts';
import { timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService } from './service.ts';

export type Caches = {
  readonly list: Handler;
  readonly describe: Handler;
  readonly invalidate: Handler;
  readonly adopt: Handler;
  readonly setPolicy: Handler;
};

export function createCaches(service: HttpService): Caches {
  return {
    async list(request, response) {
      const { consistency } = await readWhen(service, queryIn(response, 'caches', ROUTES['/v1/caches'].GET), request);
      const caller = service.access.callerOf(request);
      const seen = [...service.caches.values()].filter(({ name }) => caller.may('read-cache', Buffer.from(name)));
      const caches = seen.map(viewOf);
      answerJson(service, request, response, 200, { caches }, ['Chorus-Consistency', consistency]);
    },

    async describe(request, response) {
      const query = queryIn(response, 'caches', ROUTES['/v1/caches/{cache}'].GET);
      const served = cacheIn(service, response);
      const { consistency } = await readWhen(service, query, request);
      answerJson(service, request, response, 200, viewOf(served), ['Chorus-Consistency', consistency]);
    },

    async invalidate(request, response) {
      const query = queryIn(response, 'caches', ROUTES['/v1/caches/{cache}:invalidate'].POST);
      const { cache } = cacheIn(service, response);
      const id = admitWrite(service, request);
      checkJsonHead(request);
      const what = invalidatedIn(await readJson(service, request, response));
      requireCacheRight(service, request, response, 'write-cache');
      const timeoutMs = timeoutOf(service.limits, query);
      const { revision } = await written(id, cache.invalidate(what, timeoutMs));
      answerJson(service, request, response, 200, { revision });
    },

    async adopt(request, response) {
      const query = queryIn(response, 'caches', ROUTES['/v1/caches/{cache}:adopt'].POST);
      const { name, flusher } = cacheIn(service, response);
      const id = admitWrite(service, request);
      checkJsonHead(request);
      const fence = fenceIn(await readJson(service, request, response));
      const timeoutMs = timeoutOf(service.limits, query);
      const isAdopted = flusher !== undefined && (await written(id, flusher.adopt(fence, timeoutMs)));
      if (!isAdopted) {
        const detail = 'The source has no such fence, or no longer; GET /v1/caches/{cache} on the duty node shows it.';
        throw new Problem('fence-differs', { detail, outcome: 'not-applied' });
      }
      service.logger.warn({ cache: name, ...fence }, 'adopted the fence of another cluster');
      answerJson(service, request, response, 200, { revision: service.node.revision() });
    },

    async setPolicy(request, response) {
      const query = queryIn(response, 'caches', ROUTES['/v1/caches/{cache}/policy'].PUT);
      const { cache, flusher } = cacheIn(service, response);
      const id = admitWrite(service, request);
      checkJsonHead(request);
      const policy = await readJson(service, request, response);
      const fault = policyFault(policy);
      if (fault !== undefined) throw invalidBody('', fault);
      const change = objectAt('', policy);
      if (change.pattern === 'behind' && flusher === undefined)
        throw invalidBody('pattern', 'The source takes no batches.');
      const { revision: _, ...now } = cache.log.policy;
      const text = Buffer.from(JSON.stringify({ ...now, ...change }));
      const timeoutMs = timeoutOf(service.limits, query);
      await written(id, cache.log.sendDone({ type: 'cache-policy', text }, timeoutMs));
      answerJson(service, request, response, 200, cache.log.policy);
    },
  };
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

function fenceIn(body: unknown): Fence {
  const fence = objectAt('', body);
  checkMembers('', fence, ['cluster', 'n']);
  const { cluster, n } = fence;
  if (typeof cluster !== 'string' || cluster === '') throw invalidBody('cluster', '"cluster" is the id of a cluster.');
  const { maxAdopted } = CACHED_STATE_LIMITS;
  const isNumber = typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= maxAdopted;
  if (!isNumber) throw invalidBody('n', `"n" is a whole number from 0 to ${maxAdopted}.`);
  return { cluster, n };
}

/** What the body of an invalidation asks for. */
export function invalidatedIn(body: unknown): Invalidated {
  const what = objectAt('', body);
  checkMembers('', what, ['keys', 'tags', 'all']);
  const { keys, tags, all } = what;
  if (all !== undefined && all !== true) throw invalidBody('all', '"all" can only be true.');
  // An empty body would be answered as if something had been done.
  if (Object.keys(what).length === 0) throw invalidBody('', 'What is to be invalidated: "keys", "tags" or "all".');
  return { ...textsAt('keys', keys), ...textsAt('tags', tags), ...(all === true ? { all } : {}) };
}

function textsAt(place: 'keys' | 'tags', value: unknown) {
  if (value === undefined) return {};
  const { most, maxBytes } = LISTED[place];
  const isRight = Array.isArray(value) && value.length <= most && value.every((one) => isName(one, maxBytes));
  if (!isRight) throw invalidBody(place, `"${place}" is a list of at most ${most} texts.`);
  return { [place]: value as readonly string[] };
}

const LISTED = {
  keys: { most: CACHED_STATE_LIMITS.maxInvalidatedKeys, maxBytes: REQUEST_LIMITS.maxKeyBytes },
  tags: { most: CACHED_STATE_LIMITS.maxTags, maxBytes: CACHED_STATE_LIMITS.maxTagBytes },
} as const;

function isName(one: unknown, maxBytes: number): boolean {
  return typeof one === 'string' && one !== '' && one.isWellFormed() && Buffer.byteLength(one) <= maxBytes;
}
