// POST /v1/batch: many operations in one request, each a command or a read of its own with its own status.
import { createHash } from 'node:crypto';
import { JSON_LIMITS } from '../base/limits.ts';
import type { Get, KeyCommand, Operation } from '../core/commands/command.ts';
import { holds } from '../core/condition.ts';
import type { Entry } from '../core/keyspace.ts';
import { isRemembered } from '../core/outcome.ts';
import { answer, JSON_TYPE } from './answers.ts';
import { type Caller, requireOperation } from './callers.ts';
import { refuseConditions } from './conditions.ts';
import { checkJsonHead, readJson } from './json-bodies.ts';
import { batchIn } from './json-operations.ts';
import { admitWrite } from './key-writes.ts';
import { type ReadDemand, readDemand, readEntry } from './keys.ts';
import { entryResult, type ItemResult, operationResult, problemResult, rejectedResult } from './operation-results.ts';
import { Problem } from './problems.ts';
import { queryOf } from './queries.ts';
import { successOf } from './refusals.ts';
import { checkConditional } from './required-conditions.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService } from './service.ts';

/** One request's run: what its items share. */
type Run = {
  readonly service: HttpService;
  readonly caller: Caller;
  readonly id: string | undefined;
  readonly demand: ReadDemand;
  /** By performance.now(). */
  readonly deadlineAt: number;
  bytesRead: number;
  writes: number;
  repeats: number;
};

export function createBatch(service: HttpService): Handler {
  return async (request, response) => {
    const { locals } = response;
    locals.route = 'batch';
    const demand = readDemand(service, queryOf(locals.target, ROUTES['/v1/batch'].POST), request.headers);
    refuseConditions(request.headers);
    checkJsonHead(request);
    admitWrite(service, request);
    const operations = batchIn(await readJson(service, request, response));
    // Asked again: the node may have been paused while the body came, and then another node shall have all of it.
    const id = admitWrite(service, request);
    const deadlineAt = performance.now() + demand.timeoutMs;
    const caller = service.access.callerOf(request);
    const run: Run = { service, caller, id, demand, deadlineAt, bytesRead: 0, writes: 0, repeats: 0 };
    const results = await inOrder(run, operations);
    const consistency = run.writes === operations.length ? 'linearizable' : demand.consistency;
    const headers = ['Content-Type', JSON_TYPE, 'Cache-Control', 'no-store', 'Chorus-Consistency', consistency];
    if (run.writes > 0 && run.repeats === run.writes) headers.push('Idempotency-Replayed', 'true');
    const isUnknown = results.some(({ outcome }) => outcome === 'unknown');
    const body = { results, revision: service.node.revision(), id: isUnknown ? id : undefined };
    answer(service, request, response, 200, headers, Buffer.from(JSON.stringify(body)));
  };
}

// Neighbouring writes go to the log together, in order; a read waits for the writes before it, and they for it.
async function inOrder(run: Run, operations: readonly Operation[]): Promise<ItemResult[]> {
  const results: ItemResult[] = [];
  while (results.length < operations.length) {
    const from = results.length;
    const isRead = operations[from]?.type === 'get';
    const end = operations.findIndex(({ type }, at) => at > from && (type === 'get') !== isRead);
    const group = operations.slice(from, end === -1 ? operations.length : end);
    const perform = (operation: Operation, at: number) =>
      settled(operation.type === 'get' ? read(run, operation) : write(run, operation, from + at));
    results.push(...(await Promise.all(group.map(perform))));
  }
  return results;
}

async function write(run: Run, command: KeyCommand, place: number): Promise<ItemResult> {
  const { service, id } = run;
  requireOperation(run.caller, command);
  checkConditional(service.conditionalPrefixes, command);
  run.writes++;
  const result = await service.node.submit({
    command,
    id: id === undefined ? undefined : itemId(id, place, service.limits.maxIdLength),
    caller: run.caller.name,
    timeoutMs: timeLeft(run),
  });
  if (result.kind === 'applied' && result.outcome.isRepeat) run.repeats++;
  // A final rejection is this item's answer; what is not final is thrown as for a request of its own.
  const isFinal = result.kind === 'applied' && isRemembered(result.outcome.code);
  const outcome = isFinal ? result.outcome : successOf(result, id);
  return operationResult(command.type, { ...outcome, entry: undefined });
}

async function read(run: Run, operation: Get): Promise<ItemResult> {
  requireOperation(run.caller, operation);
  let result = rejectedResult('not-found', 0n);
  await readEntry(run.service, operation.key, { ...run.demand, timeoutMs: timeLeft(run) }, (entry) => {
    result = found(run, operation, entry);
  });
  return result;
}

function found(run: Run, { condition }: Get, entry: Entry | undefined): ItemResult {
  if (!holds(condition, entry?.revision)) return rejectedResult('condition-failed', BigInt(entry?.revision ?? 0));
  if (entry === undefined) return rejectedResult('not-found', 0n);
  run.bytesRead += entry.value.length;
  if (run.bytesRead > JSON_LIMITS.maxBatchReadBytes) throw new Problem('batch-too-large');
  return entryResult(entry);
}

async function settled(item: Promise<ItemResult>): Promise<ItemResult> {
  try {
    return await item;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return problemResult(error);
  }
}

function timeLeft({ deadlineAt }: Run): number {
  return Math.max(1, Math.ceil(deadlineAt - performance.now()));
}

/** The pair of the request's id and the place: with a space, which no id that came in has. A long id stands there by its hash. */
function itemId(id: string, place: number, maxLength: number): string {
  const pair = `${id} ${place}`;
  return pair.length <= maxLength ? pair : `${createHash('sha256').update(id).digest('base64url')}  ${place}`;
}
