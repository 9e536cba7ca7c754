// The whole contract of a CacheStore, built once upon compare-and-swap: notes, holds, tags and invalidation.
//
// Under each key lies a slot (slot.ts) with a version that is never used again. A note is that version; of an absent key it is
// the version of an empty slot that the one who looks puts there, in the same call where the store can. Whatever happens to the key changes its version, so a fill
// that shows an old note is refused: the lease of "Scaling Memcache at Facebook" (NSDI 2013), by compare-and-swap.
//
// Invalidations by tag are counted in one slot of the store, its moment. An entry carries the moment at which its load began,
// a tag's slot the moment of its last invalidation: an entry is valid unless one of its tags was invalidated later. A slot
// that the store has lost (evicted, restarted) always errs towards "invalid".
import { CACHE_LIMITS } from '../base/limits.ts';
import { systemWorld } from '../base/system-world.ts';
import { CacheError } from './errors.ts';
import type { AtomicStore, CacheEntry, CacheStore, CallOptions, Note } from './ports.ts';
import type { Hold, Moment, Slot, SlotState } from './slot.ts';
import { type Found, type SlotStore, slotsOf } from './slot-store.ts';
import type { CacheWorld } from './world.ts';

/** `prefix` stands before all keys, so that several caches may share one place. */
export type SlottedOptions = { readonly prefix?: string; readonly world?: CacheWorld };

/** A CacheStore of any store that can compare and swap bytes. */
export function slotted(store: AtomicStore, options: SlottedOptions = {}): CacheStore {
  return overSlots(slotsOf(store, momentKeyOf(options.prefix), options.world ?? systemWorld), options);
}

export function overSlots(store: SlotStore, { prefix = '', world = systemWorld }: SlottedOptions = {}): CacheStore {
  const now = () => world.clock.wallMs();
  const momentKey = momentKeyOf(prefix);
  const keyOfTag = (tag: string) => `${prefix}~tag:${tag}`;

  return {
    name: store.name,
    ...(store.peek && { peek: (name: string) => peeked(prefix + name) }),

    async get(name, call) {
      const key = prefix + name;
      for (let tries = 0; tries < CACHE_LIMITS.maxSwaps; tries++) {
        const [found, at] = await store.readOrPlant([key, momentKey], CACHE_LIMITS.noteMs, call);
        const moment = momentOf(at) ?? (await firstMoment(at, call));
        if (found === undefined || moment === undefined) continue;
        const { slot, version } = found;
        if (slot.kind === 'held') return HELD;
        const note = noteOf(version, moment);
        if (slot.kind !== 'entry' || !isCurrent(slot, moment)) return { entry: undefined, note };
        const isValid = slot.tags.length === 0 || (await areValid(slot, moment, call));
        return { entry: isValid ? entryOf(slot) : undefined, note };
      }
      throw tooMany();
    },

    async fill(name, entry, since, call) {
      const { version, moment } = readNote(since);
      if (entry.tags.length > 0) await plantTags(entry.tags, call);
      return await store.swap(prefix + name, version, slotOf(entry, moment), ttlOf(entry), call);
    },

    async hold(name, { forMs, ...call }) {
      const key = prefix + name;
      const mine: Hold = { id: world.newId(), untilMs: now() + forMs };
      return await retried(async () => {
        const [found, moment] = await readWithMoment(key, call);
        const others = holdsOf(found?.slot);
        const isSet = await setHolds(key, found, [...others, mine], others.length > 0, call);
        return isSet ? noteOf(mine.id, moment) : undefined;
      });
    },

    async put(name, entry, hold, call) {
      const key = prefix + name;
      const mine = hold === undefined ? undefined : readNote(hold);
      return await retried(async () => {
        const [found, moment] = await readWithMoment(key, call);
        const holds = holdsOf(found?.slot);
        const others = holds.filter(({ id }) => id !== mine?.version);
        const isMineGone = mine !== undefined && others.length === holds.length;
        const isSpoilt = isMineGone || (mine !== undefined && found?.slot.kind === 'held' && found.slot.isSpoilt);
        if (others.length > 0) return (await setHolds(key, found, others, true, call)) ? false : undefined;
        if (entry === undefined || isSpoilt) return (await remove(key, found, call)) ? false : undefined;
        await plantTags(entry.tags, call);
        const slot = slotOf(entry, mine?.moment ?? moment);
        return (await store.swap(key, found?.version, slot, ttlOf(entry), call)) ? true : undefined;
      });
    },

    async invalidate(what, call) {
      if ('keys' in what) await Promise.all(what.keys.map((name) => invalidateKey(prefix + name, call)));
      else if ('tags' in what) await invalidateTags(what.tags, call);
      else await changeMoment(() => ({ generation: world.newId(), sequence: 0 }), call);
    },

    close: () => store.close(),
  };

  /** The slot of a key, and the store's moment. */
  async function readWithMoment(key: string, call?: CallOptions): Promise<readonly [Found | undefined, Moment]> {
    const [found, at] = await store.read([key, momentKey], call);
    const moment = momentOf(at);
    if (moment !== undefined) return [found, moment];
    await firstMoment(at, call);
    return await readWithMoment(key, call);
  }

  /** One try: of all who find none one makes it, and the others read what that one made. Undefined: it must be read again. */
  async function firstMoment(at: Found | undefined, call?: CallOptions): Promise<undefined> {
    const first = fresh({ kind: 'moment', moment: { generation: world.newId(), sequence: 0 } });
    await store.swap(momentKey, at?.version, first, Number.POSITIVE_INFINITY, call);
  }

  function peeked(key: string): CacheEntry | undefined {
    const slot = store.peek?.(key);
    if (slot?.kind !== 'entry') return undefined;
    const at = store.peek?.(momentKey);
    if (at?.kind !== 'moment' || !isCurrent(slot, at.moment)) return undefined;
    const isValid = slot.tags.every((tag) => isBefore(store.peek?.(keyOfTag(tag)), slot));
    return isValid ? slot : undefined;
  }

  /** Neither expired nor older than the last invalidation of everything. */
  function isCurrent(slot: EntrySlot, moment: Moment): boolean {
    return slot.loaded.generation === moment.generation && slot.expiresAtMs > now();
  }

  async function areValid(slot: EntrySlot, moment: Moment, call?: CallOptions): Promise<boolean> {
    const tags = await store.read(slot.tags.map(keyOfTag), call);
    return slot.loaded.generation === moment.generation && tags.every((tag) => isBefore(tag?.slot, slot));
  }

  /** A tag without a slot would make its entries invalid. It begins as invalidated now: nobody knows what the lost slot said. */
  async function plantTags(tags: readonly string[], call?: CallOptions): Promise<void> {
    if (tags.length === 0) return;
    await retried(async () => {
      const found = await store.read([momentKey, ...tags.map(keyOfTag)], call);
      const at = found[0];
      if (at?.slot.kind !== 'moment') return true; // Nothing older is valid any more, with or without tags.
      const { moment } = at.slot;
      const isLost = (_tag: string, index: number) => {
        const slot = found[index + 1]?.slot;
        return slot?.kind !== 'moment' || slot.moment.generation !== moment.generation;
      };
      const lost = tags.filter(isLost);
      await Promise.all(lost.map((tag) => raiseTag(keyOfTag(tag), moment, call)));
      // An invalidation that came between may have been of a tag that was then lost: begin again with its moment.
      const [after] = lost.length === 0 ? [at] : await store.read([momentKey], call);
      return after?.version === at.version ? true : undefined;
    });
  }

  /** First the store's moment, then the tags': a load that begins in between is newer than the invalidation, and valid. */
  async function invalidateTags(tags: readonly string[], call?: CallOptions): Promise<void> {
    const next = (known: Moment | undefined) =>
      known === undefined
        ? { generation: world.newId(), sequence: 0 }
        : { generation: known.generation, sequence: known.sequence + 1 };
    const moment = await changeMoment(next, call);
    await Promise.all(tags.map((tag) => raiseTag(keyOfTag(tag), moment, call)));
  }

  async function raiseTag(key: string, moment: Moment, call?: CallOptions): Promise<void> {
    await retried(async () => {
      const [found] = await store.read([key], call);
      const known = found?.slot.kind === 'moment' ? found.slot.moment : undefined;
      if (known?.generation === moment.generation && known.sequence >= moment.sequence) return true;
      const slot = fresh({ kind: 'moment', moment });
      return (await store.swap(key, found?.version, slot, CACHE_LIMITS.tagMs, call)) || undefined;
    });
  }

  async function changeMoment(change: (known: Moment | undefined) => Moment, call?: CallOptions): Promise<Moment> {
    return await retried(async () => {
      const [found] = await store.read([momentKey], call);
      const moment = change(found?.slot.kind === 'moment' ? found.slot.moment : undefined);
      const slot = fresh({ kind: 'moment', moment });
      const isSet = await store.swap(momentKey, found?.version, slot, Number.POSITIVE_INFINITY, call);
      return isSet ? moment : undefined;
    });
  }

  async function invalidateKey(key: string, call?: CallOptions): Promise<void> {
    await retried(async () => {
      const [found] = await store.read([key], call);
      const holds = holdsOf(found?.slot);
      return (
        (holds.length > 0 ? await setHolds(key, found, holds, true, call) : await remove(key, found, call)) || undefined
      );
    });
  }

  function holdsOf(slot: Slot | undefined): readonly Hold[] {
    return slot?.kind === 'held' ? slot.holds.filter(({ untilMs }) => untilMs > now()) : [];
  }

  /** Readers leave the end of holds to the store's clock: the slot lives as long as the longest of them. */
  async function setHolds(
    key: string,
    found: Found | undefined,
    holds: readonly Hold[],
    isSpoilt: boolean,
    call?: CallOptions,
  ): Promise<boolean> {
    const untilMs = Math.max(...holds.map((hold) => hold.untilMs));
    const ttlMs = Math.max(1, untilMs - now());
    return await store.swap(key, found?.version, fresh({ kind: 'held', holds, isSpoilt }), ttlMs, call);
  }

  async function remove(key: string, found: Found | undefined, call?: CallOptions): Promise<boolean> {
    return found === undefined || (await store.swap(key, found.version, undefined, 0, call));
  }

  function slotOf(entry: CacheEntry, loaded: Moment): Slot {
    return fresh({ kind: 'entry', ...entry, loaded });
  }

  function fresh(state: SlotState): Slot {
    return { ...state, version: world.newId() };
  }

  function ttlOf(entry: CacheEntry): number {
    return Math.max(1, entry.expiresAtMs - now());
  }

  /** A lost swap says that another's succeeded; who loses so often in a row gives up. */
  async function retried<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < CACHE_LIMITS.maxSwaps; tries++) {
      const result = await attempt();
      if (result !== undefined) return result;
    }
    throw tooMany();
  }

  function tooMany(): CacheError {
    return new CacheError('full', store.name, 'too many write the same key at once');
  }
}

function momentKeyOf(prefix = ''): string {
  return `${prefix}~moment`;
}

type EntrySlot = Slot & { readonly kind: 'entry' };

/** No entry, and nothing may fill. */
const HELD = { entry: undefined, note: undefined } as const;

function momentOf(found: Found | undefined): Moment | undefined {
  return found?.slot.kind === 'moment' ? found.slot.moment : undefined;
}

/** The tag was last invalidated before the entry was loaded. A tag that the store has lost may have been invalidated since. */
function isBefore(tag: Slot | undefined, { loaded }: EntrySlot): boolean {
  if (tag?.kind !== 'moment') return false;
  return tag.moment.generation === loaded.generation && tag.moment.sequence <= loaded.sequence;
}

function entryOf({ value, freshUntilMs, expiresAtMs, tags }: EntrySlot): CacheEntry {
  return { value, freshUntilMs, expiresAtMs, tags };
}

/** `generation sequence version`; the version last, for of bytes that are no slot it may hold anything. */
function noteOf(version: string, { generation, sequence }: Moment): Note {
  return `${generation} ${sequence} ${version}`;
}

function readNote(note: Note): { readonly version: string; readonly moment: Moment } {
  const first = note.indexOf(' ');
  const second = note.indexOf(' ', first + 1);
  const moment = { generation: note.slice(0, first), sequence: Number(note.slice(first + 1, second)) };
  return { version: note.slice(second + 1), moment };
}
