// Commands over many keys that the simulated clients send, and what must hold of every answer to them.
import type { TokenCommand } from '../../src/core/access/token-command.ts';
import type { ClientCommand, Command, Operation, Transaction } from '../../src/core/commands/command.ts';
import { ALWAYS, type Condition } from '../../src/core/condition.ts';
import type { Entry } from '../../src/core/keyspace.ts';
import type { OperationResult, Outcome } from '../../src/core/outcome.ts';
import type { Scheduler } from './scheduler.ts';

/** Two numbers whose sum is zero at every revision. */
export const ACCOUNTS = ['x1', 'x2'] as const;
const LOCK = 'lock';
const PREFIX = 'p/';
const UNDER_PREFIX = ['p/1', 'p/2', 'p/3', 'p/4', 'p/5'];
/** Keys that these commands write and that are read one by one too. */
export const LEDGER_KEYS: readonly string[] = [...ACCOUNTS, LOCK, ...UNDER_PREFIX];
/** Entries that may have expired: touching them is what makes a transfer fail. */
const FLEETING = ['t1', 't2'] as const;
const ABSENT: Condition = { match: 'none', noneMatch: 'any' };

export function drawLedgerCommand(scheduler: Scheduler, value: Uint8Array): ClientCommand {
  const amount = BigInt(scheduler.between(1, 9));
  const [from, to] = [increment('x1', -amount), increment('x2', amount)];
  switch (scheduler.between(0, 6)) {
    case 0:
      return transaction([from, to]);
    case 1:
      return transaction([from, touch(FLEETING[0]), to]);
    case 2:
      return transaction([touch(FLEETING[0]), from, touch(FLEETING[1]), to]);
    case 3:
      return transaction(ACCOUNTS.map((account) => ({ type: 'get', key: bytesOf(account), condition: ALWAYS })));
    case 4:
      return toggle(value);
    case 5:
      return transaction([1, 2, 3].map(() => put(scheduler.pick(UNDER_PREFIX), value)));
    default:
      return { type: 'delete-prefix', prefix: bytesOf(PREFIX), limit: scheduler.between(1, 3) };
  }
}

/** What is wrong with the outcome of a command, whatever else happened. */
export function ledgerFaults(command: ClientCommand | TokenCommand, outcome: Outcome): readonly string[] {
  if (command.type !== 'transaction' || outcome.code !== 'done') return [];
  const { branch, operations } = outcome.transaction ?? { branch: undefined, operations: [] };
  const done = branch === 'else' ? command.elseDo : command.thenDo;
  if (branch === undefined || operations.length !== done.length)
    return ['a transaction was answered without its results'];
  const isAudit = !outcome.isRepeat && done.every(({ type }) => type === 'get');
  if (isAudit && sumOf(operations.map(({ entry }) => entry)) !== 0n) return ['a transaction read accounts that differ'];
  return command.compares.length > 0 ? toggleFaults(branch, operations) : [];
}

export function sumOf(entries: readonly (Entry | undefined)[]): bigint {
  return entries.reduce((sum, entry) => sum + BigInt(Buffer.from(entry?.value ?? []).toString('latin1') || '0'), 0n);
}

/** All of an outcome but what was read, as text. */
export function outcomeText({ code, revision, detail, transaction }: Outcome): string {
  const results = transaction?.operations.map((one) => `${one.code}@${one.revision}:${one.detail}`) ?? [];
  return [code, revision, detail, transaction?.branch, ...results].join(' ');
}

/** All keys that a command may change, of those that are known. */
export function keysOf(command: Command, known: Iterable<string>): readonly string[] {
  if ('key' in command) return [textOf(command.key)];
  if ('prefix' in command) return [...known].filter((key) => key.startsWith(textOf(command.prefix)));
  if (command.type === 'restore') return command.entries.map(({ key }) => textOf(key));
  return 'thenDo' in command ? [...command.thenDo, ...command.elseDo].map(({ key }) => textOf(key)) : [];
}

// Whoever finds the lock free makes it, whoever finds it taken takes it away: both are sure of what they found.
function toggle(value: Uint8Array): Transaction {
  return {
    ...transaction([put(LOCK, value)]),
    compares: [{ key: bytesOf(LOCK), condition: ABSENT, value: undefined }],
    elseDo: [
      { type: 'get', key: bytesOf(LOCK), condition: ALWAYS },
      { type: 'delete', key: bytesOf(LOCK), condition: ALWAYS },
    ],
  };
}

function toggleFaults(branch: 'then' | 'else', operations: readonly OperationResult[]): readonly string[] {
  const codes = operations.map(({ code }) => code).join(' ');
  const expected = branch === 'then' ? 'created' : 'done deleted';
  return codes === expected ? [] : [`the lock was toggled by "${branch}" with ${codes}`];
}

function transaction(thenDo: readonly Operation[]): Transaction {
  return { type: 'transaction', compares: [], thenDo, elseDo: [] };
}

function increment(key: string, by: bigint): Operation {
  return { type: 'increment', key: bytesOf(key), by, ttlMs: 0, condition: ALWAYS };
}

function touch(key: string): Operation {
  return { type: 'touch', key: bytesOf(key), ttlMs: 3000, condition: ALWAYS };
}

function put(key: string, value: Uint8Array): Operation {
  return { type: 'put', key: bytesOf(key), value, contentType: 't', ttlMs: 0, condition: ALWAYS };
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
