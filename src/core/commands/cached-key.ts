// One key of a cache in apply: its entry, its holds, its lease, and what the source has yet to take.
//
// A fill shows the revision at which its load began, and is refused when anything happened since: the entry is newer, or the
// key's mark, or a tag, or the whole cache. Marks stay where keys are absent; a false hit only skips one fill.
import { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { CACHED_STATE_LIMITS } from '../../base/limits.ts';
import {
  changedAt,
  findCached,
  hasUnsaved,
  invalidatedAt,
  keyChangedAt,
  markOf,
  NOTHING,
  type RecordKind,
  readStored,
  readUnsaved,
  recordKey,
  type UnsavedNumber,
  unsavedNumber,
  writeStored,
  writeUnsaved,
  writeUnsavedNumber,
} from '../cache-records.ts';
import { type Entry, isExpired } from '../keyspace.ts';
import { isSuccess, VERDICTS, type Verdict } from '../outcome.ts';
import type { State } from '../state.ts';
import type { CacheContent, Settlement } from './cache-command.ts';
import { store } from './keys.ts';

/** Its id is the revision of the command that began it. */
type Hold = { readonly id: number; readonly end: number };

export class CachedKey {
  readonly #state: State;
  readonly #cache: string;
  readonly #key: Uint8Array;

  constructor(state: State, cache: string, key: Uint8Array) {
    this.#state = state;
    this.#cache = cache;
    this.#key = key;
  }

  get isUnsaved(): boolean {
    return hasUnsaved(this.#state.keyspace, this.#cache, this.#key);
  }

  /** Keeps what was loaded, unless it may be older than the source is. Ends its lease, but not that of a later load. */
  fill(since: number, content: CacheContent): Verdict {
    if ((this.#get('L')?.revision ?? 0) <= since) this.#delete('L');
    // Holds stand in the way until their record is gone, which raises the mark: what was noted during one never fills.
    if (this.isUnsaved || this.#holds().length > 0 || this.#isOutdated(content.tags, since)) return VERDICTS.stale;
    return this.#keep(content, this.#state.expiry(content.ttlMs));
  }

  /** The source has `content` already (undefined: the row is gone, or nobody knows). Keeps it only if no other write can have been there in between. */
  written(hold: number, content: CacheContent | undefined): Verdict {
    if (hold === 0 && this.isUnsaved) return VERDICTS.unsaved;
    const isOutdated = hold !== 0 && this.#isOutdated(content?.tags ?? [], hold);
    const isAlone = hold === 0 ? this.#holds().length === 0 : this.#endHold(hold);
    if (content !== undefined && isAlone && !isOutdated) {
      const verdict = this.#keep(content, this.#state.expiry(content.ttlMs));
      if (isSuccess(verdict.code)) return verdict;
    }
    this.drop();
    return content === undefined ? VERDICTS.done : VERDICTS['not-kept'];
  }

  /** The source has yet to take `content`. */
  writtenBehind(content: CacheContent, maxUnsaved: number): Verdict {
    // A write through that is under way would overwrite this one in the source.
    if (this.#holds().length > 0) return VERDICTS.held;
    const earlier = this.#get('D') ?? this.#get('F');
    const isFirst = earlier === undefined;
    const since = isFirst ? this.#state.time.now : readUnsaved(earlier).since;
    if (isFirst && this.#number.count >= maxUnsaved) return VERDICTS['too-many-unsaved'];
    const verdict = this.#keep(content, 0);
    if (!isSuccess(verdict.code)) return verdict;
    this.#count(isFirst ? 1 : 0);
    this.#delete('F');
    this.#set('D', writeUnsaved({ ttlMs: content.ttlMs, since, error: '' }));
    return verdict;
  }

  /** Somebody is about to write the source: until that ends nothing is served from here. */
  hold(ttlMs: number): Verdict {
    // A flush that its writer has given up may yet commit, over what is about to be written: first the fence must stand above it.
    if (this.isUnsaved || !this.#number.isDrained) return VERDICTS.unsaved;
    const holds = this.#holds();
    if (holds.length >= CACHED_STATE_LIMITS.maxHolds) return VERDICTS.held;
    this.#setHolds([...holds, { id: this.#state.revision, end: this.#state.time.now + ttlMs }]);
    this.drop();
    return VERDICTS.done;
  }

  /** For one loader in the cluster: refused to all others until it has filled, its time is up, or what it loads is worth nothing any more. */
  lease(since: number, ttlMs: number): Verdict {
    const cached = findCached(this.#state.keyspace, this.#cache, this.#key);
    if (cached !== undefined && (cached.isUnsaved || cached.revision > since)) return VERDICTS.stale;
    if (this.#holds().length > 0) return VERDICTS.held;
    const lease = this.#get('L');
    const isGood = lease !== undefined && lease.revision > changedAt(this.#state.keyspace, this.#cache, this.#key);
    if (isGood && !isExpired(lease, this.#state.time.now)) return VERDICTS.leased;
    this.#set('L', NOTHING, this.#state.expiry(ttlMs));
    return VERDICTS.done;
  }

  /** What became of the write with this revision; false: of another. */
  settle(how: Settlement, revision: number, error: string): boolean {
    const from = how === 'saved' || how === 'failed' ? 'D' : 'F';
    const record = this.#get(from);
    if (record?.revision !== revision) return false;
    const unsaved = readUnsaved(record);
    this.#delete(from);
    this.#count(how === 'failed' || how === 'retry' ? 0 : -1);
    if (how === 'failed') this.#set('F', writeUnsaved({ ...unsaved, error }));
    else if (how === 'retry') this.#set('D', writeUnsaved({ ...unsaved, error: '' }));
    else if (how === 'drop') this.drop();
    else this.#saved(unsaved.ttlMs);
    return true;
  }

  /** Nothing that is here, or on its way, may be served any more: but what the source has yet to take is. */
  drop(): void {
    this.#raiseMark();
    const key = this.#recordKey('E');
    if (!this.isUnsaved && this.#state.keyspace.get(key) !== undefined) this.#state.remove('delete', key);
  }

  // Its time to live counts from now. A row that is gone is for the source to say from now on.
  #saved(ttlMs: number): void {
    const entry = this.#get('E');
    const { revision } = this.#state;
    if (entry === undefined || readStored(entry).value === undefined) this.drop();
    else this.#state.keep('touch', this.#recordKey('E'), { ...entry, revision, expiresAt: this.#state.expiry(ttlMs) });
  }

  #isOutdated(tags: readonly string[], since: number): boolean {
    const { keyspace } = this.#state;
    const latest = [keyChangedAt(keyspace, this.#cache, this.#key), invalidatedAt(keyspace, this.#cache, tags)];
    return Math.max(...latest) > since;
  }

  #keep({ value, tags, contentType }: CacheContent, expiresAt: number): Verdict {
    const key = this.#recordKey('E');
    const { revision } = this.#state;
    const entry = { value: writeStored({ value, tags }), contentType, revision, expiresAt };
    return store(this.#state, key, this.#state.entry(key), entry);
  }

  /** False unless it was the only one, and has not ended by its time. */
  #endHold(id: number): boolean {
    const holds = this.#holds();
    const own = holds.find((hold) => hold.id === id);
    if (own !== undefined) this.#setHolds(holds.filter((hold) => hold !== own));
    return own !== undefined && holds.length === 1 && own.end > this.#state.time.now;
  }

  /** Those that ended by their time too, until all have: their writers may yet have reached the source. */
  #holds(): readonly Hold[] {
    const reader = new ByteReader(this.#get('H')?.value ?? NOTHING);
    const holds: Hold[] = [];
    while (reader.remaining > 0) holds.push({ id: reader.varint(), end: reader.varint() });
    return holds;
  }

  #setHolds(holds: readonly Hold[]): void {
    const writer = new ByteWriter(32);
    for (const { id, end } of holds) {
      writer.varint(id);
      writer.varint(end);
    }
    if (holds.length === 0) this.#delete('H');
    else this.#set('H', writer.take(), Math.max(...holds.map(({ end }) => end)));
  }

  #count(change: -1 | 0 | 1): void {
    const number = { count: this.#number.count + change, isDrained: false };
    this.#put(recordKey('N', this.#cache), writeUnsavedNumber(number));
  }

  get #number(): UnsavedNumber {
    return unsavedNumber(this.#state.keyspace, this.#cache);
  }

  #raiseMark(): void {
    const mark = markOf(this.#recordKey('E'));
    if (mark !== undefined) this.#put(mark, NOTHING);
  }

  #recordKey(kind: RecordKind): Uint8Array {
    return recordKey(kind, this.#cache, this.#key);
  }

  #get(kind: RecordKind): Entry | undefined {
    return this.#state.keyspace.get(this.#recordKey(kind));
  }

  #set(kind: RecordKind, value: Uint8Array, expiresAt = 0): void {
    this.#put(this.#recordKey(kind), value, expiresAt);
  }

  #put(key: Uint8Array, value: Uint8Array, expiresAt = 0): void {
    const { keyspace, revision } = this.#state;
    keyspace.set(key, { value, contentType: '', revision, expiresAt });
  }

  #delete(kind: RecordKind): void {
    this.#state.keyspace.delete(this.#recordKey(kind));
  }
}
