// An atomic store in a Map: the model for those with servers, and what the schedules of races are played on.
import type { AtomicStore, Stored } from '../../src/cache/ports.ts';

type Before = (access: 'read' | 'swap') => Promise<void>;

type MapPlace = {
  /** A handle on the place. `before` is awaited before each access: there a schedule may stop it, or a fault happen. */
  open(before?: Before): AtomicStore;
  /** The same, where reading and planting is one access. */
  openPlanting(before?: Before): AtomicStore;
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
  const keep = (key: string, bytes: Uint8Array, ttlMs: number) =>
    kept.set(key, { bytes: Uint8Array.from(bytes), version: `${++versions}`, endsAtMs: nowMs() + ttlMs });
  const open = (before: Before = async () => {}): AtomicStore => ({
    name,
    async read(keys) {
      await before('read');
      return keys.map(live);
    },
    async swap(key, expected, bytes, ttlMs) {
      await before('swap');
      if (live(key)?.version !== expected) return false;
      if (bytes === undefined) kept.delete(key);
      else keep(key, bytes, ttlMs);
      return true;
    },
    async close() {},
  });
  return {
    clear: () => kept.clear(),
    open,
    openPlanting: (before = async () => {}) => ({
      ...open(before),
      async readOrPlant(keys, ttlMs) {
        await before('read');
        const [key] = keys;
        if (key !== undefined && live(key) === undefined) keep(key, new Uint8Array(), ttlMs);
        return keys.map(live);
      },
    }),
  };
}
