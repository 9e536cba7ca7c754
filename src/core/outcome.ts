// What apply answers to a command: one flat record, small enough to be remembered by the million.

/** The command did what it says. */
export const SUCCESSES = ['created', 'replaced', 'deleted', 'touched', 'done'] as const;
/** Rejections that every node computes alike. The remembered ones are final for their id. */
export const REMEMBERED_REJECTIONS = [
  'not-found',
  'condition-failed',
  'not-an-integer',
  'overflow',
  'value-too-large',
] as const;
/** Rejections that say nothing of the command itself: the same id may succeed later. */
export const PASSING_REJECTIONS = [
  'id-reused',
  'deadline',
  'memory-full',
  'no-cluster',
  'cluster-exists',
  'other-cluster',
  'stale',
] as const;

export type Success = (typeof SUCCESSES)[number];
export type Rejection = (typeof REMEMBERED_REJECTIONS)[number] | (typeof PASSING_REJECTIONS)[number];
export type OutcomeCode = Success | Rejection;

/** All codes in the order of their numbers in snapshots and digests: append only. */
export const OUTCOME_CODES = [
  'created',
  'replaced',
  'deleted',
  'touched',
  'done',
  'not-found',
  'condition-failed',
  'not-an-integer',
  'overflow',
  'value-too-large',
  'id-reused',
  'deadline',
  'memory-full',
  'no-cluster',
  'cluster-exists',
  'other-cluster',
  'stale',
] as const satisfies readonly OutcomeCode[];

export type Outcome = {
  readonly code: OutcomeCode;
  /** Of the command as it was first applied; for `put`, `increment`, `append` and `touch` it is the entry's revision (its ETag). */
  readonly revision: number;
  /**
   * `increment`: the new number; `append`: the new length in bytes; `condition-failed`: the entry's revision, 0n when
   * there is none; otherwise 0n.
   */
  readonly detail: bigint;
  /** True when an earlier attempt with the same id was applied and this is its outcome. */
  readonly isRepeat: boolean;
};

const remembered: ReadonlySet<OutcomeCode> = new Set([...SUCCESSES, ...REMEMBERED_REJECTIONS]);
const successes: ReadonlySet<OutcomeCode> = new Set(SUCCESSES);

export function isRemembered(code: OutcomeCode): boolean {
  return remembered.has(code);
}

export function isSuccess(code: OutcomeCode): code is Success {
  return successes.has(code);
}

/** What a command's own rules decided, before the machine makes it an outcome. */
export type Verdict = { readonly code: OutcomeCode; readonly detail: bigint };

export const VERDICTS = Object.freeze(
  Object.fromEntries(OUTCOME_CODES.map((code) => [code, Object.freeze({ code, detail: 0n })])),
) as Readonly<Record<OutcomeCode, Verdict>>;
