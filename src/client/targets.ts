// Paths and queries as they are sent.
import { ChorusError } from './errors.ts';

/** Path and query; what is undefined is left out. */
export function target(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** A time to live, or how long to wait. */
export function durationText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${ms}ms`;
}

/** URL libraries take `.` and `..` for steps in the path, also percent-encoded: such keys cannot be sent. */
export function encodedKey(key: string): string {
  if (key.isWellFormed() && key !== '' && key !== '.' && key !== '..') return encodeURIComponent(key);
  const message = `the key ${JSON.stringify(key)} cannot be sent: it is empty, '.', '..' or no valid Unicode`;
  throw new ChorusError({
    code: 'bad-key',
    message,
    status: undefined,
    outcome: 'not-applied',
    id: undefined,
    isRetryable: false,
  });
}
