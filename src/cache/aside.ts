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

type AsideOptions<Key, Value> = CacheOptions<Key, Value> & { readonly sourceName?: string };

/** `sourceName` is said as `from` when an answer was loaded. */
export function cacheAside<Key, Value>(options: AsideOptions<Key, Value>): AsideCache<Key, Value> {
  const { get, look, ...others } = aside(options);
  const { world, loadTimeoutMs } = policyOf(options);
  const { sourceName = SOURCE } = options;
  const timed = (load: Load<Value>) => () =>
    within(loadTimeoutMs, sourceName, world.clock, ({ signal }) => load(signal));
  return {
    ...others,
    get: (key, load) => get(key, timed(load)),
    look: (key, load) => look(key, timed(load)),
  };
}

const SOURCE = 'source';

/** Ends in time by itself. */
type TimedLoad<Value> = () => Promise<Value | undefined>;

/** Cache-aside for loads that look after their own time. */
export type Aside<Key, Value> = Omit<AsideCache<Key, Value>, 'get' | 'look'> & {
  get(key: Key, load: TimedLoad<Value>): Promise<Value | undefined>;
  look(key: Key, load: TimedLoad<Value>): Promise<Answer<Value>>;
};

export function aside<Key, Value>(options: AsideOptions<Key, Value>): Aside<Key, Value> {
  const policy = policyOf(options);
  const { observe, world } = policy;
  const { sourceName = SOURCE } = options;
  const store = asTiers(options.store, { world, observe });
  const flights = new Flights<Loaded<Value>>();

  async function get(key: Key, load: TimedLoad<Value>): Promise<Value | undefined> {
    const text = policy.textOf(key);
    const kept = near(text);
    if (kept === undefined) return (await lookInTurn(key, text, load)).value;
    observe({ kind: 'answered', key: text, from: store.nearest, isStale: false, isFound: kept.value !== undefined });
    return kept.value;
  }

  async function look(key: Key, load: TimedLoad<Value>): Promise<Answer<Value>> {
    const text = policy.textOf(key);
    const kept = near(text);
    if (kept === undefined) return await lookInTurn(key, text, load);
    const from = store.nearest;
    const reports = [{ name: from, outcome: 'hit', ttlMs: kept.freshUntilMs - world.clock.wallMs() }] as const;
    return answer(text, kept.value, from, false, reports, { tier: from, isCollapsed: false, failure: undefined });
  }

  /** What is fresh in this process needs no call, and waits for nothing. */
  function near(key: string): Kept<Value> | undefined {
    const entry = store.peek(key);
    if (entry === undefined || entry.freshUntilMs - world.clock.wallMs() <= policy.refreshAheadMs) return undefined;
    return decoded(key, entry);
  }

  function lookInTurn(key: Key, text: string, load: TimedLoad<Value>): Promise<Answer<Value>> {
    return flights.whileLooking(text, (since) => lookNow({ key, text, load, since }));
  }

  async function lookNow(asked: Asked<Key, Value>): Promise<Answer<Value>> {
    const { text } = asked;
    const { entry, note, from, reports } = await store.look(text);
    const kept = entry && decoded(text, entry);
    if (kept === undefined || from === undefined) {
      // A hit brings no notes; one that cannot be decoded is to be replaced.
      const shown = entry === undefined ? note : (await store.look(text, 'thorough')).note;
      return await loaded(asked, shown, reports);
    }
    const leftMs = kept.freshUntilMs - world.clock.wallMs();
    const served = { tier: from, isCollapsed: false, failure: undefined };
    if (leftMs > 0) {
      if (leftMs < policy.refreshAheadMs) refreshInBackground(asked);
      return answer(text, kept.value, from, false, reports, served);
    }
    return await stale(asked, kept.value, note, from, reports);
  }

  /** One caller loads anew, and is patient for a while; the others are served what there is. */
  async function stale(
    asked: Asked<Key, Value>,
    value: Value | undefined,
    note: Note | undefined,
    from: string,
    reports: readonly TierReport[],
  ): Promise<Answer<Value>> {
    const { text } = asked;
    const serve = (failure?: string) =>
      answer(text, value, from, true, reports, { tier: from, isCollapsed: false, failure });
    if (flights.has(text)) return serve();
    try {
      return await patiently(loaded(asked, note, reports));
    } catch (error) {
      return serve(error instanceof CacheError ? error.code : 'source-failed');
    }
  }

  async function patiently<T>(result: Promise<T>): Promise<T> {
    if (policy.patienceMs >= policy.loadTimeoutMs) return await result;
    return await within(policy.patienceMs, sourceName, world.clock, () => result);
  }

  function refreshInBackground(asked: Asked<Key, Value>): void {
    const { text } = asked;
    if (flights.has(text)) return;
    const refreshed = store
      .look(text, 'thorough')
      .then(({ note }) => fly({ ...asked, since: Number.POSITIVE_INFINITY }, note).result);
    refreshed.catch(() => {});
  }

  async function loaded(
    asked: Asked<Key, Value>,
    note: Note | undefined,
    reports: readonly TierReport[],
  ): Promise<Answer<Value>> {
    const { result, isShared } = fly(asked, note);
    const { value, stored } = await result;
    const all = reports.map((report, at) => ({ ...report, isStored: !isShared && (stored[at] ?? false) }));
    const served = { tier: undefined, isCollapsed: isShared, failure: undefined };
    return answer(asked.text, value, sourceName, false, all, served);
  }

  function fly({ key, text, load, since }: Asked<Key, Value>, note: Note | undefined) {
    const work = async () => {
      const value = await observed(text, load);
      const entry = note === undefined ? undefined : policy.entryOf(key, value);
      const stored = entry && note ? await store.fillEach(text, entry, note) : [];
      return { value, stored };
    };
    return flights.run(text, note, work, since);
  }

  async function observed(key: string, load: TimedLoad<Value>): Promise<Value | undefined> {
    const startMs = world.clock.monotonicMs();
    try {
      const value = await load();
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
    return new Told(value, from, isStale, reports, served);
  }

  return {
    look,
    get,
    async invalidate(what) {
      const named: Invalidation = 'keys' in what ? { keys: what.keys.map(policy.textOf) } : what;
      await store.invalidate(named);
    },
    health: () => store.health(),
    close: () => store.close(),
  };
}

/** Its status is put together for those who ask for it. */
class Told<Value> implements Answer<Value> {
  readonly value: Value | undefined;
  readonly from: string;
  readonly isStale: boolean;
  readonly #reports: readonly TierReport[];
  readonly #served: Served;

  constructor(
    value: Value | undefined,
    from: string,
    isStale: boolean,
    reports: readonly TierReport[],
    served: Served,
  ) {
    this.value = value;
    this.from = from;
    this.isStale = isStale;
    this.#reports = reports;
    this.#served = served;
  }

  get status(): string {
    return cacheStatus(this.#reports, this.#served);
  }
}

/** `text`: of the key in the store. `since`: see flights.ts. */
type Asked<Key, Value> = {
  readonly key: Key;
  readonly text: string;
  readonly load: TimedLoad<Value>;
  readonly since: number;
};
type Kept<Value> = { readonly value: Value | undefined; readonly freshUntilMs: number };
/** `stored`: which tiers kept it, nearest first. */
type Loaded<Value> = { readonly value: Value | undefined; readonly stored: readonly boolean[] };
