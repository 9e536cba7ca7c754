// One store of a chain, guarded: each call has a timeout; a tier that fails is skipped, and mended before it is read again.
import { CACHE_LIMITS } from '../base/limits.ts';
import { Breaker } from './breaker.ts';
import { type TimedCall, within } from './deadline.ts';
import { type Duration, milliseconds } from './duration.ts';
import { asCacheError, CacheError } from './errors.ts';
import type { Observe } from './events.ts';
import { parts } from './parts.ts';
import type { CacheEntry, CacheStore, Invalidation, Looked, Note } from './ports.ts';
import type { CacheWorld } from './world.ts';

export type TierOptions = {
  readonly store: CacheStore;
  /** Of one call; 250 ms unless given. In-process stores need none. */
  readonly timeout?: Duration;
  /** Entries live here at most so long: for stores that invalidations of other processes do not reach. */
  readonly maxTtl?: Duration;
  /** Failures in a row until it is skipped; 1 unless given, so that a hung tier costs one caller one timeout. */
  readonly failures?: number;
  /**
   * What is done before a tier that was away is read again. `repair` (unless given): what this process wanted to invalidate
   * meanwhile is invalidated now. `clear`: everything in it is; for stores that may come back with an older state of
   * themselves (Redis from a file), at the price of a cold tier after each outage.
   */
  readonly onReturn?: 'repair' | 'clear';
};

export type TierHealth = {
  readonly name: string;
  readonly state: 'ok' | 'down';
  /** Why it is skipped. */
  readonly reason?: string;
  /** Invalidations that wait for its return. */
  readonly missed: number;
};

/** Of a store in this process it is called without options. */
type Call<T> = (options?: TimedCall) => Promise<T>;

export type Tried<T> = { readonly value: T } | { readonly error: CacheError };

const PROBE_KEY = '~probe';
const KEYS_PER_REPAIR = 100;

export class Tier {
  readonly name: string;
  readonly #store: CacheStore;
  readonly #options: TierOptions;
  readonly #timeoutMs: number;
  readonly #maxTtlMs: number;
  readonly #world: CacheWorld;
  readonly #observe: Observe;
  readonly #breaker: Breaker;
  #missed: Missed = nothingMissed();

  constructor(options: TierOptions, world: CacheWorld, observe: Observe) {
    this.name = options.store.name;
    this.#store = options.store;
    this.#options = options;
    this.#world = world;
    this.#observe = observe;
    this.#timeoutMs =
      options.timeout === undefined ? CACHE_LIMITS.storeTimeoutMs : milliseconds(options.timeout, 'timeout');
    this.#maxTtlMs = options.maxTtl === undefined ? Number.POSITIVE_INFINITY : milliseconds(options.maxTtl, 'maxTtl');
    this.#breaker = new Breaker({
      failures: options.failures ?? 1,
      probeMs: CACHE_LIMITS.probeMs,
      probeMaxMs: CACHE_LIMITS.probeMaxMs,
      probe: () => this.#return(),
      isMended: () => isNothing(this.#missed),
      changed: (reason) => observe({ kind: 'breaker', part: this.name, reason }),
      world,
    });
  }

  /** What a store in this process has of the key, at once; undefined: it may have more to say. */
  peek(key: string): CacheEntry | undefined {
    return this.#store.isLocal && !this.#breaker.isOpen ? this.#store.peek?.(key) : undefined;
  }

  get(key: string): Promise<Tried<Looked>> {
    return this.#try((call) => this.#store.get(key, call));
  }

  fill(key: string, entry: CacheEntry, since: Note): Promise<Tried<boolean>> {
    return this.#try((call) => this.#store.fill(key, this.#capped(entry), since, call));
  }

  /** A tier that cannot be told of the write has missed it: it will not be read before the key is invalidated. */
  hold(key: string, forMs: number): Promise<Tried<Note>> {
    return this.#change({ keys: [key] }, (call) =>
      this.#store.hold(key, call ? { forMs, signal: call.signal } : { forMs }),
    );
  }

  async put(key: string, entry: CacheEntry | undefined, hold: Note | undefined): Promise<Tried<boolean>> {
    const capped = entry && this.#capped(entry);
    const tried = await this.#change({ keys: [key] }, (call) => this.#store.put(key, capped, hold, call));
    // A value that it does not take (too large) must not leave the old one in its place.
    const isRefused = 'error' in tried && tried.error.code === 'refused' && entry !== undefined;
    return isRefused ? await this.put(key, undefined, hold) : tried;
  }

  invalidate(what: Invalidation): Promise<Tried<void>> {
    return this.#change(what, (call) => this.#store.invalidate(what, call));
  }

  get health(): TierHealth {
    const { reason } = this.#breaker;
    const missed = this.#missed.keys.size + this.#missed.tags.size + (this.#missed.all ? 1 : 0);
    return { name: this.name, state: reason ? 'down' : 'ok', ...(reason && { reason: reason.message }), missed };
  }

  async close(): Promise<void> {
    this.#breaker.stop();
    await this.#store.close();
  }

  async #change<T>(what: Invalidation, call: Call<T>): Promise<Tried<T>> {
    const tried = await this.#try(call);
    if ('value' in tried || tried.error.code === 'refused') return tried;
    remember(this.#missed, what);
    this.#breaker.open(tried.error);
    return tried;
  }

  async #try<T>(call: Call<T>): Promise<Tried<T>> {
    if (this.#breaker.reason) return { error: new CacheError('down', this.name, 'breaker-open') };
    try {
      const value = await this.#call(call);
      this.#breaker.succeeded();
      return { value };
    } catch (cause) {
      const error = asCacheError(cause, this.name, 'unknown');
      this.#observe({ kind: 'failed', part: this.name, error });
      this.#breaker.failed(error);
      return { error };
    }
  }

  #call<T>(call: Call<T>): Promise<T> {
    return this.#store.isLocal ? call() : within(this.#timeoutMs, this.name, this.#world.clock, call);
  }

  /** The probe: first what it missed, then a read. */
  async #return(): Promise<void> {
    const missed = this.#missed;
    this.#missed = nothingMissed();
    try {
      for (const what of repairs(missed, this.#options.onReturn ?? 'repair')) {
        await this.#call((call) => this.#store.invalidate(what, call));
      }
      await this.#call((call) => this.#store.get(PROBE_KEY, call));
    } catch (error) {
      for (const what of repairs(missed, 'repair')) remember(this.#missed, what);
      throw error;
    }
  }

  #capped(entry: CacheEntry): CacheEntry {
    const graceMs = entry.expiresAtMs - entry.freshUntilMs;
    const freshUntilMs = Math.min(entry.freshUntilMs, this.#world.clock.wallMs() + this.#maxTtlMs);
    return { ...entry, freshUntilMs, expiresAtMs: freshUntilMs + graceMs };
  }
}

type Missed = { readonly keys: Set<string>; readonly tags: Set<string>; all: boolean };

function nothingMissed(): Missed {
  return { keys: new Set(), tags: new Set(), all: false };
}

function isNothing({ keys, tags, all }: Missed): boolean {
  return keys.size === 0 && tags.size === 0 && !all;
}

function remember(missed: Missed, what: Invalidation): void {
  if ('keys' in what) for (const key of what.keys) missed.keys.add(key);
  else if ('tags' in what) for (const tag of what.tags) missed.tags.add(tag);
  else missed.all = true;
  if (missed.keys.size + missed.tags.size > CACHE_LIMITS.maxMissed) missed.all = true;
  if (!missed.all) return;
  missed.keys.clear();
  missed.tags.clear();
}

function repairs(missed: Missed, how: 'repair' | 'clear'): readonly Invalidation[] {
  if (missed.all || how === 'clear') return [{ all: true }];
  const byKeys = parts([...missed.keys], KEYS_PER_REPAIR).map((keys) => ({ keys }));
  return missed.tags.size > 0 ? [...byKeys, { tags: [...missed.tags] }] : byKeys;
}
