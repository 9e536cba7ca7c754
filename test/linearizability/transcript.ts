// A finding of the checker in words: how far an order was found, and what could not come next.
import type { Finding } from './checker.ts';
import type { Operation } from './operation.ts';

export function findingText({ kind, key, placed, last, value, stuck }: Omit<Finding, 'text'>): string {
  const hidden = placed - last.length;
  return [
    kind === 'violation'
      ? `no order explains what was told of "${key}"`
      : `whether an order explains what was told of "${key}" was not found out`,
    ...(hidden > 0 ? [`  … ${hidden} before these`] : []),
    ...last.map((operation) => `  ${operationText(operation)}`),
    `then it is ${value === undefined ? 'absent' : `"${value}"`}, and next would come one of`,
    ...stuck.map((operation) => `  ${operationText(operation)}`),
  ].join('\n');
}

function operationText({ client, op, argument, expected, result, start, end, isKnown }: Operation): string {
  const words = [argument, expected === undefined ? undefined : `for "${expected}"`].filter(
    (word) => word !== undefined,
  );
  const told = isKnown ? `${result ?? (op === 'get' ? 'absent' : 'done')}` : 'unknown';
  return `${start}–${isKnown ? end : ''} ${client}: ${[op, ...words].join(' ')} → ${told}`;
}
