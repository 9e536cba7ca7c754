// The errors of caches: every store, source and queue says its failures in these five codes, never in its driver's words.
import { messageOf } from '../base/errors.ts';

/**
 * - `timeout`: no answer in time; of a write it is not known whether it happened.
 * - `down`: it cannot be reached; certainly nothing happened.
 * - `refused`: it answered no (a duplicate, a broken constraint, bad input, a message too large); nothing happened.
 * - `full`: a bound of our own is reached (dirty entries, waiting writes); nothing happened.
 * - `unknown`: the connection broke after a write was sent; it may have happened.
 */
export type CacheErrorCode = 'timeout' | 'down' | 'refused' | 'full' | 'unknown';

/** Why a source refused: another row has it already, a row it needs is missing, or it makes no sense there. */
export type Refusal = 'conflict' | 'missing' | 'invalid';

type CacheErrorDetails = { readonly cause?: unknown; readonly refusal?: Refusal };

/** A failed call of a port. `part` is the name of the store, source or queue that failed. */
export class CacheError extends Error {
  readonly code: CacheErrorCode;
  readonly part: string;
  /** Set with `refused` only. */
  readonly refusal: Refusal | undefined;

  constructor(code: CacheErrorCode, part: string, message: string, { cause, refusal }: CacheErrorDetails = {}) {
    super(`${part}: ${message}`, cause === undefined ? undefined : { cause });
    this.name = 'CacheError';
    this.code = code;
    this.part = part;
    this.refusal = code === 'refused' ? (refusal ?? 'invalid') : undefined;
  }

  /** The same call may succeed later. After `timeout` and `unknown` only a call that is harmless twice may be tried again. */
  get isRetryable(): boolean {
    return this.code !== 'refused';
  }

  /** Nothing happened, for certain. */
  get isWithoutEffect(): boolean {
    return this.code === 'down' || this.code === 'refused' || this.code === 'full';
  }
}

/** `error` itself if it is a CacheError, else one with the code given and `error` as its cause. */
export function asCacheError(error: unknown, part: string, otherwise: CacheErrorCode): CacheError {
  if (error instanceof CacheError) return error;
  return new CacheError(otherwise, part, messageOf(error), { cause: error });
}
