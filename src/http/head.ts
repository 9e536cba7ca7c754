// What is checked of every request before it is routed: its target, its Host, who asks, its expectation.
import type { NextFunction } from 'express';
import { isCrossOrigin, isHostAllowed } from './hosts.ts';
import { Problem } from './problems.ts';
import { SAFE_METHODS } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';
import { Shedding } from './shedding.ts';

// absolute-form (RFC 9112 §3.2.2): its authority stands in place of Host.
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

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
    shedding.refuseWhenTooLong(request, locals.target);
    service.access.admit(request, locals.target);
    if (request.headers.expect !== undefined && request.headers.expect.toLowerCase() !== '100-continue') {
      throw new Problem('expectation-failed', { field: 'Expect', detail: 'The only expectation is 100-continue.' });
    }
    next();
  };
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
