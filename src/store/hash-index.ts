// From keys to records: extendible hashing, tables of one size that split in two when they fill, so that growing never takes long.
import { invariant } from '../base/assert.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';
import type { Records } from './records.ts';

/** Words of a table: slots are pairs of them, hash and unit; a unit of 0 is an empty slot. */
const TABLE_WORDS = 2 * 4096;
const MASK = TABLE_WORDS - 1;
const MAX_USED = (TABLE_WORDS / 2) * 0.75;
/** What waits for its tables (#placeWaiting): few, but where a restore adds and adds and nobody asks. */
const FIRST_WAITING_WORDS = 2 * 128;
const MAX_WAITING_WORDS = 2 * 2 ** 20;
/** By so many of its first bits a hash that waits is sorted. */
const SORTED_BITS = 10;
/** A directory of 2^24 tables; the slots are chosen by the hash's other bits. */
const MAX_DEPTH = 24;

/** Holds all hashes that begin with the same `depth` bits. */
type Table = { readonly slots: Int32Array; used: number; depth: number };

export class HashIndex {
  readonly #records: Records;
  readonly #key: HashKey;
  /** The tables by the first `#depth` bits of a hash; one that holds shorter beginnings stands here several times. */
  #directory: Table[];
  #depth = 1;
  readonly #scratch = new Int32Array(TABLE_WORDS);
  /** Hashes and units that are not in their tables yet. */
  #waiting = new Int32Array(FIRST_WAITING_WORDS);
  #waitingWords = 0;
  size = 0;

  /** Nothing deterministic may depend on the key of the hash: it differs from node to node. */
  constructor(records: Records, key: HashKey) {
    this.#records = records;
    this.#key = key;
    this.#directory = [newTable(1), newTable(1)];
  }

  hashOf(key: Uint8Array): number {
    return keyedHash(key, this.#key);
  }

  /** Of a record's key. */
  hashOfUnit(unit: number): number {
    return this.#records.keyedHash(unit, this.#key);
  }

  /** The unit of the key's record; 0 if there is none. */
  find(hash: number, key: Uint8Array): number {
    this.#placeWaiting();
    const { slots } = this.#table(hash);
    for (let at = homeOf(hash); ; at = (at + 2) & MASK) {
      const unit = slots[at + 1] as number;
      if (unit === 0 || (slots[at] === hash && this.#records.hasKey(unit, key))) return unit;
    }
  }

  /** Names the record of a key that has none. */
  add(hash: number, unit: number): void {
    if (this.#waitingWords === this.#waiting.length) this.#makeRoom();
    this.#waiting[this.#waitingWords++] = hash;
    this.#waiting[this.#waitingWords++] = unit;
    this.size++;
  }

  /** Names the new record of a key whose record was `old`. */
  replace(hash: number, old: number, unit: number): void {
    this.#placeWaiting();
    const { slots } = this.#table(hash);
    slots[slotOf(slots, hash, old) + 1] = unit;
  }

  remove(hash: number, unit: number): void {
    this.#placeWaiting();
    const table = this.#table(hash);
    closeGap(table.slots, slotOf(table.slots, hash, unit));
    table.used--;
    this.size--;
  }

  #makeRoom(): void {
    if (this.#waitingWords === MAX_WAITING_WORDS) {
      this.#placeWaiting();
      return;
    }
    const larger = new Int32Array(this.#waiting.length * 4);
    larger.set(this.#waiting);
    this.#waiting = larger;
  }

  /**
   * What comes one by one, as in a restore, waits until somebody asks or there is no more room. A great crowd goes to its
   * tables in their order: then a table is fetched from memory once for all that belong there, not once for each.
   */
  #placeWaiting(): void {
    if (this.#waitingWords === 0) return;
    const count = this.#waitingWords;
    const pairs = count > FIRST_WAITING_WORDS ? sortedPairs(this.#waiting.subarray(0, count)) : this.#waiting;
    for (let at = 0; at < count; at += 2) {
      const hash = pairs[at] as number;
      let table = this.#table(hash);
      while (table.used >= MAX_USED) {
        this.#split(hash);
        table = this.#table(hash);
      }
      place(table, hash, pairs[at + 1] as number);
    }
    this.#waitingWords = 0;
    if (count > FIRST_WAITING_WORDS) this.#waiting = new Int32Array(FIRST_WAITING_WORDS);
  }

  /**
   * Shows `count` records, or all there are, in the order of their tables from a place on, and answers the place to go on
   * from; 0 is the first one. Whoever goes round and round sees every record about once a round. The index must not change.
   */
  sweep(place: number, count: number, see: (unit: number) => void): number {
    this.#placeWaiting();
    let [number, slot] = [Math.floor(place / TABLE_WORDS), place % TABLE_WORDS];
    let left = Math.min(count, this.size);
    while (left > 0) {
      const { slots, depth } = this.#directory[number] as Table;
      for (; slot < TABLE_WORDS && left > 0; slot += 2) {
        const unit = slots[slot + 1] as number;
        if (unit === 0) continue;
        see(unit);
        left--;
      }
      if (slot < TABLE_WORDS) break;
      const span = 2 ** (this.#depth - depth);
      [number, slot] = [((Math.floor(number / span) + 1) * span) % this.#directory.length, 0];
    }
    return number * TABLE_WORDS + slot;
  }

  #table(hash: number): Table {
    return this.#directory[hash >>> (32 - this.#depth)] as Table;
  }

  /** Divides the table of this hash by the next bit. From the stored hashes: no key is looked at. */
  #split(hash: number): void {
    const old = this.#table(hash);
    const depth = old.depth + 1;
    invariant('M1', depth <= MAX_DEPTH, 'thousands of keys have hashes that begin alike');
    if (depth > this.#depth) {
      this.#directory = this.#directory.flatMap((table) => [table, table]);
      this.#depth++;
    }
    // The table is used again for the first half: nothing is thrown away.
    const right = newTable(depth);
    this.#scratch.set(old.slots);
    old.slots.fill(0);
    old.used = 0;
    old.depth = depth;
    for (let at = 0; at < TABLE_WORDS; at += 2) {
      const unit = this.#scratch[at + 1] as number;
      const moved = this.#scratch[at] as number;
      if (unit !== 0) place((moved >>> (32 - depth)) & 1 ? right : old, moved, unit);
    }
    const span = 2 ** (this.#depth - depth);
    const first = ((hash >>> (32 - depth)) | 1) * span;
    this.#directory.fill(right, first, first + span);
  }
}

/** Pairs of hash and unit in the order of the hashes' first bits: those of one table, or of a few, stand together. By counting. */
function sortedPairs(pairs: Int32Array): Int32Array {
  const places = new Int32Array(2 ** SORTED_BITS + 1);
  for (let at = 0; at < pairs.length; at += 2) {
    const behind = ((pairs[at] as number) >>> (32 - SORTED_BITS)) + 1;
    places[behind] = (places[behind] as number) + 2;
  }
  for (let at = 1; at < places.length; at++) places[at] = (places[at] as number) + (places[at - 1] as number);
  const sorted = new Int32Array(pairs.length);
  for (let at = 0; at < pairs.length; at += 2) {
    const hash = pairs[at] as number;
    const bits = hash >>> (32 - SORTED_BITS);
    const place = places[bits] as number;
    places[bits] = place + 2;
    sorted[place] = hash;
    sorted[place + 1] = pairs[at + 1] as number;
  }
  return sorted;
}

function newTable(depth: number): Table {
  return { slots: new Int32Array(TABLE_WORDS), used: 0, depth };
}

function place(table: Table, hash: number, unit: number): void {
  const { slots } = table;
  let at = homeOf(hash);
  while (slots[at + 1] !== 0) at = (at + 2) & MASK;
  slots[at] = hash;
  slots[at + 1] = unit;
  table.used++;
}

/** Where the record is named; it must be. */
function slotOf(slots: Int32Array, hash: number, unit: number): number {
  let at = homeOf(hash);
  while (slots[at + 1] !== unit) {
    invariant('M1', slots[at + 1] !== 0, 'a record is not where its hash says');
    at = (at + 2) & MASK;
  }
  return at;
}

// Whatever a probe could no longer reach across the gap moves into it (Knuth, The Art of Computer Programming 3, algorithm 6.4R).
function closeGap(slots: Int32Array, emptied: number): void {
  let gap = emptied;
  for (let at = (gap + 2) & MASK; slots[at + 1] !== 0; at = (at + 2) & MASK) {
    const home = homeOf(slots[at] as number);
    if (((at - home) & MASK) < ((at - gap) & MASK)) continue;
    slots[gap] = slots[at] as number;
    slots[gap + 1] = slots[at + 1] as number;
    gap = at;
  }
  slots[gap] = 0;
  slots[gap + 1] = 0;
}

/** The low bits choose the slot, for the first ones have chosen the table. */
function homeOf(hash: number): number {
  return (hash << 1) & MASK;
}
