// The judgement on a history: every answer agrees with the log, nothing was applied twice, and each register is linearizable.
import { isRemembered, isSuccess, type OutcomeCode } from '../../src/core/outcome.ts';
import { checkLinearizability } from '../linearizability/checker.ts';
import type { Operation } from '../linearizability/operation.ts';
import type { Fate, HistoryEntry, Kept } from './history.ts';

type Judgement = {
  /** `kind: sentence`, as the tally has them. */
  readonly faults: readonly { readonly kind: string; readonly fact: string }[];
  readonly operations: number;
  readonly registers: number;
  /** Requests whose answer left open what happened, and what the log says of them. */
  readonly unknown: { readonly applied: number; readonly rejected: number; readonly absent: number };
  /** Ids in the log. */
  readonly ids: number;
  /** Ids that came more than once in the log, of which only the first counted. */
  readonly repeated: number;
};

const ANSWERS: Readonly<Record<number, string>> = { 200: 'success', 201: 'created', 204: 'deleted' };

export function judge({ history, fates }: Kept): Judgement {
  const faults: { kind: string; fact: string }[] = [];
  const unknown = { applied: 0, rejected: 0, absent: 0 };
  for (const { id, applied, code } of fates.values()) {
    if (applied > 1) faults.push({ kind: 'doubled', fact: `${id} was applied ${applied} times (${code})` });
  }
  const operations: Operation[] = [];
  for (const entry of history) {
    const fate = fates.get(entry.id);
    const fact = entry.action === 'get' ? undefined : disagreement(entry, fate);
    if (fact !== undefined) faults.push(fact);
    if (entry.action !== 'get' && isOpen(entry)) unknown[wayOf(fate)] += 1;
    const operation = operationOf(entry, fate);
    if (operation !== undefined) operations.push(operation);
  }
  for (const finding of checkLinearizability(operations)) {
    faults.push({ kind: finding.kind === 'violation' ? 'not linearizable' : 'undecided', fact: finding.text });
  }
  const registers = new Set(operations.map(({ key }) => key)).size;
  const repeated = [...fates.values()].filter(({ repeats }) => repeats > 0).length;
  return { faults, operations: operations.length, registers, unknown, ids: fates.size, repeated };
}

/** What was answered is what the log says; what was said not to have happened did not. */
function disagreement(entry: HistoryEntry, fate: Fate | undefined): { kind: string; fact: string } | undefined {
  const what = `${entry.action} of ${entry.key} by ${entry.client} (${entry.id})`;
  const said = `answered ${entry.status} at revision ${entry.revision}`;
  if (entry.saysNotApplied && fate !== undefined && isSuccess(fate.code)) {
    return { kind: 'falsely denied', fact: `${what} was said not to be applied, and was: ${fate.code}` };
  }
  if (ANSWERS[entry.status] === undefined) return undefined;
  if (fate === undefined || !isSuccess(fate.code)) {
    return { kind: 'lost', fact: `${what} was ${said}, but the log says ${fate?.code ?? 'nothing of it'}` };
  }
  if (entry.action !== 'delete' && fate.revision !== entry.revision) {
    return { kind: 'different', fact: `${what} was ${said}, in the log it has ${fate.revision}` };
  }
  if ((entry.status === 201) !== (fate.code === 'created')) {
    return { kind: 'different', fact: `${what} was ${said}, in the log it is ${fate.code}` };
  }
  return undefined;
}

function isOpen({ status }: HistoryEntry): boolean {
  return status === 0 || status === 429 || status >= 500;
}

function wayOf(fate: Fate | undefined): 'applied' | 'rejected' | 'absent' {
  if (fate === undefined) return 'absent';
  return isSuccess(fate.code) ? 'applied' : 'rejected';
}

/**
 * As the checker knows it; undefined for what did not happen, or says nothing. A write whose answer is unknown has the outcome that
 * the log gives it, at a time of its own until the end of all times.
 */
function operationOf(entry: HistoryEntry, fate: Fate | undefined): Operation | undefined {
  const { client, key, action, argument, expected, start } = entry;
  const isKnown = true;
  const common = { client, key, op: action, argument, ...(expected === undefined ? {} : { expected }), start, isKnown };
  if (action === 'get') {
    if (entry.status === 200) return { ...common, result: entry.body, end: entry.end };
    return entry.status === 404 ? { ...common, result: undefined, end: entry.end } : undefined;
  }
  if (!isOpen(entry)) return { ...common, result: resultOf(action, codeOf(entry)), end: entry.end };
  if (fate === undefined || !isRemembered(fate.code)) return undefined;
  return { ...common, result: resultOf(action, fate.code), end: Number.POSITIVE_INFINITY };
}

function codeOf({ action, status }: HistoryEntry): OutcomeCode {
  if (status === 412) return 'condition-failed';
  if (status === 404) return 'not-found';
  if (action === 'delete') return 'deleted';
  return status === 201 ? 'created' : 'replaced';
}

function resultOf(action: HistoryEntry['action'], code: OutcomeCode): string {
  if (action === 'put') return code === 'created' ? 'created' : 'replaced';
  if (action === 'delete') return code === 'deleted' ? 'deleted' : 'absent';
  return isSuccess(code) ? 'ok' : 'rejected';
}
