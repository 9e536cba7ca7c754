// The logger: one past-tense event a line with fields; values and tokens never reach it.
import { type Logger, pino } from 'pino';

export type { Logger };

/** A pino logger writing JSON lines to standard output. `level` is one of pino's names. */
export function createLogger(level: string, fields: Readonly<Record<string, string>>): Logger {
  return pino({
    level,
    base: { ...fields },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['authorization', '*.authorization', 'token', '*.token', 'value', '*.value'],
  });
}
