// POST /v1/transactions and DELETE /v1/keys?prefix=: requests over many keys that are one command, done whole or not at all.
import { TRANSACTION_LIMITS } from '../base/limits.ts';
import type { Outcome } from '../core/outcome.ts';
import { answer, JSON_TYPE } from './answers.ts';
import { audit } from './audit.ts';
import { refuseBody } from './bodies.ts';
import { refuseConditions } from './conditions.ts';
import { checkJsonHead, readJson } from './json-bodies.ts';
import { transactionIn } from './json-operations.ts';
import { admitWrite, submitCommand } from './key-writes.ts';
import { operationResult } from './operation-results.ts';
import { flag, prefixOf, timeoutOf } from './parameters.ts';
import { invalidParameter, queryOf } from './queries.ts';
import { judgedHeaders } from './refusals.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';

export function createTransaction(service: HttpService): Handler {
  return async (request, response) => {
    const { locals } = response;
    locals.route = 'transactions';
    const timeoutMs = timeoutOf(service.limits, queryOf(locals.target, ROUTES['/v1/transactions'].POST));
    refuseConditions(request.headers);
    checkJsonHead(request);
    const id = admitWrite(service, request);
    const command = transactionIn(await readJson(service, request, response));
    const outcome = await submitCommand(service, request, id, timeoutMs, command);
    const { branch = 'then', operations = [] } = outcome.transaction ?? {};
    const done = branch === 'then' ? command.thenDo : command.elseDo;
    const results = done.flatMap(({ type }, at) => {
      const result = operations[at];
      return result === undefined ? [] : [operationResult(type, result)];
    });
    answerWrite(service, request, response, outcome, { branch, results, revision: outcome.revision });
  };
}

export function createPrefixDelete(service: HttpService): Handler {
  return async (request, response) => {
    const { locals } = response;
    locals.route = 'list';
    const query = queryOf(locals.target, ROUTES['/v1/keys'].DELETE);
    const prefix = prefixOf(query.get('prefix') ?? '', service.limits.maxKeyBytes);
    if (prefix.length === 0 && !flag('all', query)) {
      throw invalidParameter(
        'prefix',
        'Deleting every key needs "all=true"; else say the "prefix" of those to delete.',
      );
    }
    if (prefix.length === 0) audit(service, request, response, 'DELETE /v1/keys?all=true');
    const timeoutMs = timeoutOf(service.limits, query);
    refuseConditions(request.headers);
    const id = admitWrite(service, request);
    refuseBody(request);
    const limit = TRANSACTION_LIMITS.maxDeletedKeys;
    const outcome = await submitCommand(service, request, id, timeoutMs, { type: 'delete-prefix', prefix, limit });
    const body = { deleted: Number(outcome.detail), more: outcome.code === 'deleted-in-part' };
    answerWrite(service, request, response, outcome, body);
  };
}

function answerWrite(
  service: HttpService,
  request: Request,
  response: Response,
  outcome: Outcome,
  body: unknown,
): void {
  const headers = ['Content-Type', JSON_TYPE, 'Cache-Control', 'no-store', ...judgedHeaders(outcome)];
  answer(service, request, response, 200, headers, Buffer.from(JSON.stringify(body)));
}
