// A cache's policy: how long it keeps what, as its user writes it and as numbers.
import { CACHE_LIMITS } from '../base/limits.ts';
import { systemWorld } from '../base/system-world.ts';
import { type Codec, json } from './codec.ts';
import { type Duration, milliseconds } from './duration.ts';
import { type Observe, observeNothing } from './events.ts';
import type { CacheEntry } from './ports.ts';
import type { CacheWorld } from './world.ts';

export type PolicyOptions<Key, Value> = {
  /** How long a value is fresh. */
  readonly ttl: Duration;
  /** How long it is remembered that there is no such row. Left out: not at all. */
  readonly negativeTtl?: Duration;
  /** How long after its TTL a stale value may be served: while one caller loads it anew, and when that fails. Left out: never. */
  readonly grace?: Duration;
  /** How long the caller who loads anew waits before it is served the stale value too; until the load ends unless given. */
  readonly patience?: Duration;
  /** A hit in the last part of the TTL loads the value anew in the background: `0.2` = in the last fifth. Left out: never. */
  readonly refreshAhead?: number;
  /** Shortens each TTL by a random part of up to this: `0.1` = up to a tenth, so that what came together does not leave together. */
  readonly jitter?: number;
  /** Of one load; 5 s unless given. */
  readonly loadTimeout?: Duration;
  /** Before each key in the store: `user:`. */
  readonly prefix?: string;
  /** The key's text after the prefix; String(key) unless given. Different keys, different texts. */
  readonly textOf?: (key: Key) => string;
  /** By which the entry can be invalidated with others. Of an absent row the value is undefined. */
  readonly tags?: (key: Key, value: Value | undefined) => readonly string[];
  /** JSON unless given. */
  readonly codec?: Codec<Value>;
  readonly observe?: Observe;
  readonly world?: CacheWorld;
};

export type Policy<Key, Value> = {
  readonly ttlMs: number;
  readonly negativeTtlMs: number | undefined;
  readonly graceMs: number;
  readonly patienceMs: number;
  readonly refreshAheadMs: number;
  readonly loadTimeoutMs: number;
  readonly codec: Codec<Value>;
  readonly observe: Observe;
  readonly world: CacheWorld;
  textOf(key: Key): string;
  /** Undefined: that a row is absent is not kept. */
  entryOf(key: Key, value: Value | undefined): CacheEntry | undefined;
  /** That a row was removed is kept as long as a value would be. */
  removalOf(key: Key): CacheEntry;
};

export function policyOf<Key, Value>(options: PolicyOptions<Key, Value>): Policy<Key, Value> {
  const { prefix = '', textOf = String, tags = () => [], codec = json<Value>(), world = systemWorld } = options;
  const ms = (name: 'negativeTtl' | 'grace' | 'patience' | 'loadTimeout') => {
    const duration = options[name];
    return duration === undefined ? undefined : milliseconds(duration, name);
  };
  const ttlMs = milliseconds(options.ttl, 'ttl');
  const negativeTtlMs = ms('negativeTtl');
  const graceMs = ms('grace') ?? 0;
  return {
    ttlMs,
    negativeTtlMs,
    graceMs,
    patienceMs: ms('patience') ?? Number.POSITIVE_INFINITY,
    refreshAheadMs: ttlMs * (options.refreshAhead ?? 0),
    loadTimeoutMs: ms('loadTimeout') ?? CACHE_LIMITS.loadTimeoutMs,
    codec,
    observe: options.observe ?? observeNothing,
    world,
    textOf: (key) => prefix + textOf(key),
    entryOf(key, value) {
      if (value !== undefined) return entryFor(key, value, ttlMs);
      return negativeTtlMs === undefined ? undefined : entryFor(key, undefined, negativeTtlMs);
    },
    removalOf: (key) => entryFor(key, undefined, ttlMs),
  };

  function entryFor(key: Key, value: Value | undefined, wholeMs: number): CacheEntry {
    const shortened = options.jitter === undefined ? wholeMs : wholeMs * (1 - options.jitter * world.random());
    const freshUntilMs = world.clock.wallMs() + Math.max(1, Math.round(shortened));
    return {
      value: value === undefined ? undefined : codec.encode(value),
      freshUntilMs,
      // That a row is absent is never served stale: it may have come into being.
      expiresAtMs: value === undefined ? freshUntilMs : freshUntilMs + graceMs,
      tags: tags(key, value),
    };
  }
}
