// The commands that nodes write for the cluster's sake: expire, barrier, checkpoint. Each is harmless twice.
import { isExpired } from '../keyspace.ts';
import { VERDICTS } from '../outcome.ts';
import type { Barrier, Checkpoint, Expire } from './command.ts';
import { type CommandSpec, readAnyKey } from './spec.ts';

// expire = key:bytes16 revision:varint
export const expire: CommandSpec<Expire> = {
  number: 6,
  version: 1,
  write(writer, command) {
    writer.bytes16(command.key);
    writer.varint(command.revision);
  },
  read: (reader) => ({ type: 'expire', key: readAnyKey(reader), revision: reader.varint() }),
  apply(state, command) {
    const entry = state.keyspace.get(command.key);
    // A renewal since the proposal has another revision; a node whose estimate ran ahead proposes too early.
    if (entry?.revision !== command.revision || !isExpired(entry, state.time.now)) return VERDICTS.stale;
    state.remove('expire', command.key);
    return VERDICTS.deleted;
  },
};

// barrier =
export const barrier: CommandSpec<Barrier> = {
  number: 7,
  version: 1,
  write() {},
  read: () => ({ type: 'barrier' }),
  apply: () => VERDICTS.done,
};

// checkpoint =
export const checkpoint: CommandSpec<Checkpoint> = {
  number: 8,
  version: 1,
  write() {},
  read: () => ({ type: 'checkpoint' }),
  apply: () => VERDICTS.done,
};
