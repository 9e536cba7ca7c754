// The gateway of `npm start`: round-robin over the ready nodes; where one fails before its answer began, another gets the same request by the same id.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NODE_LIMITS, REQUEST_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { parseDuration } from '../base/quantities.ts';
import { GATEWAY_LIMITS } from '../base/start-limits.ts';
import type { World } from '../base/world.ts';
import { BodyBudget, readBody } from '../http/bodies.ts';
import type { TlsFiles } from '../http/certificates.ts';
import type { ListenerLimits } from '../http/listener.ts';
import { PROBLEM_TYPE, Problem, problemDocument } from '../http/problems.ts';
import { isDataTarget } from '../http/routes.ts';
import { pathOf, queryTextOf } from '../http/targets.ts';
import type { Consistency } from '../node/requests.ts';
import {
  type Answer,
  Attempt,
  type AttemptResult,
  type Exchange,
  endToEnd,
  type Headers,
  REQUEST_HOP_BY_HOP,
} from './attempt.ts';
import { checkHead, createFront, GATEWAY_NAME, listen, OWN_HEADERS } from './front.ts';
import { type NodeReach, reachNodes } from './node-reach.ts';
import { Upstream } from './upstream.ts';

export type GatewayOptions = {
  readonly host: string;
  readonly port: number;
  readonly nodes: readonly { readonly id: string; readonly origin: string }[];
  readonly maxBodyBytes: number;
  readonly defaultConsistency: Consistency;
  readonly world: World;
  readonly logger: Logger;
  /** Default: plain HTTP. */
  readonly reach?: NodeReach;
  readonly limits?: ListenerLimits;
  /** HTTPS for its own clients. */
  readonly tls?: TlsFiles | undefined;
  /** Told whenever a probe or a failed request shows that a node became ready or is so no more. */
  onReadiness(nodeId: string, isReady: boolean): void;
};

export type Gateway = {
  readonly port: number;
  /** The highest revision passed back for a write. */
  revision(): number;
  /** Takes no more connections, finishes what is under way for at most `timeoutMs`, then cuts the rest. */
  close(timeoutMs: number): Promise<void>;
};

/** Listens at once, before any node is ready; rejects with the listener's error (EADDRINUSE). */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { world, onReadiness, reach = reachNodes(undefined), limits = REQUEST_LIMITS, tls, logger } = options;
  const upstreams = options.nodes.map((node) => new Upstream({ ...node, world, onReadiness, connect: reach.connect }));
  const router = new Router(options, upstreams);
  const serve = (request: IncomingMessage, response: ServerResponse) => void router.serve(request, response);
  const server = createFront(serve, { limits, tls, logger });
  const port = await listen(server, options.host, options.port);
  for (const upstream of upstreams) void upstream.watch();
  return {
    port,
    revision: () => router.revision,
    async close(timeoutMs) {
      router.closing = () => server.closeIdleConnections();
      router.endStreams();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const cancel = options.world.clock.after(timeoutMs, () => server.closeAllConnections());
      await closed;
      cancel();
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}

class Router {
  /** Set while the gateway closes: called after each answer. */
  closing: (() => void) | undefined;
  revision = 0;
  readonly #options: GatewayOptions;
  readonly #upstreams: readonly Upstream[];
  readonly #bodies = new BodyBudget(REQUEST_LIMITS.maxBodiesInFlightBytes);
  /** Streams of events under way. */
  readonly #streams = new Set<Attempt>();
  #turn = 0;

  constructor(options: GatewayOptions, upstreams: readonly Upstream[]) {
    this.#options = options;
    this.#upstreams = upstreams;
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.finish();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkHead(request);
      const body = await this.#bodyOf(request, response);
      const exchange = this.#exchangeOf(request, response, body);
      if (!this.#bodies.take(body.length)) throw new Problem('overloaded');
      try {
        await this.#pass(exchange);
      } finally {
        this.#bodies.give(body.length);
      }
    } catch (error) {
      if (!(error instanceof Problem)) this.#options.logger.error({ err: error }, 'the gateway failed at a request');
      this.#answerProblem(request, response, error instanceof Problem ? error : new Problem('internal-error'));
    }
  }

  async #bodyOf(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    // The length that is missing here would be added on the way to the node, which then could not ask for it.
    const mustSay = request.method === 'PUT' || /[?&]op=append(&|$)/.test(request.url ?? '');
    if (length === undefined && coding === undefined && !mustSay) return Buffer.alloc(0);
    return readBody(request, response, this.#options.maxBodyBytes, this.#bodies);
  }

  #exchangeOf(request: IncomingMessage, response: ServerResponse, body: Buffer): Exchange {
    const target = request.url ?? '/';
    const method = request.method ?? 'GET';
    const headers = endToEnd(request.rawHeaders, request.headers.connection, REQUEST_HOP_BY_HOP);
    const isRead = method === 'GET' || method === 'HEAD';
    const isWrite = !isRead && method !== 'OPTIONS';
    const hasOwnToken = (isRead || target.startsWith('/v1/batch')) && this.#wantsToken(target, request);
    if (isWrite && request.headers['idempotency-key'] === undefined)
      headers.push('Idempotency-Key', this.#options.world.newId());
    if (hasOwnToken) headers.push('Chorus-Min-Revision', String(this.revision));
    const exchange: Exchange = {
      response,
      target,
      method,
      headers,
      body,
      isWrite,
      hasOwnToken,
      timeoutMs: timeoutOf(target),
      isGone: false,
      giveUp: undefined,
    };
    response.once('close', () => {
      exchange.isGone = true;
      exchange.giveUp?.(new Error('the client is gone'));
      this.closing?.();
    });
    return exchange;
  }

  #wantsToken(target: string, request: IncomingMessage): boolean {
    if (this.revision === 0 || this.#options.defaultConsistency === 'linearizable') return false;
    if (!isDataTarget(target)) return false;
    if (request.headers['chorus-min-revision'] !== undefined) return false;
    return !/(^|&)consistency=/.test(queryTextOf(target));
  }

  /** Rounds over the nodes until one has answered or the time is up. */
  async #pass(exchange: Exchange): Promise<void> {
    const { clock } = this.#options.world;
    const deadlineMs = clock.monotonicMs() + exchange.timeoutMs;
    let last: AttemptResult = { kind: 'failed', code: 'unavailable' };
    for (let round = 0; ; round++) {
      const tried = new Set<Upstream>();
      for (let next = this.#next(tried, round); next !== undefined; next = this.#next(tried, round)) {
        tried.add(next);
        last = await this.#attempt(exchange, next);
        if (exchange.isGone || last.kind === 'begun') return;
        if (last.kind === 'held' && !this.#mayGoOn(exchange, next, last.answer))
          return this.#answer(exchange, last.answer);
        if (last.kind === 'failed' && last.code === 'malformed-request') throw new Problem(last.code);
      }
      const backoffMs = GATEWAY_LIMITS.backoffMs[Math.min(round, GATEWAY_LIMITS.backoffMs.length - 1)] ?? 0;
      const isLate = clock.monotonicMs() + backoffMs > deadlineMs;
      if (last.kind === 'held' && (isLate || last.answer.status === 504)) return this.#answer(exchange, last.answer);
      if (last.kind === 'failed' && isLate)
        throw noAnswer(last.code === 'timed-out' ? 'timed-out' : 'unavailable', exchange);
      await new Promise<void>((resolve) => clock.after(backoffMs, resolve));
      if (exchange.isGone) return;
    }
  }

  /** The next node whose turn it is: a ready one; when none is, from the second round on, any, for probes may lag behind. */
  #next(tried: ReadonlySet<Upstream>, round: number): Upstream | undefined {
    const isAnyReady = this.#upstreams.some((upstream) => upstream.isReady);
    for (let step = 0; step < this.#upstreams.length; step++) {
      const upstream = this.#upstreams[(this.#turn + step) % this.#upstreams.length];
      if (upstream === undefined || tried.has(upstream)) continue;
      if (!upstream.isReady && (isAnyReady || round === 0)) continue;
      this.#turn = (this.#turn + step + 1) % this.#upstreams.length;
      return upstream;
    }
    return undefined;
  }

  /** Whether another node may answer better than this one did. */
  #mayGoOn(exchange: Exchange, upstream: Upstream, { status }: Answer): boolean {
    if (status === 503) upstream.isReady = false;
    return status === 503 || (status === 504 && exchange.hasOwnToken);
  }

  #attempt(exchange: Exchange, upstream: Upstream): Promise<AttemptResult> {
    return new Promise((resolve) => {
      const giveUp = (reason: Error) => attempt.giveUp(reason);
      const attempt = new Attempt(exchange, {
        heard: (headers) => this.#remember(exchange, headers),
        settle: (result) => {
          upstream.waiting.delete(giveUp);
          const isItsFault = result.kind === 'failed' && result.code !== 'malformed-request' && !exchange.isGone;
          if (isItsFault) upstream.isReady = false;
          if (result.kind === 'begun' && result.isEndless) this.#keep(attempt, exchange);
          resolve(result);
        },
      });
      exchange.giveUp = giveUp;
      upstream.waiting.add(giveUp);
      const { target: path, method, headers, body } = exchange;
      const headersTimeout = exchange.timeoutMs + GATEWAY_LIMITS.graceMs;
      upstream.pool.dispatch({ path, method, headers, body, headersTimeout }, attempt);
    });
  }

  #keep(stream: Attempt, { response }: Exchange): void {
    this.#streams.add(stream);
    response.once('close', () => this.#streams.delete(stream));
    if (this.closing !== undefined) stream.finish();
  }

  /** Before the client has it, so that its next read through here sees its write. */
  #remember(exchange: Exchange, headers: Headers): void {
    const revision = Number(headers['chorus-revision']);
    if (exchange.isWrite && Number.isSafeInteger(revision) && revision > this.revision) this.revision = revision;
  }

  #answer({ response }: Exchange, { status, headers, body }: Answer): void {
    if (this.closing !== undefined) response.shouldKeepAlive = false;
    response.writeHead(status, headers);
    response.end(body);
  }

  #answerProblem(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
    if (response.headersSent || response.destroyed) return;
    if (this.closing !== undefined) response.shouldKeepAlive = false;
    const body = Buffer.from(problemDocument(problem, GATEWAY_NAME, pathOf(request.url ?? '/')));
    const headers = [...OWN_HEADERS, 'Content-Type', PROBLEM_TYPE, 'Content-Length', String(body.length)];
    if (problem.status === 503 || problem.status === 429)
      headers.push('Retry-After', String(NODE_LIMITS.retryAfterSeconds));
    response.writeHead(problem.status, [...headers, 'Cache-Control', 'no-store']);
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** The request's own `timeout`, read as the node will; one that the node will refuse does not matter. */
function timeoutOf(target: string): number {
  const written = /(?:^|&)timeout=([0-9a-z]+)/.exec(queryTextOf(target))?.[1];
  const ms = written === undefined ? undefined : parseDuration(written);
  return Math.min(ms ?? REQUEST_LIMITS.defaultTimeoutMs, REQUEST_LIMITS.maxTimeoutMs);
}

function noAnswer(code: 'unavailable' | 'timed-out', { isWrite, headers }: Exchange): Problem {
  const place = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'idempotency-key');
  const id = headers[place + 1];
  const detail =
    code === 'unavailable'
      ? 'No node took the request in time.'
      : 'The node that had the request did not answer in time, nor did another.';
  return new Problem(code, isWrite && id !== undefined ? { detail, outcome: 'unknown', id } : { detail });
}
