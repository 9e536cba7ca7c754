// Prefixes of keys that are put and deleted under a condition only (428, RFC 6585 §3): nobody overwrites there what he has not seen.
import { beginsWith } from '../base/bytes.ts';
import type { ClientCommand, Operation, Transaction } from '../core/commands/command.ts';
import { Problem } from './problems.ts';

/** Throws when a command would put or delete a key with such a prefix, whatever is there. */
export function checkConditional(prefixes: readonly Buffer[], command: ClientCommand): void {
  if (prefixes.length === 0 || !isBlind(prefixes, command)) return;
  const what = command.type === 'delete-prefix' ? 'A key that is deleted' : 'A key that is put or deleted';
  throw new Problem('condition-required', {
    detail: `${what} here needs a condition: If-Match, If-None-Match, "ifRevision", or a compare of the transaction.`,
  });
}

function isBlind(prefixes: readonly Buffer[], command: ClientCommand): boolean {
  switch (command.type) {
    case 'put':
    case 'delete':
      return isBlindOperation(prefixes, command);
    case 'delete-prefix':
      return prefixes.some((prefix) => beginsWith(prefix, command.prefix) || beginsWith(command.prefix, prefix));
    case 'transaction':
      return [...command.thenDo, ...command.elseDo].some(
        (operation) => isBlindOperation(prefixes, operation) && !isCompared(command, operation),
      );
    default:
      return false;
  }
}

function isBlindOperation(prefixes: readonly Buffer[], { type, key, condition }: Operation): boolean {
  if (type !== 'put' && type !== 'delete') return false;
  if (condition.match !== 'none' || condition.noneMatch !== 'none') return false;
  return prefixes.some((prefix) => beginsWith(key, prefix));
}

function isCompared({ compares }: Transaction, { key }: Operation): boolean {
  return compares.some((compare) => Buffer.compare(compare.key, key) === 0);
}
