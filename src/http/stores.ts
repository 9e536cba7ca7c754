// The cluster as a store of the cache library, at /v1/stores/{store}: GET looks and takes a note, PUT fills or ends a hold, POST holds, DELETE removes.
import { isUtf8 } from 'node:buffer';
import { CACHED_STATE_LIMITS } from '../base/limits.ts';
import { ClusterStore, logNameOf, type StoredBytes } from '../cache/server/cluster-store.ts';
import { answer, answerJson } from './answers.ts';
import { readBody, refuseBody } from './bodies.ts';
import { keyIn, nameIn, queryIn, readWhen, written } from './cache-requests.ts';
import { invalidatedIn } from './caches.ts';
import { requireCache } from './callers.ts';
import { checkJsonHead, readJson } from './json-bodies.ts';
import { admitWrite } from './key-writes.ts';
import { OCTETS } from './media-types.ts';
import { positiveDuration, timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { invalidParameter, type Query } from './queries.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';
import { percentDecoded } from './targets.ts';

const NAME = '[A-Za-z0-9][A-Za-z0-9_-]{0,63}';
export const STORE_PATTERNS = {
  '/v1/stores/{store}/entries/{key}': new RegExp(`^/v1/stores/${NAME}/entries/`),
  '/v1/stores/{store}:invalidate': new RegExp(`^/v1/stores/${NAME}:invalidate$`),
} as const;
const PARAMETERS = ROUTES['/v1/stores/{store}/entries/{key}'];
const { maxTags, maxTagBytes } = CACHED_STATE_LIMITS;

export type Stores = {
  readonly entries: { readonly GET: Handler; readonly PUT: Handler; readonly DELETE: Handler; readonly POST: Handler };
  readonly invalidate: Handler;
};

/** What all writes have in common, read from the head of the request. */
type Write = { readonly store: ClusterStore; readonly query: Query; readonly timeoutMs: number };

export function createStores(service: HttpService): Stores {
  const { limits } = service;
  return {
    entries: {
      async GET(request, response) {
        const query = queryIn(response, 'stores', PARAMETERS.GET);
        requireStoreRight(service, request, response, 'read-cache');
        const key = keyIn(service, response);
        const { consistency } = await readWhen(service, query, request);
        requireStoreRight(service, request, response, 'read-cache');
        const { value, note } = storeIn(service, response).get(key);
        const headers = ['Chorus-Consistency', consistency, ...(note === undefined ? [] : ['Chorus-Note', note])];
        if (value === undefined) throw new Problem('not-found', { headers });
        answer(
          service,
          request,
          response,
          200,
          [...headers, 'Content-Type', OCTETS, 'Cache-Control', 'no-cache'],
          value,
        );
      },

      async PUT(request, response) {
        const { store, query, timeoutMs } = writeIn(service, request, response, PARAMETERS.PUT);
        const key = keyIn(service, response);
        const [since, hold] = [query.get('since'), query.get('hold')];
        if (since !== undefined && hold !== undefined) {
          throw invalidParameter('since', '"since" is of a fill, "hold" of what was written under one: not both.');
        }
        const ttl = query.get('ttl');
        const ttlMs = ttl === undefined ? 0 : positiveDuration('ttl', ttl, limits.maxTtlMs);
        const tags = tagsIn(request);
        const id = admitWrite(service, request);
        const value = await readBody(request, response, limits.maxValueBytes, service.bodies);
        // A token may have been revoked while the body was on its way.
        requireStoreRight(service, request, response, 'write-cache');
        const bytes: StoredBytes = { value, ttlMs, tags };
        const kept = await written(
          id,
          since === undefined ? store.put(key, bytes, hold, timeoutMs) : store.fill(key, bytes, since, timeoutMs),
        );
        answerDone(service, request, response, { kept });
      },

      async DELETE(request, response) {
        const { store, query, timeoutMs } = writeIn(service, request, response, PARAMETERS.DELETE);
        const key = keyIn(service, response);
        const id = admitWrite(service, request);
        refuseBody(request);
        await written(id, store.put(key, undefined, query.get('hold'), timeoutMs));
        answer(service, request, response, 204, ['Chorus-Consistency', 'linearizable'], undefined);
      },

      async POST(request, response) {
        const { store, query, timeoutMs } = writeIn(service, request, response, PARAMETERS.POST);
        const key = keyIn(service, response);
        if (query.get('op') !== 'hold') throw invalidParameter('op', 'POST on an entry of a store needs "op": hold.');
        const forMs = positiveDuration('ttl', query.get('ttl') ?? '', limits.maxTtlMs);
        const id = admitWrite(service, request);
        refuseBody(request);
        answerDone(service, request, response, { hold: await written(id, store.hold(key, forMs, timeoutMs)) });
      },
    },

    async invalidate(request, response) {
      const parameters = ROUTES['/v1/stores/{store}:invalidate'].POST;
      const { store, timeoutMs } = writeIn(service, request, response, parameters);
      const id = admitWrite(service, request);
      checkJsonHead(request);
      const what = invalidatedIn(await readJson(service, request, response));
      requireStoreRight(service, request, response, 'write-cache');
      answerDone(service, request, response, { revision: await written(id, store.invalidate(what, timeoutMs)) });
    },
  };
}

function writeIn(service: HttpService, request: Request, response: Response, parameters: readonly string[]): Write {
  const query = queryIn(response, 'stores', parameters);
  requireStoreRight(service, request, response, 'write-cache');
  return { store: storeIn(service, response), query, timeoutMs: timeoutOf(service.limits, query) };
}

function storeIn({ node }: HttpService, response: Response): ClusterStore {
  return new ClusterStore(nameIn(response), node.caches);
}

function requireStoreRight(
  { access }: HttpService,
  request: Request,
  response: Response,
  kind: 'read-cache' | 'write-cache',
): void {
  requireCache(access.callerOf(request), kind, logNameOf(nameIn(response)));
}

/** `Chorus-Tags: a,b%2Cc`: percent-encoded texts with commas in between. */
function tagsIn({ headers }: Request): readonly string[] {
  const header = headers['chorus-tags'];
  if (header === undefined || header === '') return [];
  const tags = String(header)
    .split(',')
    .map((text) => percentDecoded(text.trim(), 0, text.trim().length));
  const isRight = tags.length <= maxTags && tags.every((tag) => tag !== undefined && isTag(tag));
  if (isRight) return tags.map(String);
  throw new Problem('invalid-header', {
    field: 'Chorus-Tags',
    detail: `Chorus-Tags are at most ${maxTags} texts of at most ${maxTagBytes} bytes, percent-encoded, with commas in between.`,
  });
}

function isTag(tag: Buffer): boolean {
  return tag.length > 0 && tag.length <= maxTagBytes && isUtf8(tag);
}

function answerDone(service: HttpService, request: Request, response: Response, value: unknown): void {
  answerJson(service, request, response, 200, value, ['Chorus-Consistency', 'linearizable']);
}
