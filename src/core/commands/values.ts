// The commands that make a new value from the old one: increment, append.
import { holds } from '../condition.ts';
import type { Entry } from '../keyspace.ts';
import { isSuccess, VERDICTS, type Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import type { Append, Increment } from './command.ts';
import { conditionFailed, store } from './keys.ts';
import { type CommandSpec, readBrought, readTarget, readTtl, writeBrought, writeTarget } from './spec.ts';

const NUMBER_TYPE = 'text/plain; charset=utf-8';
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const MAX_DIGITS = 20;

// increment = target ttl:varint by:i64
export const increment: CommandSpec<Increment> = {
  number: 4,
  version: 1,
  write(writer, command) {
    writeTarget(writer, command);
    writer.varint(command.ttlMs);
    writer.i64(command.by);
  },
  read: (reader) => ({
    type: 'increment',
    ...readTarget(reader),
    ttlMs: readTtl(reader),
    by: reader.i64(),
  }),
  apply(state, command) {
    const old = state.entry(command.key);
    if (!holds(command.condition, old?.revision)) return conditionFailed(old);
    const before = old === undefined ? 0n : readInteger(old.value);
    if (before === undefined) return VERDICTS['not-an-integer'];
    const after = before + command.by;
    if (after > INT64_MAX || after < INT64_MIN) return VERDICTS.overflow;
    const value = Buffer.from(String(after), 'latin1');
    return change(state, command, old, { value, contentType: NUMBER_TYPE }, after);
  },
};

// append = brought
export const append: CommandSpec<Append> = {
  number: 5,
  version: 1,
  write: writeBrought,
  read: (reader) => ({ type: 'append', ...readBrought(reader) }),
  apply(state, command) {
    const old = state.entry(command.key);
    if (!holds(command.condition, old?.revision)) return conditionFailed(old);
    const value = old === undefined ? command.value : Buffer.concat([old.value, command.value]);
    return change(state, command, old, { value, contentType: command.contentType }, BigInt(value.length));
  },
};

// The new value keeps the old entry's content type and end of life; what the command says of them is for a key that it creates.
function change(
  state: State,
  command: Increment | Append,
  old: Entry | undefined,
  made: { value: Uint8Array; contentType: string },
  detail: bigint,
): Verdict {
  const contentType = old?.contentType ?? made.contentType;
  const expiresAt = old?.expiresAt ?? state.expiry(command.ttlMs);
  const entry = { value: made.value, contentType, revision: state.revision, expiresAt };
  const verdict = store(state, command.key, old, entry);
  return isSuccess(verdict.code) ? { code: 'done', detail } : verdict;
}

/** The value as an int64 in decimal digits without superfluous ones; undefined if it is none. */
function readInteger(value: Uint8Array): bigint | undefined {
  if (value.length === 0 || value.length > MAX_DIGITS) return undefined;
  const text = Buffer.from(value).toString('latin1');
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const number = BigInt(text);
  return number > INT64_MAX || number < INT64_MIN ? undefined : number;
}
