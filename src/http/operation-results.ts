// What an operation of a batch or a transaction came to, as JSON: its status and what belongs to it.
import type { Operation } from '../core/commands/command.ts';
import type { Entry } from '../core/keyspace.ts';
import { isSuccess, type OperationResult, type OutcomeCode } from '../core/outcome.ts';
import { jsonTime, jsonValue } from './json-values.ts';
import { PROBLEMS, type Problem, type ProblemCode } from './problems.ts';

export type ItemResult = { readonly status: number; readonly [member: string]: unknown };

/** `result.entry` is undefined in a repeat: then a get says the revision that was read, and no value. */
export function operationResult(type: Operation['type'], result: OperationResult): ItemResult {
  const { code, revision, detail, entry } = result;
  if (!isSuccess(code)) return rejectedResult(code, detail);
  if (entry !== undefined) return entryResult(entry);
  const written = { status: statusOf(code), revision };
  if (type === 'increment') return { ...written, value: String(detail) };
  return type === 'append' ? { ...written, bytes: Number(detail) } : written;
}

export function entryResult({ value, contentType, revision, expiresAt }: Entry): ItemResult {
  return { status: 200, ...jsonValue(value), contentType, revision, expiresAt: jsonTime(expiresAt) };
}

/** `revision` is the entry's that did not fit its condition. */
export function rejectedResult(code: OutcomeCode, detail: bigint): ItemResult {
  const revision = code === 'condition-failed' && detail !== 0n ? Number(detail) : undefined;
  return { status: statusOf(code), code, revision };
}

/** Of an item that has no final answer; `outcome` says whether it may have been applied. */
export function problemResult({ status, code, details }: Problem): ItemResult {
  return { status, code, outcome: details.outcome };
}

function statusOf(code: OutcomeCode): number {
  if (code === 'created') return 201;
  if (code === 'deleted') return 204;
  return code in PROBLEMS ? PROBLEMS[code as ProblemCode].status : 200;
}
