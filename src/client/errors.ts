// What the client throws: an error with the server's code, and whether the write may have been applied.

type ChorusErrorFields = {
  /** The server's code (`not-an-integer`, `id-reused`, …), or the client's own: `deadline`, `bad-key`, `bad-answer`. */
  readonly code: string;
  readonly message: string;
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined;
  readonly outcome: 'not-applied' | 'unknown';
  /** Of the write: a later call with this id is applied at most once together with this one. */
  readonly id: string | undefined;
  readonly isRetryable: boolean;
};

export class ChorusError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly outcome: 'not-applied' | 'unknown';
  readonly id: string | undefined;
  readonly isRetryable: boolean;

  constructor(fields: ChorusErrorFields) {
    super(fields.message);
    this.name = 'ChorusError';
    this.code = fields.code;
    this.status = fields.status;
    this.outcome = fields.outcome;
    this.id = fields.id;
    this.isRetryable = fields.isRetryable;
  }
}

/** The node no longer has all changes since where a watch wanted to go on: list the keys, and watch since the first page. */
export class HistoryGoneError extends ChorusError {
  /** What the node has applied. A list through a client whose token is at least this begins there or later. */
  readonly revision: number;
  /** The oldest position from which this node can go on. */
  readonly oldest: string;

  constructor(fields: ChorusErrorFields, revision: number, oldest: string) {
    super(fields);
    this.name = 'HistoryGoneError';
    this.revision = revision;
    this.oldest = oldest;
  }
}

/** What the client reads of an RFC 9457 problem document. */
export type Problem = {
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly outcome: string | undefined;
  readonly isRetryable: boolean;
  /** All of its members. */
  readonly members: Readonly<Record<string, unknown>>;
};

/** Undefined when the bytes are no JSON object. */
export function problemOf(body: Uint8Array): Problem | undefined {
  const parsed = parseJson(body);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...parsed };
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : undefined);
  return {
    code: text('code'),
    detail: text('detail'),
    outcome: text('outcome'),
    isRetryable: fields.retryable === true,
    members: fields,
  };
}

/** The error that a problem is. `id`: of the write. */
export function errorOf(problem: Problem, status: number, id: string | undefined): ChorusError {
  const { code = 'bad-answer', detail = `answered ${status}`, isRetryable, members } = problem;
  const outcome = problem.outcome === 'unknown' ? 'unknown' : 'not-applied';
  const fields = { code, message: detail, status, outcome, id, isRetryable } as const;
  if (code !== 'history-gone') return new ChorusError(fields);
  return new HistoryGoneError(fields, Number(members.revision), String(members.oldest));
}

export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
