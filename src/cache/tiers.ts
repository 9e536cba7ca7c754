// Tiers: several stores as one, read from the nearest, filled upwards, written from the source's side.
//
// Why writes go from the source's side: a reader takes its note of L1, then reads L2. Were L1 invalidated before L2, it could
// note L1 after that, read the old value in L2, and fill L1 with it for good.
import { systemWorld } from '../base/system-world.ts';
import { type Observe, observeNothing } from './events.ts';
import type { CacheEntry, CacheStore, Invalidation, Looked, Note } from './ports.ts';
import { Tier, type TierHealth, type TierOptions, type Tried } from './tier.ts';
import type { CacheWorld } from './world.ts';

/** What one tier had to say of a read. Only tiers that were asked report. */
export type TierReport = {
  readonly name: string;
  readonly outcome: 'hit' | 'miss' | 'stale' | 'held' | 'skipped';
  /** Of a hit or a stale entry: negative once it is stale. */
  readonly ttlMs?: number;
  /** Why it was skipped: `breaker-open`, `timeout`, `down`, … */
  readonly detail?: string;
  /** It now keeps what was found further on. */
  readonly isStored?: boolean;
};

/** A fresh entry comes without a note, unless all tiers were asked. */
type TieredLooked = Looked & {
  /** The tier that had the entry. */
  readonly from: string | undefined;
  /** Nearest first. */
  readonly reports: readonly TierReport[];
};

/** A CacheStore that says more: the patterns build on it. None of its functions rejects because of a tier. */
export type TieredStore = CacheStore & {
  /** The name of the nearest tier. */
  readonly nearest: string;
  /** The nearest tier's, if it is in this process. */
  peek(key: string): CacheEntry | undefined;
  /** `isThorough`: asks all tiers, also beyond a hit, so that a fill may reach all of them. */
  look(key: string, isThorough?: 'thorough'): Promise<TieredLooked>;
  /** Which tiers kept it, nearest first. */
  fillEach(key: string, entry: CacheEntry, since: Note): Promise<readonly boolean[]>;
  health(): readonly TierHealth[];
};

export type TiersOptions = { readonly world?: CacheWorld; readonly observe?: Observe };

/** Nearest first: `tiers([memory(), redis({ url })])`. A store alone takes the usual timeout and breaker. */
export function tiers(
  chain: readonly (CacheStore | TierOptions)[],
  { world = systemWorld, observe = observeNothing }: TiersOptions = {},
): TieredStore {
  const all = chain.map((one) => new Tier('store' in one ? one : { store: one }, world, observe));
  const fromSource = all.toReversed();

  async function look(key: string, isThorough?: 'thorough'): Promise<TieredLooked> {
    const nowMs = world.clock.wallMs();
    const reports: TierReport[] = [];
    const notes: (Note | undefined)[] = [];
    let stale: { readonly entry: CacheEntry; readonly from: string } | undefined;
    for (const tier of all) {
      const tried = await tier.get(key);
      const report = reportOf(tier.name, tried, nowMs);
      const { entry, note } = 'value' in tried ? tried.value : { entry: undefined, note: undefined };
      if (entry && report.outcome === 'hit' && !isThorough) {
        const upper = notes.length === 0 ? reports : await filled(key, entry, notes, reports);
        upper.push(report);
        return { entry, note: undefined, from: tier.name, reports: upper };
      }
      if (entry && (stale === undefined || stale.entry.freshUntilMs < entry.freshUntilMs))
        stale = { entry, from: tier.name };
      notes.push(note);
      reports.push(report);
    }
    return { entry: stale?.entry, note: joined(notes), from: stale?.from, reports };
  }

  /** Nearer tiers that now keep what was found further on say so. */
  async function filled(
    key: string,
    entry: CacheEntry,
    notes: readonly (Note | undefined)[],
    reports: readonly TierReport[],
  ): Promise<TierReport[]> {
    const stored = await fillThose(key, entry, notes);
    return reports.map((one, at) => ({ ...one, isStored: stored[at] ?? false }));
  }

  async function fillThose(key: string, entry: CacheEntry, notes: readonly (Note | undefined)[]): Promise<boolean[]> {
    const fill = async (tier: Tier, note: Note | undefined) => {
      if (note === undefined) return false;
      const tried = await tier.fill(key, entry, note);
      const isKept = 'value' in tried && tried.value;
      if ('value' in tried && !isKept) observe({ kind: 'refused', key, tier: tier.name });
      return isKept;
    };
    return await Promise.all(all.slice(0, notes.length).map((tier, at) => fill(tier, notes[at])));
  }

  const fillEach = (key: string, entry: CacheEntry, since: Note) => fillThose(key, entry, separated(since, all.length));

  return {
    name: all.map(({ name }) => name).join('+'),
    nearest: all[0]?.name ?? '',
    peek: (key) => all[0]?.peek(key),
    look,
    get: (key) => look(key, 'thorough'),
    fillEach,
    fill: async (key, entry, since) => (await fillEach(key, entry, since)).includes(true),

    async hold(key, { forMs }) {
      const holds = await Promise.all(all.map((tier) => tier.hold(key, forMs)));
      return joined(holds.map((tried) => ('value' in tried ? tried.value : undefined))) ?? '';
    },

    async put(key, entry, hold) {
      const holds = hold === undefined ? undefined : separated(hold, all.length).toReversed();
      let isKept = false;
      for (const [at, tier] of fromSource.entries()) {
        const mine = holds?.[at];
        // A tier that could not be held may be back by now, and hold what a load found before the write.
        if (holds !== undefined && mine === undefined) await tier.invalidate({ keys: [key] });
        else isKept = isTrue(await tier.put(key, entry, mine)) || isKept;
      }
      return isKept;
    },

    async invalidate(what: Invalidation) {
      for (const tier of fromSource) await tier.invalidate(what);
    },

    health: () => all.map(({ health }) => health),

    async close() {
      await Promise.all(all.map((tier) => tier.close()));
    },
  };
}

/** The store itself if it is made of tiers, else a chain of this one. */
export function asTiers(store: CacheStore, options: TiersOptions): TieredStore {
  return isTiered(store) ? store : tiers([store], options);
}

function isTiered(store: CacheStore): store is TieredStore {
  return 'look' in store;
}

function reportOf(name: string, tried: Tried<Looked>, nowMs: number): TierReport {
  if ('error' in tried) {
    const { code, message } = tried.error;
    return { name, outcome: 'skipped', detail: message.endsWith('breaker-open') ? 'breaker-open' : code };
  }
  const { entry, note } = tried.value;
  if (entry === undefined) return { name, outcome: note === undefined ? 'held' : 'miss' };
  const ttlMs = entry.freshUntilMs - nowMs;
  return { name, outcome: ttlMs > 0 ? 'hit' : 'stale', ttlMs };
}

function isTrue(tried: Tried<boolean>): boolean {
  return 'value' in tried && tried.value;
}

/** Undefined where no tier has a note: then nothing can be filled. */
function joined(notes: readonly (Note | undefined)[]): Note | undefined {
  if (notes.length === 1) return notes[0];
  return notes.some((note) => note !== undefined)
    ? notes.map((note) => encodeURIComponent(note ?? '')).join(',')
    : undefined;
}

function separated(notes: Note, tiers: number): readonly (Note | undefined)[] {
  if (tiers === 1) return [notes === '' ? undefined : notes];
  return notes.split(',').map((note) => (note === '' ? undefined : decodeURIComponent(note)));
}
