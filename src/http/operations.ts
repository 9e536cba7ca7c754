// What operators and balancers ask: /livez, /readyz, /metrics, /v1/cluster and /v1/snapshots.
import { unreachable } from '../base/assert.ts';
import type { Phase, Refusal, Status } from '../node/requests.ts';
import { answer, answerJson, TEXT_TYPE } from './answers.ts';
import { flag, timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { invalidParameter, queryOf } from './queries.ts';
import { refusalProblem, snapshotProblem } from './refusals.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService } from './service.ts';

export type Operations = {
  readonly livez: Handler;
  readonly readyz: Handler;
  readonly metrics: Handler;
  readonly cluster: Handler;
  readonly snapshot: Handler;
};

const REFUSAL_OF_PHASE: Readonly<Record<Phase, Refusal | undefined>> = {
  starting: 'replaying',
  replaying: 'replaying',
  ready: undefined,
  paused: 'paused',
  stopping: 'stopping',
  quarantined: 'quarantined',
};

export function createOperations(service: HttpService): Operations {
  const { node, metrics, limits } = service;
  return {
    /** The process is there and its event loop turns; says nothing of the log. */
    livez(request, response) {
      response.locals.route = 'livez';
      queryOf(response.locals.target, ROUTES['/livez'].GET);
      answer(service, request, response, 200, ['Content-Type', TEXT_TYPE, 'Cache-Control', 'no-store'], 'ok\n');
    },

    /** Whether data requests are served here. 200 also when degraded: eventual reads go on, and another node may be no better. */
    readyz(request, response) {
      response.locals.route = 'readyz';
      const isVerbose = flag('verbose', queryOf(response.locals.target, ROUTES['/readyz'].GET));
      // A pause is noticed by whoever asks first.
      node.refusal('write');
      const status = node.status();
      const refusal = REFUSAL_OF_PHASE[status.phase];
      const more = isVerbose ? verboseStatus(service, status) : {};
      if (refusal !== undefined) throw refusalProblem(refusal, { more });
      const summary = status.degraded.length === 0 ? 'ready' : 'degraded';
      answerJson(service, request, response, 200, {
        status: summary,
        node: node.nodeId,
        degraded: status.degraded,
        ...more,
      });
    },

    async metrics(request, response) {
      response.locals.route = 'metrics';
      queryOf(response.locals.target, ROUTES['/metrics'].GET);
      const { contentType, body } = await metrics.text();
      answer(
        service,
        request,
        response,
        200,
        ['Content-Type', contentType, 'Cache-Control', 'no-store'],
        Buffer.from(body),
      );
    },

    async cluster(request, response) {
      const { locals } = response;
      locals.route = 'cluster';
      const query = queryOf(locals.target, ROUTES['/v1/cluster'].GET);
      const check = query.get('check');
      const timeoutMs = timeoutOf(limits, query);
      if (check === undefined) return answerJson(service, request, response, 200, node.cluster());
      if (check !== 'digests') throw invalidParameter('check', '"check" can only be digests.');
      answerJson(service, request, response, 200, await checkedDigests(service, timeoutMs));
    },

    /** Saves one now; answers when another node has read it back, or at the end of `timeout` without that. */
    async snapshot(request, response) {
      response.locals.route = 'snapshots';
      const timeoutMs = timeoutOf(limits, queryOf(response.locals.target, ROUTES['/v1/snapshots'].POST));
      answerJson(service, request, response, 201, await takenSnapshot(service, timeoutMs));
    },
  };
}

async function checkedDigests({ node }: HttpService, timeoutMs: number): Promise<unknown> {
  const result = await node.checkDigests(timeoutMs);
  switch (result.kind) {
    case 'checked':
      return { agreed: result.agreed, revision: result.revision, digests: result.digests };
    case 'refused':
      throw refusalProblem(result.reason);
    case 'timed-out':
      throw new Problem('check-timed-out');
    default:
      return unreachable(result);
  }
}

async function takenSnapshot({ node }: HttpService, timeoutMs: number): Promise<unknown> {
  const result = await node.snapshots.take(timeoutMs);
  if (result.kind !== 'saved') throw snapshotProblem(result);
  return { ...result.snapshot, verified: result.isVerified };
}

function verboseStatus({ node }: HttpService, { phase, progress, degraded }: Status): Record<string, unknown> {
  const lagMs = node.lagMs();
  return {
    phase,
    degraded,
    revision: node.revision(),
    lagMs: Number.isFinite(lagMs) ? Math.ceil(lagMs) : null,
    progress,
  };
}
