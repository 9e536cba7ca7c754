// What a node's refusals and a write's outcomes become: problems that say whether the write may still happen.
import { InvariantBroken, invariant, unreachable } from '../base/assert.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Refusal, WriteResult } from '../node/requests.ts';
import type { NoSnapshot } from '../node/snapshot-requests.ts';
import { etagOf } from './conditions.ts';
import { rejectedResult } from './operation-results.ts';
import { Problem, type ProblemDetails } from './problems.ts';

const REFUSALS: Readonly<Record<Refusal, string>> = {
  replaying: 'This node is replaying the log; another node may serve, and /readyz?verbose says how far this one is.',
  paused: 'This process stood still for a while; it serves again when it has caught up with the log.',
  stopping: 'This node is stopping; another node may serve.',
  quarantined: 'This node differs from the others and takes no part until it is restored.',
  overloaded: 'Too many requests are waiting in this node.',
};

/** A request that this node cannot take now. 503 or 429; for writes `outcome` says what is known of them. */
export function refusalProblem(reason: Refusal, write: ProblemDetails = {}): Problem {
  return new Problem(reason, { ...write, detail: REFUSALS[reason] });
}

/** Why there is no snapshot to answer with. */
export function snapshotProblem(result: NoSnapshot): Problem {
  switch (result.kind) {
    case 'refused':
      return result.reason === 'feature-not-enabled' ? new Problem(result.reason) : refusalProblem(result.reason);
    case 'failed':
      return new Problem('snapshot-failed', {
        detail: "The snapshot could not be saved, or was found wrong; this node's log says why.",
      });
    case 'timed-out':
      return new Problem('snapshot-timed-out', { detail: 'The snapshot is still being saved, and goes on.' });
    default:
      return unreachable(result);
  }
}

/** A write that came with an id may have been appended by another node: only without one it is certain that it was not. */
export function outcomeOfUntried(id: string | undefined): ProblemDetails {
  return id === undefined ? { outcome: 'not-applied' } : { outcome: 'unknown', id };
}

/** The outcome of a write that succeeded, or throws the Problem that says why not. `id`: the one that came in. */
export function successOf(result: WriteResult, id: string | undefined): Outcome {
  switch (result.kind) {
    case 'applied':
      return accepted(result.outcome, result.id, id);
    case 'refused': {
      const write = knowledge(result.isUnknown, result.id);
      if (result.reason === 'feature-not-enabled') throw new Problem(result.reason, write);
      if (result.reason !== 'too-large') throw refusalProblem(result.reason, write);
      throw new Problem('value-too-large', {
        ...write,
        field: 'body',
        detail: 'The log does not take a command of this size.',
      });
    }
    case 'timed-out':
      throw new Problem('timed-out', {
        ...knowledge(result.isUnknown, result.id),
        detail: timeoutDetail(result.isUnknown),
      });
    default:
      return unreachable(result);
  }
}

/** Headers of what apply judged, for or against: where it stands in the log, and whether it is an earlier attempt's outcome. */
export function judgedHeaders({ isRepeat }: Outcome): string[] {
  return ['Chorus-Consistency', 'linearizable', ...(isRepeat ? ['Idempotency-Replayed', 'true'] : [])];
}

/** Headers that say which revision an outcome has and whether it is an earlier attempt's; a write has one place in the log. */
export function outcomeHeaders(outcome: Outcome): string[] {
  const headers = judgedHeaders(outcome);
  if (outcome.code !== 'deleted') headers.push('ETag', etagOf(outcome.revision));
  return headers;
}

function accepted(outcome: Outcome, usedId: string, incomingId: string | undefined): Outcome {
  const { code } = outcome;
  const headers = judgedHeaders(outcome);
  switch (code) {
    case 'created':
    case 'replaced':
    case 'deleted':
    case 'touched':
    case 'done':
    case 'deleted-in-part':
      return outcome;
    case 'condition-failed':
      throw new Problem(code, {
        ...final(usedId),
        headers: [...headers, ...currentEtag(outcome)],
        detail: conditionDetail(outcome),
      });
    case 'not-found':
    case 'not-an-integer':
    case 'overflow':
    case 'value-too-large':
    case 'transaction-too-large':
    case 'token-exists':
      throw new Problem(code, { ...final(usedId), headers });
    case 'transaction-failed':
      throw new Problem(code, { ...final(usedId), headers, ...failedOperation(outcome) });
    case 'id-reused':
      throw new Problem(code, {
        ...final(usedId),
        headers,
        field: 'Idempotency-Key',
        detail:
          'Method, key, query, conditions, content type and body must be the same each time an Idempotency-Key is used.',
      });
    case 'memory-full':
      throw new Problem(code, {
        ...knowledge(incomingId !== undefined, usedId),
        detail:
          'The limit of keys or of memory is reached, and nothing is evicted, or not fast enough; /v1/cluster shows the limits. What does not grow is still taken.',
      });
    case 'deadline':
    case 'feature-not-enabled':
    case 'restoring':
      // This attempt was not applied; but with an id that came in, another attempt may be.
      throw new Problem(code, knowledge(incomingId !== undefined, usedId));
    case 'no-cluster':
    case 'cluster-exists':
    case 'other-cluster':
    case 'stale':
    case 'not-empty':
    case 'not-kept':
    case 'old-policy':
    case 'held':
    case 'leased':
    case 'unsaved':
    case 'too-many-unsaved':
      throw new InvariantBroken('M1', `a client's command was answered ${code}`);
    default:
      return unreachable(code);
  }
}

/** Where the operation stands in the request, and its own code: all before it was undone. */
function failedOperation({ detail, transaction }: Outcome): ProblemDetails {
  invariant('M1', transaction !== undefined, 'a transaction failed without a result');
  const { branch, operations } = transaction;
  const place = `${branch}[${detail}]`;
  const results = operations.map((operation) => rejectedResult(operation.code, operation.detail));
  return {
    field: place,
    detail: `The operation at ${place} was rejected; nothing was changed.`,
    more: { branch, item: Number(detail), result: results[0] },
  };
}

function final(id: string): ProblemDetails {
  return { outcome: 'not-applied', id };
}

function knowledge(isUnknown: boolean, id: string): ProblemDetails {
  return { outcome: isUnknown ? 'unknown' : 'not-applied', id };
}

function currentEtag({ detail }: Outcome): string[] {
  return detail === 0n ? [] : ['ETag', etagOf(detail)];
}

function conditionDetail({ detail }: Outcome): string {
  return detail === 0n ? 'There is no such key.' : `The key has revision ${detail}.`;
}

function timeoutDetail(isUnknown: boolean): string {
  return isUnknown
    ? 'Whether the command was or will be applied is not known; the same request with this id as Idempotency-Key tells, and is applied at most once.'
    : 'The command was not applied and will not be.';
}
