// Eviction: which entries the duty node proposes to remove while the state is above its limits. It only proposes; apply decides.
import { isExpendable } from '../core/cache-records.ts';
import type { Command } from '../core/commands/command.ts';
import { featureLevelOf } from '../core/commands/table.ts';
import type { State } from '../core/state.ts';

/** The state is above its limits, and the cluster knows how to come down again. */
export function isToEvict(state: State): boolean {
  const { limits } = state;
  if (limits === undefined || limits.eviction === 'none') return false;
  return state.isOverfull && limits.featureLevel >= featureLevelOf('evict');
}

/**
 * At most `limit` evictions, and only as many as bring the state down to its limits by its entries' mean size. What `lru`
 * takes for used is what this node saw: the reads that it served itself, and all commands in the log.
 */
export function dueEvictions(state: State, limit: number): Command[] {
  if (!isToEvict(state)) return [];
  const { keyspace, rules } = state;
  const surplusKeys = keyspace.keys - rules.maxKeys;
  const surplusBytes = keyspace.bytes - rules.maxMemoryBytes;
  const surplus = Math.max(surplusKeys, Math.ceil((surplusBytes * keyspace.keys) / keyspace.bytes));
  const wanted = Math.min(surplus, limit);
  const mayGo = (key: Uint8Array) => isExpendable(keyspace, key);
  const chosen =
    rules.eviction === 'lru'
      ? keyspace.leastUsed(wanted, mayGo)
      : keyspace.expired(Number.MAX_SAFE_INTEGER, limit).filter(({ key }) => mayGo(key));
  return chosen.slice(0, wanted).map(({ key, revision }) => ({ type: 'evict', key, revision }));
}
