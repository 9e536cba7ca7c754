// What the client throws: one error with the server's code, and whether the write may have been applied.

export type ChorusErrorFields = {
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

/** What the client reads of an RFC 9457 problem document. */
export type Problem = {
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly outcome: string | undefined;
  readonly isRetryable: boolean;
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
  };
}

export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
