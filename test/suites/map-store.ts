// An atomic store in a Map: the model for those with servers, and what the schedules of races are played on.
import type { AtomicStore, Stored } from '../../src/cache/ports.ts';

export type MapPlace = {
  /** A handle on the place. `before` is awaited before each access: there a schedule may stop it, or a fault happen. */
  open(before?: (access: 'read' | 'swap') => Promise<void>): AtomicStore;
  /** All keys are gone, as after the start of a server that keeps nothing. */
  clear(): void;
};

/** `nowMs` is this machine's clock unless given. */
export function mapPlace(nowMs: () => number = Date.now, name = 'map'): MapPlace {
  const kept = new Map<string, Stored & { readonly endsAtMs: number }>();
  let versions = 0;
  const live = (key: string) => {
    const found = kept.get(key);
    return found && found.endsAtMs > nowMs() ? found : undefined;
  };
  return {
    clear: () => kept.clear(),
    open: (before = async () => {}) => ({
      name,
      async read(keys) {
        await before('read');
        return keys.map(live);
      },
      async swap(key, expected, bytes, ttlMs) {
        await before('swap');
        if (live(key)?.version !== expected) return false;
        if (bytes === undefined) kept.delete(key);
        else kept.set(key, { bytes: Uint8Array.from(bytes), version: `${++versions}`, endsAtMs: nowMs() + ttlMs });
        return true;
      },
      async close() {},
    }),
  };
}
