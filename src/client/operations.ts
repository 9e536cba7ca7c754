// Operations of batches and transactions: the JSON that they are sent as, and what each came to.
import { expected, jsonOf, written } from './answers.ts';
import { problemOf } from './errors.ts';
import { type Json, textIn, valueIn, valueJson } from './json-values.ts';
import type { Compare, Operation, OperationResult, Transaction, TransactionResult } from './requests.ts';
import { durationText } from './targets.ts';
import type { Answer } from './transport.ts';

export function operationsJson(operations: readonly Operation[]): string {
  return JSON.stringify({ items: operations.map(operationJson) });
}

export function transactionJson(transaction: Transaction): string {
  return JSON.stringify({
    if: transaction.if?.map(compareJson),
    then: transaction.then?.map(operationJson),
    else: transaction.else?.map(operationJson),
  });
}

/** What the node answered to a transaction: done, or undone because of one operation. */
export function transactionResult(transaction: Transaction, answer: Answer): TransactionResult {
  const problem = answer.status === 409 ? problemOf(answer.body) : undefined;
  if (problem?.code === 'transaction-failed') {
    const branch = branchIn(problem.members);
    const item = Number(problem.members.item);
    const result = operationResult(transaction[branch]?.[item]?.op, problem.members.result as Json);
    return { kind: 'failed', branch, item, result };
  }
  const json = jsonOf(expected(answer, [200]));
  const branch = branchIn(json);
  const results = (json.results as readonly Json[]).map((result, at) =>
    operationResult(transaction[branch]?.[at]?.op, result),
  );
  return { kind: 'done', branch, results, ...written(answer), revision: Number(json.revision) };
}

/** `op`: of the operation that this is the result of. */
export function operationResult(op: Operation['op'] | undefined, json: Json): OperationResult {
  const status = Number(json.status);
  const code = textIn(json, 'code');
  const revision = Number(json.revision);
  if (code === 'not-found') return { kind: 'absent' };
  if (code === 'condition-failed') {
    return { kind: 'condition-failed', revision: json.revision === undefined ? undefined : revision };
  }
  if (code !== undefined) {
    const outcome = json.outcome === 'unknown' ? 'unknown' : 'not-applied';
    return { kind: 'rejected', status, code, outcome };
  }
  switch (op) {
    case 'put':
      return { kind: status === 201 ? 'created' : 'replaced', revision };
    case 'delete':
      return { kind: 'deleted', revision };
    case 'touch':
      return { kind: 'touched', revision };
    case 'increment':
      return { kind: 'incremented', revision, value: BigInt(String(json.value)) };
    case 'append':
      return { kind: 'appended', revision, lengthBytes: Number(json.bytes) };
    default:
      return readResult(json, revision);
  }
}

/** Of a batch's item: another try may give it its answer. */
export function isUnfinished(result: OperationResult): boolean {
  return result.kind === 'rejected' && PASSING.has(result.status);
}

const PASSING: ReadonlySet<number> = new Set([429, 503, 504]);

function readResult(json: Json, revision: number): OperationResult {
  const value = valueIn(json);
  if (value === undefined) return { kind: 'was-found', revision };
  const contentType = String(json.contentType);
  return { kind: 'found', value, contentType, revision, expiresAt: textIn(json, 'expiresAt') };
}

function branchIn({ branch }: Json): 'then' | 'else' {
  return branch === 'else' ? 'else' : 'then';
}

function operationJson(operation: Operation): Json {
  const { op, key, ifRevision } = operation;
  const head = { op, key, ifRevision };
  switch (operation.op) {
    case 'get':
    case 'delete':
      return head;
    case 'put':
    case 'append': {
      const { value, contentType = typeOf(value) } = operation;
      return { ...head, ...valueJson(value), contentType, ttl: durationText(operation.ttlMs) };
    }
    case 'increment':
      return {
        ...head,
        by: operation.by === undefined ? undefined : String(operation.by),
        ttl: durationText(operation.ttlMs),
      };
    case 'touch':
      return { ...head, ttl: operation.ttlMs === 'none' ? 'none' : durationText(operation.ttlMs) };
  }
}

function compareJson(compare: Compare): Json {
  if (!('value' in compare)) return compare;
  return { key: compare.key, ...valueJson(compare.value) };
}

export function typeOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
}
