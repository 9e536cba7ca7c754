// MongoDB's failures as CacheErrors, by their classes and codes (mongodb.com/docs/manual/reference/error-codes).
import {
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
} from 'mongodb';
import { asCacheError, CacheError } from '../errors.ts';

export const DUPLICATE_KEY = 11_000;

/** Not primary any more, shutting down, interrupted by that. */
const AWAY: ReadonlySet<unknown> = new Set([91, 189, 10_107, 11_600, 11_602, 13_435, 13_436]);
const LATE: ReadonlySet<unknown> = new Set([50, 262]);
/** Came before anything was sent: no server was found, no connection was free. */
const UNSENT = /ServerSelection|WaitQueue|PoolCleared(?!OnNetwork)|PoolClosed|Topology|NotConnected/;

export function mongodbErrorOf(error: unknown, part: string): CacheError {
  if (!(error instanceof MongoError)) return asCacheError(error, part, 'unknown');
  const told = (code: ConstructorParameters<typeof CacheError>[0]) =>
    new CacheError(code, part, error.message, { cause: error });
  if (UNSENT.test(error.name)) return told('down');
  if (error instanceof MongoNetworkError) {
    if (isOfConnecting(error.cause)) return told('down');
    return told(error instanceof MongoNetworkTimeoutError ? 'timeout' : 'unknown');
  }
  // What ended a batch before its end stands in the place of the server's answer.
  if (error instanceof MongoBulkWriteError && error.errorResponse instanceof MongoNetworkError) {
    return mongodbErrorOf(error.errorResponse, part);
  }
  if (error instanceof MongoServerError) {
    if (AWAY.has(error.code)) return told('down');
    if (LATE.has(error.code)) return told('timeout');
    const refusal = error.code === DUPLICATE_KEY ? 'conflict' : 'invalid';
    return new CacheError('refused', part, error.message, { cause: error, refusal });
  }
  return told(error instanceof MongoInvalidArgumentError ? 'refused' : 'unknown');
}

function isOfConnecting(cause: unknown): boolean {
  return (
    cause instanceof Error && 'syscall' in cause && (cause.syscall === 'connect' || cause.syscall === 'getaddrinfo')
  );
}
