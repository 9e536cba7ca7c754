// From keys to records: 256 segments chosen by the hash's top bits, each an open-addressed table that grows by itself alone.
import { invariant } from '../base/assert.ts';
import { type HashKey, keyedHash } from './keyed-hash.ts';
import type { Records } from './records.ts';

const SEGMENTS_LOG2 = 8;
const FIRST_SLOTS = 8;
const MAX_LOAD = 0.75;
/** Below this a table is halved: far from the load after growing, so that nothing swings between the two. */
const MIN_LOAD = 0.125;

/** Slots are pairs of words: hash, unit; a unit of 0 is an empty slot. Their number is a power of two. */
type Segment = { slots: Int32Array; used: number };

export class HashIndex {
  readonly #records: Records;
  readonly #key: HashKey;
  readonly #segments: readonly Segment[];
  size = 0;

  /** Nothing deterministic may depend on the key of the hash: it differs from node to node. */
  constructor(records: Records, key: HashKey) {
    this.#records = records;
    this.#key = key;
    this.#segments = Array.from({ length: 2 ** SEGMENTS_LOG2 }, () => ({ slots: newSlots(FIRST_SLOTS), used: 0 }));
  }

  hashOf(key: Uint8Array): number {
    return keyedHash(key, this.#key);
  }

  /** The unit of the key's record; 0 if there is none. */
  find(hash: number, key: Uint8Array): number {
    const { slots } = this.#segment(hash);
    const mask = slots.length - 1;
    for (let at = homeOf(hash, mask); ; at = (at + 2) & mask) {
      const unit = slots[at + 1] as number;
      if (unit === 0 || (slots[at] === hash && this.#records.hasKey(unit, key))) return unit;
    }
  }

  /** Names the record of a key that has none. */
  add(hash: number, unit: number): void {
    const segment = this.#segment(hash);
    this.size++;
    segment.used++;
    if (segment.used * 2 > segment.slots.length * MAX_LOAD) resize(segment, segment.slots.length);
    place(segment.slots, hash, unit);
  }

  /** Names the new record of a key whose record was `old`. */
  replace(hash: number, old: number, unit: number): void {
    const { slots } = this.#segment(hash);
    slots[slotOf(slots, hash, old) + 1] = unit;
  }

  remove(hash: number, unit: number): void {
    const segment = this.#segment(hash);
    this.size--;
    segment.used--;
    closeGap(segment.slots, slotOf(segment.slots, hash, unit));
    const isSparse = segment.used * 2 < segment.slots.length * MIN_LOAD;
    if (isSparse && segment.slots.length > 2 * FIRST_SLOTS) resize(segment, segment.slots.length / 4);
  }

  #segment(hash: number): Segment {
    return this.#segments[hash >>> (32 - SEGMENTS_LOG2)] as Segment;
  }
}

function newSlots(count: number): Int32Array {
  return new Int32Array(2 * count);
}

/** From the stored hashes: no key is looked at. */
function resize(segment: Segment, count: number): void {
  const old = segment.slots;
  segment.slots = newSlots(count);
  for (let from = 0; from < old.length; from += 2) {
    const unit = old[from + 1] as number;
    if (unit !== 0) place(segment.slots, old[from] as number, unit);
  }
}

function place(slots: Int32Array, hash: number, unit: number): void {
  const mask = slots.length - 1;
  let at = homeOf(hash, mask);
  while (slots[at + 1] !== 0) at = (at + 2) & mask;
  slots[at] = hash;
  slots[at + 1] = unit;
}

/** Where the record is named; it must be. */
function slotOf(slots: Int32Array, hash: number, unit: number): number {
  const mask = slots.length - 1;
  let at = homeOf(hash, mask);
  while (slots[at + 1] !== unit) {
    invariant('M1', slots[at + 1] !== 0, 'a record is not where its hash says');
    at = (at + 2) & mask;
  }
  return at;
}

// Whatever a probe could no longer reach across the gap moves into it (Knuth, The Art of Computer Programming 3, algorithm 6.4R).
function closeGap(slots: Int32Array, emptied: number): void {
  const mask = slots.length - 1;
  let gap = emptied;
  for (let at = (gap + 2) & mask; slots[at + 1] !== 0; at = (at + 2) & mask) {
    const home = homeOf(slots[at] as number, mask);
    if (((at - home) & mask) < ((at - gap) & mask)) continue;
    slots[gap] = slots[at] as number;
    slots[gap + 1] = slots[at + 1] as number;
    gap = at;
  }
  slots[gap] = 0;
  slots[gap + 1] = 0;
}

/** The low bits choose the slot, for the top ones have chosen the segment. */
function homeOf(hash: number, mask: number): number {
  return (hash << 1) & mask;
}
