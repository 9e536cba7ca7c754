// Cache-aside, the pattern under the others: look in the cache, else load, and keep what was loaded, if nothing was written since.
import { cacheStatus, type Served } from './cache-status.ts';
import { within } from './deadline.ts';
import { CacheError } from './errors.ts';
import { Flights } from './flights.ts';
import { type PolicyOptions, policyOf } from './policy.ts';
import type { CacheEntry, CacheStore, Invalidation, Note } from './ports.ts';
import type { TierHealth } from './tier.ts';
import { asTiers, type TierReport } from './tiers.ts';

export type Answer<Value> = {
  /** Undefined: there is no such row. */
  readonly value: Value | undefined;
  /** The tier that had it, or the source. */
  readonly from: string;
  readonly isStale: boolean;
  /** For the `Cache-Status` field (RFC 9211). */
  readonly status: string;
};

/** Gives the value from the database, undefined if it has none. */
export type Load<Value> = (signal: AbortSignal) => Promise<Value | undefined>;

export type KeysOf<Key> =
  | { readonly keys: readonly Key[] }
  | { readonly tags: readonly string[] }
  | { readonly all: true };

/** `store`: one, or several as `tiers([…])`. */
export type CacheOptions<Key, Value> = PolicyOptions<Key, Value> & { readonly store: CacheStore };

export type AsideCache<Key, Value> = {
  /** Rejects only as `load` does (or with `timeout`), and then only where no stale value may be served instead. */
  get(key: Key, load: Load<Value>): Promise<Value | undefined>;
  look(key: Key, load: Load<Value>): Promise<Answer<Value>>;
  /** To be called after the database was written. What is told to no tier is told to it before it is read again. */
  invalidate(what: KeysOf<Key>): Promise<void>;
  health(): readonly TierHealth[];
  close(): Promise<void>;
};

/** `sourceName` is said as `from` when an answer was loaded. */
export function cacheAside<Key, Value>(
  options: CacheOptions<Key, Value> & { readonly sourceName?: string },
): AsideCache<Key, Value> {
  const policy = policyOf(options);
  const { observe, world } = policy;
  const { sourceName = 'source' } = options;
  const store = asTiers(options.store, { world, observe });
  const flights = new Flights<Loaded<Value>>();

  function look(key: Key, load: Load<Value>): Promise<Answer<Value>> {
    return flights.whileLooking(policy.textOf(key), (since) => lookNow(key, load, since));
  }

  async function lookNow(key: Key, load: Load<Value>, since: number): Promise<Answer<Value>> {
    const text = policy.textOf(key);
    const { entry, note, from, reports } = await store.look(text);
    const kept = entry && decoded(text, entry);
    if (kept === undefined || from === undefined) {
      return await loaded(key, note, load, reports, since);
    }
    const leftMs = kept.freshUntilMs - world.clock.wallMs();
    const served = { tier: from, isCollapsed: false, failure: undefined };
    if (leftMs > 0) {
      if (leftMs < policy.refreshAheadMs) refreshInBackground(key, load);
      return answer(text, kept.value, from, false, reports, served);
    }
    return await stale(key, kept.value, note, load, from, reports, since);
  }

  /** One caller loads anew, and is patient for a while; the others are served what there is. */
  async function stale(
    key: Key,
    value: Value | undefined,
    note: Note | undefined,
    load: Load<Value>,
    from: string,
    reports: readonly TierReport[],
    since: number,
  ): Promise<Answer<Value>> {
    const text = policy.textOf(key);
    const serve = (failure?: string) =>
      answer(text, value, from, true, reports, { tier: from, isCollapsed: false, failure });
    if (flights.has(text)) return serve();
    try {
      return await patiently(loaded(key, note, load, reports, since));
    } catch (error) {
      return serve(error instanceof CacheError ? error.code : 'source-failed');
    }
  }

  async function patiently<T>(result: Promise<T>): Promise<T> {
    if (policy.patienceMs >= policy.loadTimeoutMs) return await result;
    return await within(policy.patienceMs, sourceName, world.clock, () => result);
  }

  function refreshInBackground(key: Key, load: Load<Value>): void {
    const text = policy.textOf(key);
    if (flights.has(text)) return;
    const refreshed = store
      .look(text, 'thorough')
      .then(({ note }) => fly(key, note, load, Number.POSITIVE_INFINITY).result);
    refreshed.catch(() => {});
  }

  async function loaded(
    key: Key,
    note: Note | undefined,
    load: Load<Value>,
    reports: readonly TierReport[],
    since: number,
  ): Promise<Answer<Value>> {
    const { result, isShared } = fly(key, note, load, since);
    const { value, stored } = await result;
    const all = reports.map((report, at) => ({ ...report, isStored: !isShared && (stored[at] ?? false) }));
    const served = { tier: undefined, isCollapsed: isShared, failure: undefined };
    return answer(policy.textOf(key), value, sourceName, false, all, served);
  }

  function fly(key: Key, note: Note | undefined, load: Load<Value>, since: number) {
    const work = async () => {
      const value = await timed(policy.textOf(key), load);
      const entry = note === undefined ? undefined : policy.entryOf(key, value);
      const stored = entry && note ? await store.fillEach(policy.textOf(key), entry, note) : [];
      return { value, stored };
    };
    return flights.run(policy.textOf(key), note, work, since);
  }

  async function timed(key: string, load: Load<Value>): Promise<Value | undefined> {
    const startMs = world.clock.monotonicMs();
    try {
      const value = await within(policy.loadTimeoutMs, sourceName, world.clock, load);
      observe({ kind: 'loaded', key, tookMs: world.clock.monotonicMs() - startMs });
      return value;
    } catch (error) {
      observe({ kind: 'loaded', key, tookMs: world.clock.monotonicMs() - startMs, error });
      throw error;
    }
  }

  function decoded(key: string, entry: CacheEntry): Kept<Value> | undefined {
    try {
      const value = entry.value === undefined ? undefined : policy.codec.decode(entry.value);
      return { value, freshUntilMs: entry.freshUntilMs };
    } catch (error) {
      observe({ kind: 'undecodable', key, error });
      return undefined;
    }
  }

  function answer(
    key: string,
    value: Value | undefined,
    from: string,
    isStale: boolean,
    reports: readonly TierReport[],
    served: Served,
  ): Answer<Value> {
    observe({ kind: 'answered', key, from, isStale, isFound: value !== undefined });
    return {
      value,
      from,
      isStale,
      get status() {
        return cacheStatus(reports, served);
      },
    };
  }

  return {
    look,
    get: async (key, load) => (await look(key, load)).value,
    async invalidate(what) {
      const named: Invalidation = 'keys' in what ? { keys: what.keys.map(policy.textOf) } : what;
      await store.invalidate(named);
    },
    health: () => store.health(),
    close: () => store.close(),
  };
}

type Kept<Value> = { readonly value: Value | undefined; readonly freshUntilMs: number };
/** `stored`: which tiers kept it, nearest first. */
type Loaded<Value> = { readonly value: Value | undefined; readonly stored: readonly boolean[] };
