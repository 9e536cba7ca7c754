// The command table: every command there is, by its type and by its number in the log.
import { createToken, revokeToken } from '../access/token-commands.ts';
import * as caches from './caches.ts';
import { barrier, checkpoint, evict, expire } from './chores.ts';
import { createCluster, heartbeat } from './cluster.ts';
import type { Command } from './command.ts';
import { deleteKey, put, touch } from './keys.ts';
import { restore, restored } from './restore.ts';
import { snapshotSaved, verified } from './snapshots.ts';
import type { CommandSpec } from './spec.ts';
import { deletePrefix, transaction } from './transactions.ts';
import { append, increment } from './values.ts';

type Table = { readonly [T in Command['type']]: CommandSpec<Extract<Command, { type: T }>> };

const table: Table = {
  put,
  delete: deleteKey,
  touch,
  increment,
  append,
  expire,
  barrier,
  checkpoint,
  'create-cluster': createCluster,
  heartbeat,
  transaction,
  'delete-prefix': deletePrefix,
  restore,
  restored,
  'cache-policy': caches.cachePolicy,
  'cache-put': caches.cachePut,
  'cache-fill': caches.cacheFill,
  'cache-hold': caches.cacheHold,
  'cache-lease': caches.cacheLease,
  'cache-invalidate': caches.cacheInvalidate,
  'cache-settle': caches.cacheSettle,
  'cache-drained': caches.cacheDrained,
  'cache-adopt': caches.cacheAdopt,
  'snapshot-saved': snapshotSaved,
  verified,
  evict,
  'create-token': createToken,
  'revoke-token': revokeToken,
};

/** The features that this program knows: it grows by one with each change that an older node could not apply. */
export const FEATURE_LEVEL = 7;

/** The feature level that the cluster must have reached before such a command may be appended. */
export function featureLevelOf(type: Command['type']): number {
  return specOf(type).featureLevel ?? 1;
}

export function specOf(type: Command['type']): CommandSpec<Command> {
  // Sound: a spec is only ever given commands of its own type.
  return table[type] as CommandSpec<Command>;
}

const byNumber: readonly (CommandSpec<Command> | undefined)[] = Object.values(table).reduce(
  (list: CommandSpec<Command>[], spec) => {
    list[spec.number] = spec as CommandSpec<Command>;
    return list;
  },
  [],
);

/** The spec of a command's number in the log; undefined if this program does not know it. */
export function specByNumber(number: number): CommandSpec<Command> | undefined {
  return byNumber[number];
}
