// The commands on one key's whole value: put, delete, touch.
import { holds } from '../condition.ts';
import type { Entry } from '../keyspace.ts';
import { VERDICTS, type Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import type { Delete, Put, Touch } from './command.ts';
import { type CommandSpec, readBrought, readTarget, readTtl, writeBrought, writeTarget } from './spec.ts';

// put = brought
export const put: CommandSpec<Put> = {
  number: 1,
  version: 1,
  write: writeBrought,
  read: (reader) => ({ type: 'put', ...readBrought(reader) }),
  apply(state, command) {
    const old = state.entry(command.key);
    if (!holds(command.condition, old?.revision)) return conditionFailed(old);
    const { value, contentType } = command;
    const entry = { value, contentType, revision: state.revision, expiresAt: state.expiry(command.ttlMs) };
    return store(state, command.key, old, entry);
  },
};

// delete = target
export const deleteKey: CommandSpec<Delete> = {
  number: 2,
  version: 1,
  write(writer, command) {
    writeTarget(writer, command);
  },
  read: (reader) => ({ type: 'delete', ...readTarget(reader) }),
  apply(state, command) {
    const old = state.entry(command.key);
    if (!holds(command.condition, old?.revision)) return conditionFailed(old);
    if (old === undefined) return VERDICTS['not-found'];
    state.remove('delete', command.key);
    return VERDICTS.deleted;
  },
};

// touch = target ttl:varint
export const touch: CommandSpec<Touch> = {
  number: 3,
  version: 1,
  write(writer, command) {
    writeTarget(writer, command);
    writer.varint(command.ttlMs);
  },
  read: (reader) => ({
    type: 'touch',
    ...readTarget(reader),
    ttlMs: readTtl(reader),
  }),
  apply(state, command) {
    const old = state.entry(command.key);
    if (!holds(command.condition, old?.revision)) return conditionFailed(old);
    if (old === undefined) return VERDICTS['not-found'];
    state.keep('touch', command.key, { ...old, revision: state.revision, expiresAt: state.expiry(command.ttlMs) });
    return VERDICTS.touched;
  },
};

/** The verdict that tells the client which revision it should have known. */
export function conditionFailed(entry: Entry | undefined): Verdict {
  return { code: 'condition-failed', detail: BigInt(entry?.revision ?? 0) };
}

/** Stores the entry if the limits allow it. `old` is what the key held, as apply sees it. */
export function store(state: State, key: Uint8Array, old: Entry | undefined, entry: Entry): Verdict {
  if (entry.value.length > state.rules.maxValueBytes) return VERDICTS['value-too-large'];
  if (!state.hasRoomFor(key, entry)) return VERDICTS['memory-full'];
  state.keep('put', key, entry);
  return old === undefined ? VERDICTS.created : VERDICTS.replaced;
}
