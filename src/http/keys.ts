// Reading keys: GET and HEAD /v1/keys/{key}, at the consistency that was asked for.
import type { IncomingHttpHeaders } from 'node:http';
import { unreachable } from '../base/assert.ts';
import { type Condition, holds } from '../core/condition.ts';
import type { Entry } from '../core/keyspace.ts';
import type { NodeApi } from '../node/node-api.ts';
import type { Consistency } from '../node/requests.ts';
import { answer } from './answers.ts';
import { requireKey } from './callers.ts';
import { conditionOf, etagOf } from './conditions.ts';
import { accepts } from './media-types.ts';
import { consistencyOf, revisionToken, timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { type Query, queryOf } from './queries.ts';
import { refusalProblem } from './refusals.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';
import { KEYS_PATH, keyOf } from './targets.ts';

/** What a read asks for beside its key. */
export type ReadDemand = {
  readonly consistency: Consistency;
  readonly minRevision: number;
  readonly timeoutMs: number;
};

export function createKeyRead(service: HttpService): Handler {
  const { node, limits } = service;
  return (request, response) => {
    const { locals } = response;
    locals.route = 'keys';
    const key = keyOf(locals.target, KEYS_PATH.length, limits.maxKeyBytes);
    requireKey(service.access.callerOf(request), 'read', key);
    const demand = readDemand(service, queryOf(locals.target, ROUTES['/v1/keys/{key}'].GET), request.headers);
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
    const condition = conditionOf(match, noneMatch, limits.maxConditionRevisions);
    if (demand.consistency !== 'eventual') return waitThenAnswer(request, response, key, demand, condition);
    const refusal = node.refusal('eventual-read');
    if (refusal !== undefined) throw refusalProblem(refusal);
    answerEntry(service, request, response, node.get(key), demand.consistency, condition);
  };

  async function waitThenAnswer(
    request: Request,
    response: Response,
    key: Uint8Array,
    demand: ReadDemand,
    condition: Condition,
  ): Promise<void> {
    await readEntry(service, key, demand, (entry) => {
      requireKey(service.access.callerOf(request), 'read', key);
      answerEntry(service, request, response, entry, demand.consistency, condition);
    });
  }
}

/** Consistency by query, token by header: a token asks for `session` at least. */
export function readDemand(service: HttpService, query: Query, headers: IncomingHttpHeaders): ReadDemand {
  const { defaultConsistency, limits } = service;
  const asked = query.get('consistency');
  const token = headers['chorus-min-revision'];
  const consistency = asked === undefined ? defaultConsistency : consistencyOf(asked);
  return {
    consistency: token !== undefined && consistency === 'eventual' ? 'session' : consistency,
    minRevision: token === undefined ? 0 : revisionToken(String(token)),
    timeoutMs: timeoutOf(limits, query),
  };
}

/** Waits for what the demand asks, then hands the entry over: within that call its bytes must be used or copied. */
export async function readEntry(
  service: HttpService,
  key: Uint8Array,
  demand: ReadDemand,
  use: (entry: Entry | undefined) => void,
): Promise<void> {
  const { node } = service;
  const refusal = node.refusal(demand.consistency === 'eventual' ? 'eventual-read' : 'consistent-read');
  if (refusal !== undefined) throw refusalProblem(refusal);
  if (demand.consistency === 'eventual') return use(node.get(key));
  const result = await node.read({ key, ...demand });
  switch (result.kind) {
    case 'read':
      return use(result.entry);
    case 'refused':
      throw refusalProblem(result.reason);
    case 'timed-out':
      throw tooLate(node, demand.timeoutMs);
    default:
      return unreachable(result);
  }
}

/** What the read needs was not applied here in time. */
export function tooLate(node: NodeApi, timeoutMs: number): Problem {
  return new Problem('revision-not-reached', {
    detail: `This node has applied revision ${node.revision()}; what the read needs was not applied within ${timeoutMs} ms.`,
  });
}

function answerEntry(
  service: HttpService,
  request: Request,
  response: Response,
  entry: Entry | undefined,
  consistency: Consistency,
  condition: Condition,
): void {
  if (entry === undefined) throw new Problem('not-found', { headers: ['Chorus-Consistency', consistency] });
  const headers = ['ETag', etagOf(entry.revision), 'Chorus-Consistency', consistency];
  if (entry.expiresAt !== 0) addExpiry(headers, entry.expiresAt, service.node.estimatedLogTime());
  if (!holds({ ...condition, noneMatch: 'none' }, entry.revision)) throw new Problem('condition-failed', { headers });
  if (!holds(condition, entry.revision)) {
    headers.push('Cache-Control', 'no-cache');
    answer(service, request, response, 304, headers, undefined);
    return;
  }
  if (!accepts(request.headers.accept, entry.contentType)) {
    throw new Problem('not-acceptable', {
      field: 'Accept',
      detail: `The value is stored as ${entry.contentType}.`,
      headers,
    });
  }
  headers.push('Cache-Control', 'no-cache', 'Content-Type', entry.contentType);
  answer(service, request, response, 200, headers, entry.value);
}

/** No `Expires` header: plain HTTP caches would go on serving the value after it was changed. */
function addExpiry(headers: string[], expiresAt: number, logTime: number): void {
  headers.push('Chorus-Expires-At', new Date(expiresAt).toISOString());
  headers.push('Chorus-TTL-Ms', String(Math.max(0, Math.round(expiresAt - logTime))));
}
