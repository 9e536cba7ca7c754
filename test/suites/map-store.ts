// An atomic store in a Map: the model for those with servers, and what the schedules of races are played on.
import type { AtomicStore, Stored } from '../../src/cache/ports.ts';

/** `nowMs` is this machine's clock unless given. `before` is awaited before each access: there a schedule may stop it. */
export function mapStore({
  nowMs = Date.now,
  before = async () => {},
}: {
  readonly nowMs?: () => number;
  readonly before?: (access: 'read' | 'swap') => Promise<void>;
} = {}): AtomicStore {
  const kept = new Map<string, Stored & { readonly endsAtMs: number }>();
  let versions = 0;
  const live = (key: string) => {
    const found = kept.get(key);
    return found && found.endsAtMs > nowMs() ? found : undefined;
  };
  return {
    name: 'map',
    async read(keys) {
      await before('read');
      return keys.map((key) => live(key));
    },
    async swap(key, expected, bytes, ttlMs) {
      await before('swap');
      if (live(key)?.version !== expected) return false;
      if (bytes === undefined) kept.delete(key);
      else kept.set(key, { bytes: Uint8Array.from(bytes), version: `${++versions}`, endsAtMs: nowMs() + ttlMs });
      return true;
    },
    async close() {},
  };
}
