// Read-through: the cache knows its source, and callers know only the cache.
import { systemWorld } from '../base/system-world.ts';
import { type Answer, type AsideCache, aside, type CacheOptions } from './aside.ts';
import { observeNothing } from './events.ts';
import { type GuardedSource, guardedSource, type SourceHealth } from './guarded-source.ts';
import { policyOf } from './policy.ts';
import type { CacheSource } from './ports.ts';
import type { TierHealth } from './tier.ts';

export type ReadThroughOptions<Key, Value> = CacheOptions<Key, Value> & { readonly source: CacheSource<Key, Value> };

export type CacheHealth = {
  /** `degraded` while a tier or the source is skipped. */
  readonly status: 'ok' | 'degraded';
  readonly tiers: readonly TierHealth[];
  readonly source: SourceHealth;
};

export type Cache<Key, Value> = {
  /** Undefined: there is no such row. Rejects with CacheError only where the source fails and no stale value may be served. */
  get(key: Key): Promise<Value | undefined>;
  /** The value, where it came from, and the `Cache-Status` of the answer. */
  look(key: Key): Promise<Answer<Value>>;
  invalidate: AsideCache<Key, Value>['invalidate'];
  health(): CacheHealth;
  /** Closes the stores and the source too. */
  close(): Promise<void>;
};

export function readThrough<Key, Value>(options: ReadThroughOptions<Key, Value>): Cache<Key, Value> {
  return readThroughGuarded(options, guardOf(options));
}

/** For patterns that make calls of their own to the same source. */
export function guardOf<Key, Value>(options: ReadThroughOptions<Key, Value>): GuardedSource {
  return guardedSource(options.source, options.world ?? systemWorld, options.observe ?? observeNothing);
}

export function readThroughGuarded<Key, Value>(
  options: ReadThroughOptions<Key, Value>,
  guarded: GuardedSource,
): Cache<Key, Value> {
  const { source } = options;
  const { loadTimeoutMs } = policyOf(options);
  const cache = aside<Key, Value>({ ...options, sourceName: source.name });
  const load = (key: Key) => () => guarded.call(loadTimeoutMs, (call) => source.load(key, call));
  return {
    get: (key) => cache.get(key, load(key)),
    look: (key) => cache.look(key, load(key)),
    invalidate: (what) => cache.invalidate(what),
    health() {
      const tiers = cache.health();
      const health = guarded.health();
      const isOk = health.state === 'ok' && tiers.every(({ state }) => state === 'ok');
      return { status: isOk ? 'ok' : 'degraded', tiers, source: health };
    },
    async close() {
      await Promise.all([cache.close(), guarded.close()]);
    },
  };
}
