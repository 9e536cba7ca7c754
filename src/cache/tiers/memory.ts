// The store in this process: the least recently used entries leave first when it is full.
//
// Other processes do not see it, nor it them: what another process writes stays unseen here until its time is over. Behind
// several processes give it a short `maxTtl` in its tier (tiers.ts). A hold that is evicted under pressure ends early: its put
// then invalidates, but a load in between may be seen until then.
import { LRUCache } from 'lru-cache';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { systemWorld } from '../../base/system-world.ts';
import type { CacheStore } from '../ports.ts';
import type { Slot } from '../slot.ts';
import type { SlotStore } from '../slot-store.ts';
import { overSlots } from '../slotted.ts';
import type { CacheWorld } from '../world.ts';

export type MemoryOptions = {
  /** For `Cache-Status`: `memory` unless given. */
  readonly name?: string;
  readonly maxEntries?: number;
  /** Of keys and values together, roughly. */
  readonly maxBytes?: number;
  readonly world?: CacheWorld;
};

export function memory(options: MemoryOptions = {}): CacheStore {
  return { ...overSlots(memorySlots(options), { world: options.world ?? systemWorld }), isLocal: true };
}

/** Objects weigh something too. */
const OVERHEAD_BYTES = 200;

function memorySlots({
  name = 'memory',
  maxEntries = CACHE_LIMITS.memoryEntries,
  maxBytes = CACHE_LIMITS.memoryBytes,
  world = systemWorld,
}: MemoryOptions): SlotStore {
  const slots = new LRUCache<string, Slot>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: (slot, key) => OVERHEAD_BYTES + 2 * key.length + valueBytes(slot),
    ttlResolution: 0,
    // The library takes a time of 0 for none.
    perf: { now: () => world.clock.monotonicMs() + 1 },
  });
  const found = (key: string) => {
    const slot = slots.get(key);
    return slot && { slot, version: slot.version };
  };
  return {
    name,
    peek: (key) => slots.get(key),
    read: async (keys) => keys.map(found),
    async readOrPlant(keys, ttlMs) {
      const [key] = keys;
      if (key !== undefined && !slots.has(key))
        slots.set(key, { kind: 'empty', version: world.newId() }, { ttl: ttlMs });
      return keys.map(found);
    },
    async swap(key, expected, slot, ttlMs) {
      if (slots.get(key)?.version !== expected) return false;
      if (slot === undefined) slots.delete(key);
      else slots.set(key, slot, { ttl: Number.isFinite(ttlMs) ? Math.ceil(ttlMs) : 0 });
      return true;
    },
    async close() {
      slots.clear();
    },
  };
}

function valueBytes(slot: Slot): number {
  return slot.kind === 'entry' ? (slot.value?.length ?? 0) : 0;
}
