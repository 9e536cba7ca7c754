// GET /v1/snapshot and POST /v1/restore: the whole cluster as one stream of bytes, out and in.
import { pipeline } from 'node:stream/promises';
import { unreachable } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import type { RestoreRefusal } from '../node/snapshot-requests.ts';
import { answerJson, standardHeaders } from './answers.ts';
import { timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { queryOf } from './queries.ts';
import { outcomeOfUntried, refusalProblem, snapshotProblem } from './refusals.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Response } from './service.ts';

const BACKUP_TYPE = 'application/vnd.chorus.snapshot';

/** A snapshot made now, as it is read back from where snapshots are kept: a slow reader holds nothing up. */
export function createBackup(service: HttpService): Handler {
  const { node, limits, logger } = service;
  return async (request, response) => {
    const { locals } = response;
    locals.route = 'backup';
    const timeoutMs = timeoutOf(limits, queryOf(locals.target, ROUTES['/v1/snapshot'].GET), limits.maxTimeoutMs);
    const refusal = node.refusal('write');
    if (refusal !== undefined) throw refusalProblem(refusal);
    const headers = ['Content-Type', BACKUP_TYPE, 'Cache-Control', 'no-store'];
    if (request.method === 'HEAD') return void begin(headers).end();
    const result = await node.backups.make(timeoutMs);
    if (result.kind !== 'made') throw snapshotProblem(result);
    // One who takes nothing for so long takes no more.
    response.setTimeout(limits.takeTimeoutMs, () => response.destroy());
    begin([...headers, 'Content-Disposition', `attachment; filename="chorus-${result.revision}.snapshot"`]);
    // What breaks off here ends the connection without the end of the chunked body: the client sees it.
    return pipeline(result.bytes, response).catch((error: unknown) => {
      logger.warn({ reason: messageOf(error) }, 'a backup broke off');
    });

    function begin(own: readonly string[]): Response {
      response.writeHead(200, [...standardHeaders(node, own), ...own]);
      service.metrics.observe(locals.route, request.method, 200, (performance.now() - locals.startedAtMs) / 1000);
      return response;
    }
  };
}

/** Answers when all of the backup is applied here. Nothing of it is appended before all of it was read and found right. */
export function createRestore(service: HttpService): Handler {
  const { node } = service;
  return async (request, response) => {
    response.locals.route = 'restore';
    queryOf(response.locals.target, ROUTES['/v1/restore'].POST);
    const coding = request.headers['content-encoding'];
    if (coding !== undefined && coding !== 'identity') throw new Problem('unsupported-encoding');
    const refusal = node.refusal('write');
    if (refusal !== undefined) throw refusalProblem(refusal, outcomeOfUntried(undefined));
    if (request.headers.expect !== undefined) response.writeContinue();
    const result = await node.backups.restore(request).catch((error: unknown) => {
      throw request.complete ? error : new Problem('body-truncated', { outcome: 'not-applied' });
    });
    switch (result.kind) {
      case 'restored':
        return answerJson(service, request, response, 200, {
          keys: result.keys,
          revision: result.revision,
          cluster: result.cluster,
        });
      case 'unusable':
        throw new Problem(request.complete ? 'invalid-body' : 'body-truncated', {
          outcome: 'not-applied',
          field: 'body',
          detail: `This is no whole backup: ${result.detail}.`,
        });
      case 'refused':
        throw refusedRestore(result.reason);
      case 'timed-out':
        throw new Problem('timed-out', {
          outcome: 'unknown',
          detail:
            'The log did not take all of the backup in time. Send the same backup again, to any node: it goes on.',
        });
      default:
        return unreachable(result);
    }
  };
}

function refusedRestore(reason: RestoreRefusal): Problem {
  switch (reason) {
    case 'not-empty':
      return new Problem(reason, {
        outcome: 'not-applied',
        detail: 'A backup is restored only into a cluster without keys, and only one at a time.',
      });
    case 'memory-full':
      return new Problem(reason, {
        outcome: 'not-applied',
        detail: 'The backup has more keys or bytes than the limits of this cluster.',
      });
    case 'feature-not-enabled':
      return new Problem(reason, { outcome: 'not-applied' });
    default:
      return refusalProblem(reason, { outcome: 'not-applied' });
  }
}
