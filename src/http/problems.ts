// What a client is told when something is refused: one table of codes, and the RFC 9457 document made from it.

type Kind = {
  readonly status: number;
  readonly title: string;
  /** Whether sending the same request again, with the same id, may end otherwise. */
  readonly retryable: boolean;
};

export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request is not valid HTTP', retryable: false },
  'invalid-key': { status: 400, title: 'The key is not valid', retryable: false },
  'unknown-parameter': { status: 400, title: 'Unknown query parameter', retryable: false },
  'invalid-parameter': { status: 400, title: 'A query parameter is not valid', retryable: false },
  'invalid-header': { status: 400, title: 'A request header is not valid', retryable: false },
  'invalid-body': { status: 400, title: 'The body is not valid', retryable: false },
  'unexpected-body': { status: 400, title: 'This request takes no body', retryable: false },
  'body-truncated': { status: 400, title: 'The body ended before its announced length', retryable: true },
  unauthenticated: { status: 401, title: 'A token is required', retryable: false },
  forbidden: { status: 403, title: 'The token does not allow this', retryable: false },
  'cross-origin': { status: 403, title: 'The request came from a web page of another origin', retryable: false },
  'not-found': { status: 404, title: 'There is no such key', retryable: false },
  'no-such-cache': { status: 404, title: 'There is no such cache', retryable: false },
  'unknown-path': { status: 404, title: 'There is nothing at this path', retryable: false },
  'method-not-allowed': { status: 405, title: 'This resource does not know this method', retryable: false },
  'not-acceptable': { status: 406, title: 'The stored type is not among the accepted ones', retryable: false },
  'request-timeout': { status: 408, title: 'The request was not received in time', retryable: true },
  'not-an-integer': { status: 409, title: 'The value is not a 64-bit integer', retryable: false },
  overflow: { status: 409, title: 'The number would leave the range of a 64-bit integer', retryable: false },
  'transaction-failed': { status: 409, title: 'An operation of the transaction was rejected', retryable: false },
  'token-exists': { status: 409, title: 'There is such a token already', retryable: false },
  'not-empty': { status: 409, title: 'The cluster has keys already', retryable: false },
  'source-conflict': { status: 409, title: 'The source has a row that this one conflicts with', retryable: false },
  'fence-differs': { status: 409, title: 'The source has another fence', retryable: false },
  restoring: { status: 409, title: 'The cluster is being restored from a backup', retryable: true },
  'history-gone': { status: 410, title: 'The events since then are no longer kept', retryable: false },
  'length-required': { status: 411, title: 'A body of stated length is required', retryable: false },
  'condition-failed': { status: 412, title: 'The condition does not hold', retryable: false },
  'body-too-large': { status: 413, title: 'The body is too large', retryable: false },
  'transaction-too-large': { status: 413, title: 'The transaction touches too many bytes', retryable: false },
  'batch-too-large': { status: 413, title: 'The batch reads too many bytes', retryable: false },
  'value-too-large': { status: 413, title: 'The value is too large', retryable: false },
  'key-too-long': { status: 414, title: 'The key is too long', retryable: false },
  'unsupported-encoding': { status: 415, title: 'The content encoding is not supported', retryable: false },
  'unsupported-media-type': { status: 415, title: 'The content type is not valid', retryable: false },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met', retryable: false },
  'misdirected-request': { status: 421, title: 'This node does not answer for this host', retryable: false },
  'source-refused': { status: 422, title: 'The source refused the row', retryable: false },
  'id-reused': { status: 422, title: 'The Idempotency-Key was used for another command', retryable: false },
  'condition-required': { status: 428, title: 'A condition is required', retryable: false },
  overloaded: { status: 429, title: 'The node has too much waiting', retryable: true },
  'headers-too-large': { status: 431, title: 'The request headers are too large', retryable: false },
  'internal-error': { status: 500, title: 'The node made a mistake', retryable: true },
  'unsupported-transfer-encoding': { status: 501, title: 'The transfer encoding is not supported', retryable: false },
  'feature-not-enabled': {
    status: 501,
    title: 'Not every node of the cluster knows this command yet',
    retryable: true,
  },
  'snapshot-failed': { status: 503, title: 'The snapshot could not be saved', retryable: true },
  replaying: { status: 503, title: 'The node is still replaying the log', retryable: true },
  paused: { status: 503, title: 'The node was paused and is catching up', retryable: true },
  stopping: { status: 503, title: 'The node is stopping', retryable: true },
  quarantined: { status: 503, title: 'The node is quarantined', retryable: true },
  /** Only of the gateway of npm start. */
  unavailable: { status: 503, title: 'No node can answer now', retryable: true },
  'timed-out': { status: 504, title: 'The log did not take the command in time', retryable: true },
  deadline: { status: 504, title: 'The command reached the log after its time was up', retryable: true },
  'revision-not-reached': { status: 504, title: 'The wanted revision was not reached in time', retryable: true },
  'check-timed-out': { status: 504, title: 'Not every member reported its digest in time', retryable: true },
  'snapshot-timed-out': { status: 504, title: 'The snapshot was not saved in time', retryable: true },
  /** Not 503: all nodes would say it, and a balancer would drop them all. */
  'source-down': { status: 504, title: 'The source behind the cache does not answer', retryable: true },
  'memory-full': { status: 507, title: 'The memory limit of the cluster is reached', retryable: true },
} as const satisfies Record<string, Kind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem says beyond its code. */
export type ProblemDetails = {
  /** A sentence about this occurrence. */
  readonly detail?: string;
  /** The header, query parameter or part of the target that is wrong. */
  readonly field?: string;
  /** Of a write: whether some copy of it may be applied, or come to be (design: three outcomes). */
  readonly outcome?: 'not-applied' | 'unknown';
  /** The id of the write, to be used again when its outcome is unknown. */
  readonly id?: string;
  /** Headers of the answer beside the standard ones: name, value, name, value… */
  readonly headers?: readonly string[];
  /** Further members of the document. */
  readonly more?: Readonly<Record<string, unknown>>;
};

/** Thrown anywhere while a request is served; the error handler answers it. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    // It is an answer, whose stack nobody reads: to note it would take a fifth of the time in which an overloaded node refuses a request.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(details.detail ?? PROBLEMS[code].title);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Problem';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

/** The document as JSON. `instance` is the request's path as it was sent, if it could be read. */
export function problemDocument(problem: Problem, nodeId: string, instance: string | undefined): string {
  const { status, title, retryable } = PROBLEMS[problem.code];
  const { detail, field, outcome, id, more } = problem.details;
  return JSON.stringify({
    type: `urn:chorus:problem:${problem.code}`,
    title,
    status,
    detail: detail ?? `${title}.`,
    instance: instance === undefined ? undefined : instance.replace(/[^\x21-\x7e]/g, percentEncoded),
    code: problem.code,
    node: nodeId,
    field,
    outcome,
    id,
    retryable,
    ...more,
  });
}

/** Targets arrive as one character per byte. */
function percentEncoded(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
