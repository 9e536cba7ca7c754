// The commands over many keys: transaction, delete-prefix. Each is one command with one revision, done whole or not at all.

import { type ByteReader, type ByteWriter, Malformed } from '../../base/bytes.ts';
import { TRANSACTION_LIMITS } from '../../base/limits.ts';
import { clientKeysAfter } from '../cache-records.ts';
import { holds } from '../condition.ts';
import { copyOf } from '../journal.ts';
import { isExpired, logicalBytes } from '../keyspace.ts';
import { type Branch, isRemembered, isSuccess, type OperationResult, VERDICTS, type Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import type { Compare, DeletePrefix, Get, Operation, Transaction } from './command.ts';
import { conditionFailed, deleteKey, put, touch } from './keys.ts';
import { type CommandSpec, type Place, readTarget, writeTarget } from './spec.ts';
import { append, increment } from './values.ts';

const { maxItems, maxTouchedBytes, maxDeletedKeys, maxDeletedBytes } = TRANSACTION_LIMITS;

// transaction = compare{} operation{} operation{} (then, else); x{} = count:u16 x{count}
// compare     = target ( 0:u8 | 1:u8 value:bytes32 )
// operation   = number:u8 content; the contents belong to this version: a new one of any of them makes a new one of this
export const transaction: CommandSpec<Transaction> = {
  number: 11,
  version: 1,
  featureLevel: 2,
  write(writer, command) {
    writeList(writer, command.compares, writeCompare);
    writeList(writer, command.thenDo, writeOperation);
    writeList(writer, command.elseDo, writeOperation);
  },
  read: (reader) => ({
    type: 'transaction',
    compares: readList(reader, readCompare),
    thenDo: readList(reader, readOperation),
    elseDo: readList(reader, readOperation),
  }),
  apply(state, command, place) {
    const branch = command.compares.every((compare) => isTrue(state, compare)) ? 'then' : 'else';
    const operations = branch === 'then' ? command.thenDo : command.elseDo;
    return state.allOrNothing(() => perform(state, branch, operations, place));
  },
};

// delete-prefix = prefix:bytes16 limit:varint
export const deletePrefix: CommandSpec<DeletePrefix> = {
  number: 12,
  version: 1,
  featureLevel: 2,
  write(writer, command) {
    writer.bytes16(command.prefix);
    writer.varint(command.limit);
  },
  read(reader) {
    const command = { type: 'delete-prefix', prefix: reader.bytes16(), limit: reader.varint() } as const;
    if (command.limit < 1 || command.limit > maxDeletedKeys) throw new Malformed('a limit is out of bounds');
    return command;
  },
  apply(state, { prefix, limit }) {
    const keys = clientKeysAfter(state.keyspace, prefix, undefined, limit + 1);
    let seen = 0;
    let deleted = 0;
    let bytes = 0;
    for (const key of keys.slice(0, limit)) {
      const entry = state.keyspace.get(key);
      if (entry === undefined) continue;
      bytes += logicalBytes(key, entry);
      if (seen > 0 && bytes > maxDeletedBytes) break;
      seen++;
      const isPast = isExpired(entry, state.time.now);
      state.remove(isPast ? 'expire' : 'delete', key);
      if (!isPast) deleted++;
    }
    return { code: seen < keys.length ? 'deleted-in-part' : 'deleted', detail: BigInt(deleted) };
  },
};

// What a transaction alone can do: number 0, which no command has.
const get: CommandSpec<Get> = {
  number: 0,
  version: 1,
  write: writeTarget,
  read: (reader) => ({ type: 'get', ...readTarget(reader) }),
  apply(state, command) {
    const entry = state.entry(command.key);
    if (!holds(command.condition, entry?.revision)) return conditionFailed(entry);
    return entry === undefined ? VERDICTS['not-found'] : VERDICTS.done;
  },
};

const operationTable: { readonly [T in Operation['type']]: CommandSpec<Extract<Operation, { type: T }>> } = {
  get,
  put,
  delete: deleteKey,
  touch,
  increment,
  append,
};

function operationSpec(type: Operation['type']): CommandSpec<Operation> {
  // Sound: a spec is only ever given operations of its own type.
  return operationTable[type] as CommandSpec<Operation>;
}

function isTrue(state: State, { key, condition, value }: Compare): boolean {
  const entry = state.entry(key);
  if (!holds(condition, entry?.revision)) return false;
  return value === undefined || (entry !== undefined && Buffer.compare(entry.value, value) === 0);
}

function perform(state: State, branch: Branch, operations: readonly Operation[], place: Place): Verdict {
  const results: OperationResult[] = [];
  let touchedBytes = 0;
  for (const [at, operation] of operations.entries()) {
    touchedBytes += bytesTouched(state, operation);
    if (touchedBytes > maxTouchedBytes) return VERDICTS['transaction-too-large'];
    const result = performOne(state, operation, place);
    if (isRejected(operation, result)) return rejection(branch, at, result);
    results.push(result);
  }
  return { code: 'done', detail: 0n, transaction: { branch, operations: results } };
}

function performOne(state: State, operation: Operation, place: Place): OperationResult {
  const { code, detail } = operationSpec(operation.type).apply(state, operation, place);
  if (operation.type !== 'get') return { code, detail, revision: state.revision, entry: undefined };
  const entry = code === 'done' ? state.entry(operation.key) : undefined;
  return { code, detail, revision: entry?.revision ?? 0, entry: entry === undefined ? undefined : copyOf(entry) };
}

// That there is nothing to read is an answer; that there is nothing to delete or to touch is a rejection.
function isRejected(operation: Operation, { code }: OperationResult): boolean {
  return !isSuccess(code) && !(operation.type === 'get' && code === 'not-found');
}

// What says nothing of the operation itself, such as a full memory, says nothing of the transaction either.
function rejection(branch: Branch, at: number, result: OperationResult): Verdict {
  if (!isRemembered(result.code)) return VERDICTS[result.code];
  return { code: 'transaction-failed', detail: BigInt(at), transaction: { branch, operations: [result] } };
}

function bytesTouched(state: State, operation: Operation): number {
  const own = 'value' in operation ? operation.value.length : 0;
  return own + (state.keyspace.get(operation.key)?.value.length ?? 0);
}

function writeList<T>(writer: ByteWriter, list: readonly T[], write: (writer: ByteWriter, one: T) => void): void {
  writer.u16(list.length);
  for (const one of list) write(writer, one);
}

function readList<T>(reader: ByteReader, read: (reader: ByteReader) => T): readonly T[] {
  const count = reader.u16();
  if (count > maxItems) throw new Malformed('a list is too long');
  return Array.from({ length: count }, () => read(reader));
}

function writeCompare(writer: ByteWriter, compare: Compare): void {
  writeTarget(writer, compare);
  writer.u8(compare.value === undefined ? 0 : 1);
  if (compare.value !== undefined) writer.bytes32(compare.value);
}

function readCompare(reader: ByteReader): Compare {
  return { ...readTarget(reader), value: reader.flag() ? reader.bytes32() : undefined };
}

function writeOperation(writer: ByteWriter, operation: Operation): void {
  const spec = operationSpec(operation.type);
  writer.u8(spec.number);
  spec.write(writer, operation);
}

function readOperation(reader: ByteReader): Operation {
  const number = reader.u8();
  const spec = Object.values(operationTable).find((candidate) => candidate.number === number);
  if (spec === undefined) throw new Malformed('an operation is not known');
  return spec.read(reader, spec.version);
}
