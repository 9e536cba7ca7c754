// Durations as users of the library write them: `500ms`, `30s`, `5m`, `1h`, `7d`.
import { parseDuration } from '../base/quantities.ts';

export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** Throws a TypeError that names the setting when it is none; possible only where the types were evaded. */
export function milliseconds(duration: Duration, setting: string): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new TypeError(`${setting} is not a duration such as "30s" or "1h": ${duration}`);
  return ms;
}
