// What every part of the HTTP layer works with: the node, the limits, the counters; made once per server.
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import type { REQUEST_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { ServedCaches } from '../cache/server/served-caches.ts';
import type { NodeApi } from '../node/node-api.ts';
import type { Consistency } from '../node/requests.ts';
import type { Access } from './access.ts';
import type { BodyBudget } from './bodies.ts';
import type { HostRule } from './hosts.ts';
import type { HttpMetrics, Route } from './metrics.ts';
import type { Turn } from './turn.ts';
import type { UntakenAnswers } from './untaken.ts';

export type HttpLimits = Readonly<Record<keyof typeof REQUEST_LIMITS | 'maxValueBytes' | 'retryAfterSeconds', number>>;

export type HttpService = {
  readonly node: NodeApi;
  readonly caches: ServedCaches;
  readonly logger: Logger;
  readonly limits: HttpLimits;
  readonly hosts: HostRule;
  readonly access: Access;
  readonly defaultConsistency: Consistency;
  /** Keys that begin so are put and deleted under a condition only. */
  readonly conditionalPrefixes: readonly Buffer[];
  readonly bodies: BodyBudget;
  readonly untaken: UntakenAnswers;
  readonly turn: Turn;
  readonly metrics: HttpMetrics;
  /** True from `close()` on: answers then end their connections. */
  isClosing(): boolean;
  /** Called when an invariant was found broken while a request was served. */
  onBroken(error: Error): void;
};

/** Kept per request beside Express's own. */
export type Locals = { startedAtMs: number; route: Route; target: string };

export type Request = ExpressRequest<Record<string, string>>;
export type Response = ExpressResponse<unknown, Locals>;
export type Handler = (request: Request, response: Response) => void | Promise<void>;
