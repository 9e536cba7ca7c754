// Listing keys: GET and HEAD /v1/keys, one page of JSON in byte order, with a cursor for the next.
import compression from 'compression';
import { unreachable } from '../base/assert.ts';
import { LIST_LIMITS } from '../base/limits.ts';
import type { Consistency, ListedEntry, ListRequest, Page } from '../node/requests.ts';
import { answer, JSON_TYPE } from './answers.ts';
import { requireKey } from './callers.ts';
import { cursorText, readCursor } from './cursors.ts';
import { jsonTime, jsonValue } from './json-values.ts';
import { readDemand, tooLate } from './keys.ts';
import { accepts } from './media-types.ts';
import { flag, prefixOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { invalidParameter, type Query, queryOf } from './queries.ts';
import { refusalProblem } from './refusals.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request } from './service.ts';

/** Below it a packet is a packet. */
const COMPRESSED_FROM_BYTES = 1024;

export function createList(service: HttpService): Handler {
  // Pages of keys are much alike. A value alone is answered as it was stored: it is often compressed already, or small.
  const compress = compression({ threshold: COMPRESSED_FROM_BYTES });
  return async (request, response) => {
    const { locals } = response;
    locals.route = 'list';
    const query = queryOf(locals.target, ROUTES['/v1/keys'].GET);
    const wanted = listRequest(service, query, request);
    requireKey(service.access.callerOf(request), 'read', wanted.prefix, 'prefix');
    if (!accepts(request.headers.accept, JSON_TYPE)) {
      throw new Problem('not-acceptable', { field: 'Accept', detail: `A list of keys is ${JSON_TYPE}.` });
    }
    const page = await readPage(service, wanted);
    requireKey(service.access.callerOf(request), 'read', wanted.prefix, 'prefix');
    const next = page.last === undefined ? null : cursorText({ ...page, after: page.last }, bufferOf(wanted.prefix));
    const headers = pageHeaders(wanted.consistency, query, next);
    const body = { keys: page.entries.map(listed), next, revision: page.revision };
    compress(request, response, () => {
      answer(service, request, response, 200, headers, Buffer.from(JSON.stringify(body)));
    });
  };
}

function listRequest(service: HttpService, query: Query, { headers }: Request): ListRequest {
  const prefix = prefixOf(query.get('prefix') ?? '', service.limits.maxKeyBytes);
  const text = query.get('cursor');
  const cursor = text === undefined ? undefined : readCursor(text, prefix);
  const demand = readDemand(service, query, headers);
  return {
    prefix,
    after: cursor?.after,
    limit: listLimitOf(query.get('limit')),
    withValues: flag('values', query),
    // No page is older than the one before it, whichever nodes answer: what a page shows, the next does not take back.
    consistency: cursor !== undefined && demand.consistency === 'eventual' ? 'session' : demand.consistency,
    minRevision: Math.max(demand.minRevision, cursor?.revision ?? 0),
    timeoutMs: demand.timeoutMs,
  };
}

/** How many keys a page may have. */
export function listLimitOf(text: string | undefined): number {
  const limit = text === undefined ? LIST_LIMITS.defaultKeys : /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIST_LIMITS.maxKeys) {
    throw invalidParameter('limit', `"limit" is a whole number from 1 to ${LIST_LIMITS.maxKeys}.`);
  }
  return limit;
}

async function readPage({ node }: HttpService, request: ListRequest): Promise<Page> {
  const result = await node.list(request);
  switch (result.kind) {
    case 'listed':
      return result.page;
    case 'refused':
      throw refusalProblem(result.reason);
    case 'timed-out':
      throw tooLate(node, request.timeoutMs);
    default:
      return unreachable(result);
  }
}

function pageHeaders(consistency: Consistency, query: Query, next: string | null): string[] {
  const headers = ['Content-Type', JSON_TYPE, 'Cache-Control', 'no-store', 'Chorus-Consistency', consistency];
  if (next === null) return headers;
  const parameters = [...query, ['cursor', next] as const].filter(
    ([name, value]) => name !== 'cursor' || value === next,
  );
  const text = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return [...headers, 'Link', `</v1/keys?${text}>; rel="next"`];
}

function listed({ key, bytes, contentType, revision, expiresAt, value }: ListedEntry): Record<string, unknown> {
  const head = { key: bufferOf(key).toString('utf8'), revision, bytes, contentType, expiresAt: jsonTime(expiresAt) };
  return value === undefined ? head : { ...head, ...jsonValue(value) };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
