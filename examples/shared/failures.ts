// What a failed request is answered: a status and `{"error": …}`, whatever went wrong.
import { CacheError, type CacheErrorCode } from 'chorus/cache';
import type { NextFunction, Request, Response } from 'express';

/** Thrown by a handler: the answer's status and sentence. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
  }
}

/** Express's last handler, which it knows by its four parameters. */
export function answerFailure(error: unknown, _request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const { status, message } = failureOf(error);
  if (status === 500) console.error(error);
  response.status(status).json({ error: message });
}

function failureOf(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof RequestError) return error;
  if (error instanceof CacheError) {
    const status = error.refusal === 'conflict' ? 409 : STATUSES[error.code];
    return { status, message: `${error.part} ${SENTENCES[error.code]}` };
  }
  // Express's own refusals of bodies and paths say themselves whose fault they were.
  if (error instanceof Error && 'expose' in error && error.expose === true && 'status' in error) {
    return { status: Number(error.status), message: error.message };
  }
  if (error instanceof URIError) return { status: 400, message: 'The path is not encoded correctly' };
  return { status: 500, message: 'Something went wrong here' };
}

const STATUSES: Readonly<Record<CacheErrorCode, number>> = {
  refused: 422,
  down: 503,
  full: 503,
  timeout: 504,
  unknown: 504,
};

const SENTENCES: Readonly<Record<CacheErrorCode, string>> = {
  refused: 'refused it',
  down: 'is down',
  full: 'has too much to do',
  timeout: 'did not answer in time',
  unknown: 'was lost before it answered',
};
