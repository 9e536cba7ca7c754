// What is checked of every request before it is routed: its target, its Host, who asks, its expectation.
import type { NextFunction } from 'express';
import { isCrossOrigin, isHostAllowed } from './hosts.ts';
import { idOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { outcomeOfUntried, refusalProblem } from './refusals.ts';
import { isDataTarget } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';
import { Shedding } from './shedding.ts';
import { KEYS_PATH } from './targets.ts';
import type { TurnKind } from './turn.ts';

// absolute-form (RFC 9112 §3.2.2): its authority stands in place of Host.
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/** Their answers are kept from pages of other origins by the browser itself: no header of CORS is ever sent. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createHead(service: HttpService): (request: Request, response: Response, next: NextFunction) => void {
  const shedding = new Shedding(service);
  return (request, response, next) => {
    const { locals } = response;
    locals.startedAtMs = performance.now();
    locals.route = 'other';
    locals.target = request.url;
    const absolute = request.url.startsWith('/') ? null : ABSOLUTE.exec(request.url);
    if (absolute !== null) {
      const [, , rest = ''] = absolute;
      locals.target = rest.startsWith('/') ? rest : `/${rest}`;
      request.url = locals.target;
    }
    checkTarget(locals.target, request.method);
    const host = absolute?.[1] ?? request.headers.host;
    checkHost(service, host, request.httpVersionMinor);
    if (isCrossOrigin(request.headers.origin, host) && !SAFE_METHODS.has(request.method)) {
      throw new Problem('cross-origin', { field: 'Origin', detail: 'Web pages of other origins may not write here.' });
    }
    refuseWhenOverloaded(service, shedding, request, locals.target);
    service.access.admit(request, locals.target);
    if (request.headers.expect !== undefined && request.headers.expect.toLowerCase() !== '100-continue') {
      throw new Problem('expectation-failed', { field: 'Expect', detail: 'The only expectation is 100-continue.' });
    }
    next();
  };
}

function refuseWhenOverloaded(service: HttpService, shedding: Shedding, request: Request, target: string): void {
  const { node, turn, limits } = service;
  const { method, headers } = request;
  // Balancers and operators are answered in any case.
  if (!isDataTarget(target)) return;
  const isRead = SAFE_METHODS.has(method);
  if (!turn.isTooLongFor(isRead ? readKindOf(target) : 'write')) return;
  // The node is asked in any case: it must not take itself for stopped while it refuses.
  const reason = node.refusal(isRead ? 'eventual-read' : 'write') ?? 'overloaded';
  shedding.refused(request);
  throw refusalProblem(reason, isRead ? {} : outcomeOfUntried(idIn(limits, headers)));
}

/** One key costs little; a list may be a thousand. */
function readKindOf(target: string): TurnKind {
  return target.startsWith(KEYS_PATH) ? 'key-read' : 'read';
}

function idIn({ maxIdLength }: HttpService['limits'], headers: Request['headers']): string | undefined {
  const id = headers['idempotency-key'];
  return typeof id === 'string' ? idOf(id, maxIdLength) : undefined;
}

function checkTarget(target: string, method: string): void {
  if (target === '*' && method === 'OPTIONS') return;
  if (target.startsWith('/') && !target.includes('#')) return;
  throw new Problem('malformed-request', {
    field: 'target',
    detail: 'The request target must be a path with, at most, a query after it.',
  });
}

function checkHost(service: HttpService, host: string | undefined, minorVersion: number): void {
  if (host === undefined) {
    if (minorVersion === 0) return;
    throw new Problem('malformed-request', { field: 'Host', detail: 'HTTP/1.1 needs a Host header.' });
  }
  if (isHostAllowed(service.hosts, host)) return;
  throw new Problem('misdirected-request', {
    field: 'Host',
    detail:
      'This node does not answer for the host that was asked; allowedHosts in the configuration names those it does.',
  });
}
