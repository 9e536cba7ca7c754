// What the clients of a run did to the keys that they write one by one, as a history for the checker of linearizability.
import { isRemembered, type Outcome } from '../../src/core/outcome.ts';
import type { WriteResult } from '../../src/node/requests.ts';
import type { Operation } from '../linearizability/operation.ts';
import { type History, SINGLE_KEYS, type WriteRecord } from './clients.ts';
import type { Replay } from './replay.ts';

/** An eviction is one more deletion, and what is restored one more put, of which the log tells when it happened. */
export function operationsOf(history: History, truth: Replay, landedAt: readonly number[]): readonly Operation[] {
  const reads = history.reads.flatMap(({ client, key, consistency, value, startedAt, endedAt }): Operation[] => {
    if (consistency !== 'linearizable' || !SINGLE_KEYS.includes(key)) return [];
    const result = value === undefined ? undefined : textOf(value);
    return [{ client, key, op: 'get', result, start: startedAt, end: endedAt, isKnown: true }];
  });
  const evictions = truth.changes.flatMap(({ key, text, offset }): Operation[] => {
    if (text.split(' ')[1] !== 'evict' || !SINGLE_KEYS.includes(key)) return [];
    const at = landedAt[offset] ?? 0;
    return [{ client: 'duty', key, op: 'delete', result: 'deleted', start: at, end: at, isKnown: true }];
  });
  const restored = truth.restores.values.flatMap(({ key, value, offset }): Operation[] => {
    if (!SINGLE_KEYS.includes(key)) return [];
    const at = landedAt[offset] ?? 0;
    return [{ client: 'operator', key, op: 'put', argument: value, start: at, end: at, isKnown: true }];
  });
  return [...reads, ...evictions, ...restored, ...history.writes.flatMap(operationOfWrite)];
}

function operationOfWrite(write: WriteRecord): Operation[] {
  const { command, client, sends, endedAt, told } = write;
  if (!('key' in command) || (told === undefined && isCertainlyNot(write))) return [];
  const key = textOf(command.key);
  if (!SINGLE_KEYS.includes(key)) return [];
  const isKnown = told !== undefined;
  const common = { client, key, start: sends[0]?.at ?? 0, end: isKnown ? endedAt : 0, isKnown };
  switch (command.type) {
    case 'put': {
      const op = command.condition.noneMatch === 'any' ? 'create' : 'put';
      return [{ ...common, op, argument: textOf(command.value), result: op === 'put' ? told?.code : okOf(told) }];
    }
    case 'delete':
      return [{ ...common, op: 'delete', result: told?.code === 'deleted' ? 'deleted' : 'absent' }];
    case 'increment':
      return [{ ...common, op: 'increment', argument: String(command.by), result: String(told?.detail) }];
    default:
      throw new Error(`no client sends ${command.type} for ${key}`);
  }
}

// Each of its sends was answered, whether the client heard it or not, and each answer said that this one changed nothing.
function isCertainlyNot({ sends, results }: WriteRecord): boolean {
  const isNot = (result: WriteResult) =>
    result.kind === 'applied' ? !isRemembered(result.outcome.code) : !result.isUnknown;
  return results.length === sends.length && results.every(({ result }) => isNot(result));
}

function okOf(told: Outcome | undefined): string {
  return told?.code === 'created' ? 'ok' : 'rejected';
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
