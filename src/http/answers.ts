// How an answer is written: the standard headers, then the body, in one write; every answer of an intact request passes here.
import { InvariantBroken } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import type { NodeApi } from '../node/node-api.ts';
import { PROBLEM_TYPE, PROBLEMS, Problem, problemDocument } from './problems.ts';
import type { HttpService, Request, Response } from './service.ts';
import { pathOf } from './targets.ts';

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

/** Above this a body is sent beside the head instead of being copied behind it. */
const ONE_STRING_BYTES = 8 * 1024;
const UNTAKEN = 'Clients have not taken too many bytes of answers.';

/** A stored value, a text of ASCII characters, or nothing. */
export type Body = Uint8Array | string | undefined;

/** Headers that every answer carries beside its own, as name, value, name, value… What promises no more is `eventual`. */
export function standardHeaders(node: NodeApi, own: readonly string[]): string[] {
  const headers = [
    'Chorus-Node',
    node.nodeId,
    'Chorus-Revision',
    String(node.revision()),
    'Chorus-Lag-Ms',
    // Rounded up, for it is an upper bound.
    String(Math.ceil(node.lagMs())),
    'X-Content-Type-Options',
    'nosniff',
  ];
  if (!own.includes('Content-Security-Policy')) headers.push('Content-Security-Policy', "default-src 'none'");
  if (!own.includes('Chorus-Consistency')) headers.push('Chorus-Consistency', 'eventual');
  return headers;
}

/**
 * Answers with `headers` beside the standard ones. The bytes of `body` are copied before this returns. Nothing is
 * written when the client is gone.
 */
export function answer(
  service: HttpService,
  request: Request,
  response: Response,
  status: number,
  headers: readonly string[],
  body: Body,
): void {
  if (response.headersSent || response.destroyed) return;
  const isLong = body !== undefined && body.length > ONE_STRING_BYTES;
  if (isLong && request.method === 'GET' && !service.untaken.hasRoomFor(body.length)) {
    answerProblem(service, request, response, new Problem('overloaded', { detail: UNTAKEN }));
    return;
  }
  if (service.isClosing()) response.shouldKeepAlive = false;
  const all = standardHeaders(service.node, headers);
  for (const text of headers) all.push(text);
  if (status !== 204 && status !== 304) all.push('Content-Length', String(body?.length ?? 0));
  response.writeHead(status, all);
  if (body === undefined || body.length === 0 || request.method === 'HEAD') response.end();
  else if (typeof body === 'string') response.end(body, 'latin1');
  else if (!isLong) response.end(latin1Of(body), 'latin1');
  else response.end(Buffer.from(body));
  service.untaken.watch(response);
  const { route, startedAtMs } = response.locals;
  service.metrics.observe(route, request.method, status, (performance.now() - startedAtMs) / 1000);
}

export function answerJson(
  service: HttpService,
  request: Request,
  response: Response,
  status: number,
  value: unknown,
  headers: readonly string[] = [],
): void {
  const body = Buffer.from(JSON.stringify(value));
  const all = ['Content-Type', JSON_TYPE, 'Cache-Control', 'no-store', ...headers];
  answer(service, request, response, status, all, body);
}

export function answerProblem(service: HttpService, request: Request, response: Response, problem: Problem): void {
  const document = problemDocument(problem, service.node.nodeId, pathOf(response.locals.target));
  const headers = ['Content-Type', PROBLEM_TYPE, 'Cache-Control', 'no-store', ...(problem.details.headers ?? [])];
  if (problem.status === 503 || problem.status === 429)
    headers.push('Retry-After', String(service.limits.retryAfterSeconds));
  answer(service, request, response, problem.status, headers, Buffer.from(document));
}

/** Answers whatever was thrown while a request was served. Anything but a Problem is a mistake of ours: told to the log, not to the client. */
export function answerError(service: HttpService, request: Request, response: Response, error: unknown): void {
  if (error instanceof Problem) {
    answerProblem(service, request, response, error);
    return;
  }
  service.logger.error(
    { err: error, method: request.method, route: response.locals.route },
    `a request failed: ${messageOf(error)}`,
  );
  answerProblem(
    service,
    request,
    response,
    new Problem('internal-error', { detail: `${PROBLEMS['internal-error'].title}; its log says more.` }),
  );
  if (error instanceof InvariantBroken) service.onBroken(error);
}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
