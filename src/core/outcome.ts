// What apply answers to a command: one flat record, small enough to be remembered by the million.
import type { Entry } from './keyspace.ts';

/**
 * Every code, in the order of its number in snapshots and digests: append only. 'success': the command did what it says. 'final': a
 * rejection that is remembered under the command's id. 'passing': a rejection that says nothing of the command itself, so
 * the same id may succeed later.
 */
const KINDS = {
  created: 'success',
  replaced: 'success',
  deleted: 'success',
  touched: 'success',
  done: 'success',
  'not-found': 'final',
  'condition-failed': 'final',
  'not-an-integer': 'final',
  overflow: 'final',
  'value-too-large': 'final',
  'id-reused': 'passing',
  deadline: 'passing',
  'memory-full': 'passing',
  'no-cluster': 'passing',
  'cluster-exists': 'passing',
  'other-cluster': 'passing',
  stale: 'passing',
  'deleted-in-part': 'success',
  'transaction-failed': 'final',
  'transaction-too-large': 'final',
  'feature-not-enabled': 'passing',
  restoring: 'passing',
  'not-empty': 'passing',
  'not-kept': 'success',
  'old-policy': 'passing',
  held: 'passing',
  leased: 'passing',
  unsaved: 'passing',
  'too-many-unsaved': 'passing',
  'token-exists': 'final',
} as const satisfies Readonly<Record<string, 'success' | 'final' | 'passing'>>;

export type OutcomeCode = keyof typeof KINDS;

/** A code's number is its place here. */
export const OUTCOME_CODES = Object.keys(KINDS) as readonly OutcomeCode[];

export type Outcome = {
  readonly code: OutcomeCode;
  /** Of the command as it was first applied; for `put`, `increment`, `append` and `touch` it is the entry's revision (its ETag). */
  readonly revision: number;
  /**
   * `increment`: the new number; `append`: the new length in bytes; `delete-prefix`: the number of keys deleted;
   * `condition-failed`: the entry's revision, 0n when there is none; `transaction-failed`: the place, from 0, of the
   * operation that was rejected; otherwise 0n.
   */
  readonly detail: bigint;
  /** Of a transaction that was judged. */
  readonly transaction?: TransactionResult;
  /** True when an earlier attempt with the same id was applied and this is its outcome. */
  readonly isRepeat: boolean;
};

export type Branch = 'then' | 'else';

export type OperationResult = {
  readonly code: OutcomeCode;
  /** Of the entry that was read, 0 when there is none; else the transaction's. */
  readonly revision: number;
  /** As in an outcome. */
  readonly detail: bigint;
  /** A copy of what a `get` found; undefined otherwise, and in a repeat. */
  readonly entry: Entry | undefined;
};

export type TransactionResult = {
  readonly branch: Branch;
  /** Of each operation of the branch in order; where one was rejected, of that one alone. */
  readonly operations: readonly OperationResult[];
};

/** What a command's own rules decided, before the machine makes it an outcome. */
export type Verdict = Pick<Outcome, 'code' | 'detail' | 'transaction'>;

/** The verdicts that need no detail. */
export const VERDICTS = Object.freeze(
  Object.fromEntries(OUTCOME_CODES.map((code) => [code, Object.freeze({ code, detail: 0n })])),
) as Readonly<Record<OutcomeCode, Verdict>>;

export function isSuccess(code: OutcomeCode): boolean {
  return KINDS[code] === 'success';
}

/** Successes and final rejections are remembered under the command's id. */
export function isRemembered(code: OutcomeCode): boolean {
  return KINDS[code] !== 'passing';
}
