// An atomic store that keeps slots instead of their bytes: what `slotted` builds upon.
import type { AtomicStore, CallOptions, Stored, Version } from './ports.ts';
import { decodeSlot, encodeSlot, type Slot } from './slot.ts';
import type { CacheWorld } from './world.ts';

export type SlotStore = {
  readonly name: string;
  read(keys: readonly string[], options?: CallOptions): Promise<readonly (Found | undefined)[]>;
  /** As `read`; where the first key was absent, an empty slot was put there for `ttlMs` (unless that is gone again at once). */
  readOrPlant(keys: readonly string[], ttlMs: number, options?: CallOptions): Promise<readonly (Found | undefined)[]>;
  /** Only where the store is in this process. */
  peek?(key: string): Slot | undefined;
  swap(
    key: string,
    expected: Version | undefined,
    slot: Slot | undefined,
    ttlMs: number,
    options?: CallOptions,
  ): Promise<boolean>;
  close(): Promise<void>;
};
export type Found = { readonly slot: Slot; readonly version: Version };

/** `momentKey`: the one key that is read with every other, and seldom changes; it is decoded once. */
export function slotsOf(store: AtomicStore, momentKey: string, world: CacheWorld): SlotStore {
  let last: Found | undefined;
  const foundOf = (stored: Stored | undefined, key: string | undefined): Found | undefined => {
    if (stored === undefined) return undefined;
    if (key !== momentKey) return decoded(stored);
    if (last?.version !== stored.version) last = decoded(stored);
    return last;
  };
  const { readOrPlant = planting(store, world) } = store;
  return {
    name: store.name,
    read: async (keys, call) => (await store.read(keys, call)).map((one, at) => foundOf(one, keys[at])),
    readOrPlant: async (keys, ttlMs, call) =>
      (await readOrPlant(keys, ttlMs, call)).map((one, at) => foundOf(one, keys[at])),
    swap: (key, expected, slot, ttlMs, call) => store.swap(key, expected, slot && encodeSlot(slot), ttlMs, call),
    close: () => store.close(),
  };
}

function decoded({ bytes, version }: Stored): Found {
  return { slot: decodeSlot(bytes), version };
}

/** For stores that cannot do it in one call. */
function planting(store: AtomicStore, world: CacheWorld): NonNullable<AtomicStore['readOrPlant']> {
  return async (keys, ttlMs, call) => {
    const found = await store.read(keys, call);
    const [key = ''] = keys;
    if (found[0] !== undefined) return found;
    await store.swap(key, undefined, encodeSlot({ kind: 'empty', version: world.newId() }), ttlMs, call);
    return await store.read(keys, call);
  };
}
