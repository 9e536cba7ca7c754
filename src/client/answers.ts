// What the client makes of an answer: the result that it holds, or the error that it is.
import { ChorusError, errorOf, parseJson, problemOf } from './errors.ts';
import type { ConditionFailed, Written } from './requests.ts';
import type { Answer } from './transport.ts';

export function written(answer: Answer): Written {
  return {
    revision: revisionOf(answer),
    isReplayed: answer.header('idempotency-replayed') === 'true',
    attempts: answer.attempts,
  };
}

export function conditionFailed(answer: Answer): ConditionFailed {
  return { kind: 'condition-failed', revision: answer.header('etag') === undefined ? undefined : revisionOf(answer) };
}

/** The ETag is the entry's revision; an answer without one (a deletion's) carries the revision applied there. */
export function revisionOf(answer: Answer): number {
  const etag = answer.header('etag')?.replace(/^W\//, '').replaceAll('"', '');
  return Number(etag ?? answer.header('chorus-revision') ?? 0);
}

export function textOf(answer: Answer): string {
  return Buffer.from(answer.body).toString('utf8').trim();
}

export function expected(answer: Answer, statuses: readonly number[]): Answer {
  if (statuses.includes(answer.status)) return answer;
  const problem = problemOf(answer.body);
  if (problem === undefined) throw badAnswer(answer, 'carries no problem document');
  throw errorOf(problem, answer.status, answer.id);
}

function badAnswer(answer: Answer, fact: string): ChorusError {
  const message = `the answer with status ${answer.status} ${fact}: is this address a Chorus node or its gateway?`;
  return new ChorusError({
    code: 'bad-answer',
    message,
    status: answer.status,
    outcome: 'unknown',
    id: answer.id,
    isRetryable: false,
  });
}

/** The object of JSON that a 200 brings. */
export function jsonOf(answer: Answer): Readonly<Record<string, unknown>> {
  const parsed = parseJson(expected(answer, [200]).body);
  if (typeof parsed === 'object' && parsed !== null) return parsed as Readonly<Record<string, unknown>>;
  throw badAnswer(answer, 'is not JSON');
}
