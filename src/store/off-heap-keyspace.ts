// The keyspace outside the JavaScript heap: records in chunks, and three indexes of them: by hash, by key, by end of life.
import { beginsWith } from '../base/bytes.ts';
import { DigestSum, Hasher } from '../base/hash.ts';
import { keyOfRow, type Row, valueOfRow } from '../base/row.ts';
import {
  type BeforeChange,
  ENTRY_OVERHEAD_BYTES,
  type Entry,
  type EntryName,
  type Keyspace,
  logicalBytes,
} from '../core/keyspace.ts';
import type { OutcomeRows } from '../core/outcome-rows.ts';
import type { Place } from './blocks.ts';
import { HashIndex } from './hash-index.ts';
import type { HashKey } from './keyed-hash.ts';
import { OffHeapOutcomes } from './off-heap-outcomes.ts';
import { OrderedIndex } from './ordered-index.ts';
import { Records } from './records.ts';
import { Uses } from './uses.ts';

export class OffHeapKeyspace implements Keyspace {
  readonly digest = new DigestSum();
  beforeChange: BeforeChange | undefined;
  readonly #hasher = new Hasher();
  readonly #records = new Records();
  readonly #hashKey: HashKey;
  readonly #byHash: HashIndex;
  readonly #uses: Uses;
  readonly #byKey = new OrderedIndex();
  readonly #byExpiry = new OrderedIndex();
  readonly #keyPlace = new KeyPlace(this.#records);
  readonly #expiryPlace = new ExpiryPlace(this.#records);
  #bytes = 0;

  /** `seed`: an unguessable whole number from 0 to 2^53 − 1 (store/keyed-hash.ts). Nothing that this class answers depends on it. */
  constructor(seed: number) {
    this.#hashKey = { first: seed | 0, second: (seed / 2 ** 32) | 0 };
    this.#byHash = new HashIndex(this.#records, this.#hashKey);
    this.#uses = new Uses(this.#records, this.#byHash);
  }

  get keys(): number {
    return this.#byHash.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: Uint8Array): Entry | undefined {
    const unit = this.#byHash.find(this.#byHash.hashOf(key), key);
    return unit === 0 ? undefined : this.#records.entry(unit);
  }

  use(key: Uint8Array): Entry | undefined {
    const unit = this.#byHash.find(this.#byHash.hashOf(key), key);
    if (unit === 0) return undefined;
    this.#records.use(unit);
    return this.#records.entry(unit);
  }

  set(key: Uint8Array, entry: Entry): void {
    const hash = this.#byHash.hashOf(key);
    // Keys often come in their order, as those of a snapshot do: what is behind the last one need not be looked for.
    const isLast = this.#isBehindLast(key);
    const old = isLast ? 0 : this.#byHash.find(hash, key);
    this.beforeChange?.(key, old === 0 ? undefined : this.#records.entry(old), entry);
    if (old !== 0) this.#uncount(key, old);
    // Counted before anything is written: the value may be a view of what stood here.
    this.#bytes += logicalBytes(key, entry);
    if (old === 0) this.#create(hash, key, entry, isLast);
    else this.#change(hash, old, key, entry);
  }

  restore(row: Row): void {
    const { bytes, at, keyLength, valueLength, contentType, revision, expiresAt } = row;
    const keyEnd = at + keyLength;
    if (!this.#isBehindLast(bytes, at, keyEnd)) {
      this.set(keyOfRow(row), { value: valueOfRow(row), contentType, revision, expiresAt });
      return;
    }
    this.#bytes += keyLength + valueLength + contentType.length + ENTRY_OVERHEAD_BYTES;
    const unit = this.#records.addRow(row);
    this.#digestIt(unit);
    this.#byHash.add(this.#byHash.hashOfUnit(unit), unit);
    this.#byKey.append(unit);
    this.#schedule(unit);
    this.#uses.keysChanged();
  }

  delete(key: Uint8Array): boolean {
    const hash = this.#byHash.hashOf(key);
    const unit = this.#byHash.find(hash, key);
    if (unit === 0) return false;
    this.beforeChange?.(key, this.#records.entry(unit), undefined);
    this.#uncount(key, unit);
    this.#byHash.remove(hash, unit);
    this.#byKey.remove(this.#keyPlace.of(key));
    this.#unschedule(unit);
    this.#records.remove(unit);
    this.#uses.keysChanged();
    return true;
  }

  keysAfter(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Uint8Array[] {
    const found: Uint8Array[] = [];
    const isPast = after === undefined || Buffer.compare(after, prefix) < 0;
    const place = this.#keyPlace.of(isPast ? prefix : after);
    this.#byKey.walk(place, (unit) => {
      const key = this.#records.key(unit);
      if (found.length === limit || !beginsWith(key, prefix)) return false;
      if (isPast || place.compare(unit) > 0) found.push(key.slice());
      return true;
    });
    return found;
  }

  visit(after: Uint8Array | undefined, see: (key: Uint8Array, entry: Entry) => boolean): void {
    const place = after === undefined ? FIRST : this.#keyPlace.of(after);
    this.#byKey.walk(place, (unit) => {
      const isAfter = place === FIRST || place.compare(unit) > 0;
      return !isAfter || see(this.#records.key(unit), this.#records.entry(unit));
    });
  }

  expired(logTime: number, limit: number): EntryName[] {
    const found: EntryName[] = [];
    this.#byExpiry.walk(FIRST, (unit) => {
      if (found.length === limit || this.#records.expiresAt(unit) > logTime) return false;
      found.push(this.#nameOf(unit));
      return true;
    });
    return found;
  }

  leastUsed(limit: number, mayGo: (key: Uint8Array) => boolean): EntryName[] {
    return this.#uses.least(limit, mayGo).map((unit) => this.#nameOf(unit));
  }

  #nameOf(unit: number): EntryName {
    return { key: this.#records.key(unit).slice(), revision: this.#records.revision(unit) };
  }

  #isBehindLast(key: Uint8Array, from = 0, to: number = key.length): boolean {
    const last = this.#byKey.last;
    return last === 0 || this.#records.compareKey(last, key, from, to) < 0;
  }

  newOutcomeRows(): OutcomeRows {
    return new OffHeapOutcomes(this.#hashKey);
  }

  #create(hash: number, key: Uint8Array, entry: Entry, isLast: boolean): void {
    const unit = this.#records.add(key, entry);
    this.#digestIt(unit);
    this.#byHash.add(hash, unit);
    if (isLast) this.#byKey.append(unit);
    else this.#byKey.add(this.#keyPlace.of(key), unit);
    this.#schedule(unit);
    this.#uses.keysChanged();
  }

  #change(hash: number, old: number, key: Uint8Array, entry: Entry): void {
    const expiresAt = this.#records.expiresAt(old);
    if (expiresAt !== entry.expiresAt) this.#unschedule(old);
    if (this.#records.rewrite(old, key, entry)) {
      this.#digestIt(old);
      if (expiresAt !== entry.expiresAt) this.#schedule(old);
      return;
    }
    if (expiresAt === entry.expiresAt) this.#unschedule(old);
    const unit = this.#records.add(key, entry);
    this.#digestIt(unit);
    this.#byHash.replace(hash, old, unit);
    this.#byKey.replace(this.#keyPlace.of(key), unit);
    this.#records.remove(old);
    this.#schedule(unit);
  }

  #uncount(key: Uint8Array, unit: number): void {
    const entry = this.#records.entry(unit);
    this.#bytes -= logicalBytes(key, entry);
    this.digest.remove(this.#records.hash(this.#hasher, unit));
  }

  #digestIt(unit: number): void {
    this.digest.add(this.#records.hash(this.#hasher, unit));
  }

  #schedule(unit: number): void {
    const expiresAt = this.#records.expiresAt(unit);
    if (expiresAt !== 0) this.#byExpiry.add(this.#expiryPlace.of(expiresAt, unit), unit);
  }

  /** To be called while the record still says when it expires: the index asks it. */
  #unschedule(unit: number): void {
    const expiresAt = this.#records.expiresAt(unit);
    if (expiresAt !== 0) this.#byExpiry.remove(this.#expiryPlace.of(expiresAt, unit));
  }
}

/** Before everything. */
const FIRST: Place = { compare: () => 1 };

/** Among all keys, in byte order. */
class KeyPlace implements Place {
  readonly #records: Records;
  #key: Uint8Array = new Uint8Array(0);

  constructor(records: Records) {
    this.#records = records;
  }

  of(key: Uint8Array): this {
    this.#key = key;
    return this;
  }

  compare(unit: number): number {
    return this.#records.compareKey(unit, this.#key);
  }
}

/** Among all that expire, the earliest first; those of one millisecond by their units. */
class ExpiryPlace implements Place {
  readonly #records: Records;
  #expiresAt = 0;
  #unit = 0;

  constructor(records: Records) {
    this.#records = records;
  }

  of(expiresAt: number, unit: number): this {
    this.#expiresAt = expiresAt;
    this.#unit = unit;
    return this;
  }

  compare(unit: number): number {
    const difference = this.#records.expiresAt(unit) - this.#expiresAt;
    return difference === 0 ? unit - this.#unit : difference;
  }
}
