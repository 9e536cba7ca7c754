// What one key does: the state after an operation, if it could happen in that state with what its client was told.
import type { Operation } from './operation.ts';

/** The value of a key; undefined: there is none. */
export type Value = string | undefined;

/** The value afterwards, or `impossible`. An operation whose result is not known is never impossible, but may change nothing. */
export function step(value: Value, operation: Operation): { readonly value: Value } | 'impossible' {
  const { op, argument = '', expected, result, isKnown } = operation;
  const fits = (told: Value) => !isKnown || result === told;
  const exists = value !== undefined;
  switch (op) {
    case 'get':
      return fits(value) ? { value } : 'impossible';
    case 'put':
      return result === undefined || fits(exists ? 'replaced' : 'created') ? { value: argument } : 'impossible';
    case 'create':
      if (!fits(exists ? 'rejected' : 'ok')) return 'impossible';
      return { value: exists ? value : argument };
    case 'replace': {
      const isMatch = exists && value === expected;
      if (!fits(isMatch ? 'ok' : 'rejected')) return 'impossible';
      return { value: isMatch ? argument : value };
    }
    case 'delete':
      return fits(exists ? 'deleted' : 'absent') ? { value: undefined } : 'impossible';
    case 'increment': {
      if (exists && !/^-?\d+$/.test(value)) return isKnown ? 'impossible' : { value };
      const sum = String(BigInt(value ?? '0') + BigInt(argument));
      return fits(sum) ? { value: sum } : 'impossible';
    }
    case 'append': {
      const whole = (value ?? '') + argument;
      return fits(String(whole.length)) ? { value: whole } : 'impossible';
    }
  }
}
