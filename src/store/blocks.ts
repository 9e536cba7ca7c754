// The blocks of a B+ tree of units, outside the JavaScript heap.
//
//   leaf  = count unit*                    at most 127
//   inner = count first* child*            at most 63 of each; `first` is the first unit below its child, so that no key is copied

/** A place in the order: below 0 if the unit's record comes before it, 0 if it is the one that belongs there. */
export type Place = { compare(unit: number): number };

const BLOCK_LOG2 = 7;
export const LEAF_CAPACITY = 2 ** BLOCK_LOG2 - 1;
const INNER_CAPACITY = LEAF_CAPACITY >> 1;
/** Where an inner block's children begin. */
const CHILDREN = INNER_CAPACITY + 1;

/** Blocks come in chunks of 64 KiB. */
const CHUNK_LOG2 = 7;

/** Blocks are named by numbers from 1; those of level 0 are leaves. */
export class Blocks {
  readonly #chunks: Int32Array[] = [newChunk()];
  /** Blocks that were emptied: each holds the next one in its first word; 0 ends them, for there is no block 0. */
  #free = 0;
  #next = 1;

  /** An empty one. */
  make(): number {
    const block = this.#free;
    if (block !== 0) {
      const words = this.#words(block);
      this.#free = words[baseOf(block)] as number;
      words[baseOf(block)] = 0;
      return block;
    }
    const made = this.#next++;
    if (made >>> CHUNK_LOG2 === this.#chunks.length) this.#chunks.push(newChunk());
    return made;
  }

  free(block: number): void {
    this.#words(block)[baseOf(block)] = this.#free;
    this.#free = block;
  }

  count(block: number): number {
    return this.#words(block)[baseOf(block)] as number;
  }

  unit(block: number, at: number): number {
    return this.#words(block)[baseOf(block) + 1 + at] as number;
  }

  setUnit(block: number, at: number, unit: number): void {
    this.#words(block)[baseOf(block) + 1 + at] = unit;
  }

  child(block: number, at: number): number {
    return this.#words(block)[baseOf(block) + CHILDREN + at] as number;
  }

  /** How many of a block's units compare below `bound`. */
  bisect(block: number, place: Place, bound: 0 | 1): number {
    const words = this.#words(block);
    const base = baseOf(block);
    let low = 0;
    let high = words[base] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const comparison = place.compare(words[base + 1 + middle] as number);
      if (bound === 0 ? comparison < 0 : comparison <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts an item in front of the one at `at`; there is room for it. */
  put(level: number, block: number, at: number, unit: number, child: number): void {
    const words = this.#words(block);
    const base = baseOf(block);
    const count = words[base] as number;
    if (at < count) words.copyWithin(base + 2 + at, base + 1 + at, base + 1 + count);
    words[base + 1 + at] = unit;
    if (level > 0) {
      words.copyWithin(base + CHILDREN + 1 + at, base + CHILDREN + at, base + CHILDREN + count);
      words[base + CHILDREN + at] = child;
    }
    words[base] = count + 1;
  }

  take(level: number, block: number, at: number): void {
    const words = this.#words(block);
    const base = baseOf(block);
    const count = words[base] as number;
    words.copyWithin(base + 1 + at, base + 2 + at, base + 1 + count);
    if (level > 0) words.copyWithin(base + CHILDREN + at, base + CHILDREN + 1 + at, base + CHILDREN + count);
    words[base] = count - 1;
  }

  /** Moves the items from `at` on behind those of the block `to`. */
  move(level: number, from: number, at: number, to: number): void {
    const source = this.#words(from);
    const sourceBase = baseOf(from);
    const target = this.#words(to);
    const targetBase = baseOf(to);
    const end = source[sourceBase] as number;
    const count = target[targetBase] as number;
    for (let i = at; i < end; i++) {
      const item = count + i - at;
      target[targetBase + 1 + item] = source[sourceBase + 1 + i] as number;
      if (level > 0) target[targetBase + CHILDREN + item] = source[sourceBase + CHILDREN + i] as number;
    }
    target[targetBase] = count + end - at;
    source[sourceBase] = at;
  }

  #words(block: number): Int32Array {
    return this.#chunks[block >>> CHUNK_LOG2] as Int32Array;
  }
}

export function capacityOf(level: number): number {
  return level === 0 ? LEAF_CAPACITY : INNER_CAPACITY;
}

function baseOf(block: number): number {
  return (block & (2 ** CHUNK_LOG2 - 1)) << BLOCK_LOG2;
}

function newChunk(): Int32Array {
  return new Int32Array(2 ** (CHUNK_LOG2 + BLOCK_LOG2));
}
