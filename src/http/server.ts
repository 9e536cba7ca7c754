// The HTTP server of one node: Express behind Node's own server, with its limits, and an orderly end.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NODE_LIMITS, REQUEST_LIMITS, STATE_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { ServedCaches } from '../cache/server/served-caches.ts';
import type { NodeApi } from '../node/node-api.ts';
import type { Consistency } from '../node/requests.ts';
import { Access } from './access.ts';
import { createApp } from './app.ts';
import { BodyBudget } from './bodies.ts';
import type { TlsFiles } from './certificates.ts';
import { type Auth, type HostRule, openBindingWarning } from './hosts.ts';
import { createListener } from './listener.ts';
import { createConnectHandler, createMalformedHandler } from './malformed.ts';
import { createMetrics } from './metrics.ts';
import type { HttpLimits, HttpService } from './service.ts';
import { Turn, type TurnBounds } from './turn.ts';
import { UntakenAnswers } from './untaken.ts';

export type HttpServerOptions = {
  readonly node: NodeApi;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly auth: Auth;
  /** SHA-256 of a token that is an administrator's at this node, whatever the log says. */
  readonly adminDigest?: Uint8Array | undefined;
  /** HTTPS instead of HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** Host names for which this node answers beside loopback names and addresses; none unless given. */
  readonly allowedHosts?: HostRule;
  /** What is left out has its default from base/limits.ts. */
  readonly limits?: Partial<HttpLimits>;
  /** Default: base/limits.ts. */
  readonly turn?: TurnBounds;
  readonly logger: Logger;
  readonly defaultConsistency?: Consistency;
  /** Those declared in config.ts; none unless given. */
  readonly caches?: ServedCaches;
  /** Prefixes of keys that are put and deleted under a condition only. */
  readonly conditionalPrefixes?: readonly string[];
  /** Called when an invariant was found broken while a request was served; the process must end. */
  onBroken?(error: Error): void;
};

export type HttpServer = {
  readonly port: number;
  /** Takes no new connections, ends idle ones, lets requests in flight finish for at most `deadlineMs`, then cuts them off. */
  close(deadlineMs: number): Promise<void>;
};

/** Resolves when the server listens. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { node, host, port, auth, logger } = options;
  const limits: HttpLimits = { ...DEFAULT_LIMITS, ...options.limits };
  let isClosing = false;
  const { caches = new Map() } = options;
  const untaken = new UntakenAnswers(limits.maxAnswersInFlightBytes, limits.takeTimeoutMs);
  const service: HttpService = {
    node,
    logger,
    limits,
    hosts: options.allowedHosts ?? [],
    access: new Access({ node, auth, adminDigest: options.adminDigest }),
    defaultConsistency: options.defaultConsistency ?? 'eventual',
    caches,
    conditionalPrefixes: (options.conditionalPrefixes ?? []).map((prefix) => Buffer.from(prefix)),
    bodies: new BodyBudget(limits.maxBodiesInFlightBytes),
    untaken,
    turn: new Turn(options.turn),
    metrics: createMetrics(node, caches, untaken),
    isClosing: () => isClosing,
    onBroken: (error) => options.onBroken?.(error),
  };
  const server = createNodeServer(service, options.tls);
  await listening(server, host, port);
  const warning = openBindingWarning(host, auth);
  if (warning !== undefined) logger.warn(warning);
  return {
    port: (server.address() as AddressInfo).port,
    close(deadlineMs) {
      isClosing = true;
      return closed(server, deadlineMs);
    },
  };
}

const DEFAULT_LIMITS: HttpLimits = {
  ...REQUEST_LIMITS,
  maxValueBytes: STATE_LIMITS.maxValueBytes,
  retryAfterSeconds: NODE_LIMITS.retryAfterSeconds,
};

function createNodeServer(service: HttpService, tls: TlsFiles | undefined): Server {
  const app = createApp(service);
  const server = createListener(service.limits, tls, service.logger);
  // Without the two after the first Node would answer itself; body and expectation are judged in their places.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, app);
  server.on('clientError', createMalformedHandler(service));
  server.on('connect', createConnectHandler(service));
  return server;
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: REQUEST_LIMITS.maxUnacceptedConnections }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
