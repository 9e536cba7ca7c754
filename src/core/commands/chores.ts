// The commands that nodes write for the cluster's sake: expire, evict, barrier, checkpoint. Each is harmless twice.
import { isExpendable } from '../cache-records.ts';
import { isExpired } from '../keyspace.ts';
import { VERDICTS, type Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import type { Barrier, Checkpoint, Evict, Expire } from './command.ts';
import { type CommandSpec, readAnyKey } from './spec.ts';

// expire, evict = key:bytes16 revision:varint
const written: Pick<CommandSpec<Expire | Evict>, 'version' | 'write'> = {
  version: 1,
  write(writer, command) {
    writer.bytes16(command.key);
    writer.varint(command.revision);
  },
};

export const expire: CommandSpec<Expire> = {
  ...written,
  number: 6,
  read: (reader) => ({ type: 'expire', key: readAnyKey(reader), revision: reader.varint() }),
  apply: remove,
};

export const evict: CommandSpec<Evict> = {
  ...written,
  number: 15,
  featureLevel: 6,
  read: (reader) => ({ type: 'evict', key: readAnyKey(reader), revision: reader.varint() }),
  apply: remove,
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

function remove(state: State, { type, key, revision }: Expire | Evict): Verdict {
  const entry = state.keyspace.get(key);
  // Written since the proposal, or gone.
  if (entry?.revision !== revision) return VERDICTS.stale;
  // A node whose estimate of log time ran ahead proposes to expire too early.
  const isDue = type === 'expire' ? isExpired(entry, state.time.now) : state.isOverfull;
  if (!isDue || (type === 'evict' && !isExpendable(state.keyspace, key))) return VERDICTS.stale;
  state.remove(type, key);
  return VERDICTS.deleted;
}
