// Changing keys: PUT, DELETE and POST ?op=… on /v1/keys/{key}; each becomes one command.
import { hintOf } from '../base/nearest.ts';
import type { ClientCommand, KeyCommand } from '../core/commands/command.ts';
import type { Condition } from '../core/condition.ts';
import type { Outcome } from '../core/outcome.ts';
import { answer, TEXT_TYPE } from './answers.ts';
import { readBody, refuseBody } from './bodies.ts';
import { requireCommand, requireKey } from './callers.ts';
import { conditionOf } from './conditions.ts';
import { storedTypeOf } from './media-types.ts';
import { idOf, int64, positiveDuration, timeoutOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { invalidParameter, type Query, queryOf } from './queries.ts';
import { outcomeHeaders, outcomeOfUntried, refusalProblem, successOf } from './refusals.ts';
import { checkConditional } from './required-conditions.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService, Request, Response } from './service.ts';
import { KEYS_PATH, keyOf } from './targets.ts';

const PARAMETERS = ROUTES['/v1/keys/{key}'];
const OPERATION_PARAMETERS = {
  increment: ['op', 'by', 'ttl', 'timeout'],
  append: ['op', 'ttl', 'timeout'],
  touch: ['op', 'ttl', 'timeout'],
} as const;
type Operation = keyof typeof OPERATION_PARAMETERS;

/** What all writes have in common, read from the head of the request. */
type Write = {
  readonly key: Buffer;
  readonly query: Query;
  readonly condition: Condition;
  readonly id: string | undefined;
};

export type KeyWrites = { readonly put: Handler; readonly remove: Handler; readonly operate: Handler };

export function createKeyWrites(service: HttpService): KeyWrites {
  return {
    async put(request, response) {
      const write = readHead(service, request, response, PARAMETERS.PUT);
      const { key, condition, query } = write;
      const ttlMs = ttlOf(service, query);
      const { value, contentType } = await readValue(service, request, response);
      const outcome = await submitWrite(service, request, write, {
        type: 'put',
        key,
        value,
        contentType,
        ttlMs,
        condition,
      });
      answerOutcome(service, request, response, outcome.code === 'created' ? 201 : 200, outcome, '');
    },

    async remove(request, response) {
      const write = readHead(service, request, response, PARAMETERS.DELETE);
      refuseBody(request);
      const outcome = await submitWrite(service, request, write, {
        type: 'delete',
        key: write.key,
        condition: write.condition,
      });
      answer(service, request, response, 204, outcomeHeaders(outcome), undefined);
    },

    async operate(request, response) {
      const operation = operationOf(response.locals.target);
      const write = readHead(service, request, response, OPERATION_PARAMETERS[operation]);
      const command = await COMMANDS[operation](service, write, request, response);
      const outcome = await submitWrite(service, request, write, command);
      answerOutcome(service, request, response, 200, outcome, operation === 'touch' ? '' : String(outcome.detail));
    },
  };
}

/** The id that a write came with; throws when it is not one, or when this node takes no writes now. */
export function admitWrite(service: HttpService, request: Request): string | undefined {
  const header = request.headers['idempotency-key'];
  const id = header === undefined ? undefined : idOf(String(header), service.limits.maxIdLength);
  const refusal = service.node.refusal('write');
  if (refusal !== undefined) throw refusalProblem(refusal, outcomeOfUntried(id));
  return id;
}

/** Submits and waits: the outcome of a success, or throws the Problem that says what became of the command, or that it is forbidden. */
export async function submitCommand(
  service: HttpService,
  request: Request,
  id: string | undefined,
  timeoutMs: number,
  command: ClientCommand,
): Promise<Outcome> {
  const caller = service.access.callerOf(request);
  requireCommand(caller, command);
  checkConditional(service.conditionalPrefixes, command);
  return successOf(await service.node.submit({ command, id, caller: caller.name, timeoutMs }), id);
}

function readHead(service: HttpService, request: Request, response: Response, parameters: readonly string[]): Write {
  const { limits } = service;
  const { locals } = response;
  locals.route = 'keys';
  const key = keyOf(locals.target, KEYS_PATH.length, limits.maxKeyBytes);
  // All that the command needs is asked for when it is submitted: here, before a value is taken in.
  requireKey(service.access.callerOf(request), 'write', key);
  const query = queryOf(locals.target, parameters);
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
  const condition = conditionOf(match, noneMatch, limits.maxConditionRevisions);
  return { key, query, condition, id: admitWrite(service, request) };
}

async function readValue(
  service: HttpService,
  request: Request,
  response: Response,
): Promise<{ value: Buffer; contentType: string }> {
  const { bodies, limits } = service;
  // RFC 9110 §14.5: a part would be stored as the whole.
  if (request.headers['content-range'] !== undefined) {
    throw new Problem('invalid-header', { field: 'Content-Range', detail: 'A value is stored whole, not in ranges.' });
  }
  const contentType = storedTypeOf(request.headers['content-type'], limits.maxContentTypeLength);
  return { value: await readBody(request, response, limits.maxValueBytes, bodies), contentType };
}

function submitWrite(service: HttpService, request: Request, write: Write, command: KeyCommand): Promise<Outcome> {
  return submitCommand(service, request, write.id, timeoutOf(service.limits, write.query), command);
}

function answerOutcome(
  service: HttpService,
  request: Request,
  response: Response,
  status: number,
  outcome: Outcome,
  text: string,
): void {
  answer(service, request, response, status, [...outcomeHeaders(outcome), 'Content-Type', TEXT_TYPE], text);
}

function operationOf(target: string): Operation {
  const text = queryOf(target, PARAMETERS.POST).get('op') ?? '';
  const known = Object.keys(OPERATION_PARAMETERS);
  if (Object.hasOwn(OPERATION_PARAMETERS, text)) return text as Operation;
  throw invalidParameter('op', `POST on a key needs "op"${hintOf(text, known)}: one of ${known.join(', ')}.`);
}

type CommandMaker = (
  service: HttpService,
  write: Write,
  request: Request,
  response: Response,
) => KeyCommand | Promise<KeyCommand>;

const COMMANDS: Readonly<Record<Operation, CommandMaker>> = {
  increment(service, { key, query, condition }, request) {
    refuseBody(request);
    const by = int64('by', query.get('by') ?? '1');
    return { type: 'increment', key, by, ttlMs: ttlOf(service, query), condition };
  },

  async append(service, { key, query, condition }, request, response) {
    const ttlMs = ttlOf(service, query);
    return { type: 'append', key, ...(await readValue(service, request, response)), ttlMs, condition };
  },

  touch(service, { key, query, condition }, request) {
    refuseBody(request);
    const ttl = query.get('ttl');
    if (ttl === undefined)
      throw invalidParameter('ttl', 'op=touch needs "ttl": a duration such as 1h, or none to live for ever.');
    return { type: 'touch', key, ttlMs: ttl === 'none' ? 0 : ttlOf(service, query), condition };
  },
};

/** 0 when none is given. */
function ttlOf(service: HttpService, query: Query): number {
  const ttl = query.get('ttl');
  return ttl === undefined ? 0 : positiveDuration('ttl', ttl, service.limits.maxTtlMs);
}
