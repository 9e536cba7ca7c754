// The values that query parameters and headers carry: times, numbers, ids, consistency. Pure functions of text.
import { formatDuration, parseDuration } from '../base/quantities.ts';
import { CONSISTENCIES, type Consistency } from '../node/requests.ts';
import { Problem } from './problems.ts';
import { invalidParameter, type Query } from './queries.ts';

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** Milliseconds of a `ttl` or `timeout`: more than zero, at most `maxMs`. */
export function positiveDuration(field: string, text: string, maxMs: number): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) {
    throw invalidParameter(
      field,
      `"${field}" must be a whole number of seconds above zero, or one with a unit, such as 500ms, 30s, 5m, 2h, 1d.`,
    );
  }
  if (ms > maxMs) throw invalidParameter(field, `"${field}" is at most ${formatDuration(maxMs)}.`);
  return ms;
}

/** How long the request may wait; ms. */
export function timeoutOf(
  limits: { readonly defaultTimeoutMs: number; readonly maxTimeoutMs: number },
  query: Query,
  fallbackMs = limits.defaultTimeoutMs,
): number {
  const timeout = query.get('timeout');
  return timeout === undefined ? fallbackMs : positiveDuration('timeout', timeout, limits.maxTimeoutMs);
}

/** A signed decimal number of 64 bits. */
export function int64(field: string, text: string): bigint {
  const value = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value < MIN_INT64 || value > MAX_INT64) {
    throw invalidParameter(field, `"${field}" must be a whole number between -2^63 and 2^63 - 1.`);
  }
  return value;
}

export function consistencyOf(text: string): Consistency {
  const consistency = CONSISTENCIES.find((name) => name === text);
  if (consistency === undefined)
    throw invalidParameter('consistency', `"consistency" is one of ${CONSISTENCIES.join(', ')}.`);
  return consistency;
}

/** The revision in a `Chorus-Min-Revision` header. */
export function revisionToken(text: string): number {
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(revision)) {
    throw new Problem('invalid-header', {
      field: 'Chorus-Min-Revision',
      detail: 'Chorus-Min-Revision must be a revision: a whole number.',
    });
  }
  return revision;
}

/** A parameter that is true or false; absent it is false. */
export function flag(name: string, query: Query): boolean {
  const value = query.get(name);
  if (value === undefined || value === 'false') return false;
  if (value === '' || value === 'true') return true;
  throw invalidParameter(name, `"${name}" is true or false; its mere name means true.`);
}

/** The bytes that keys must begin with; none: all keys do. */
export function prefixOf(text: string, maxBytes: number): Buffer {
  const prefix = Buffer.from(text);
  if (prefix.length <= maxBytes) return prefix;
  throw invalidParameter('prefix', `"prefix" has ${prefix.length} bytes; keys have at most ${maxBytes}.`);
}

/** The id in an `Idempotency-Key` header: visible ASCII characters, taken as they are. */
export function idOf(text: string, maxLength: number): string {
  if (text.length > maxLength || !/^[\x21-\x7e]+$/.test(text)) {
    throw new Problem('invalid-header', {
      field: 'Idempotency-Key',
      detail: `Idempotency-Key must be 1 to ${maxLength} visible ASCII characters.`,
    });
  }
  return text;
}
