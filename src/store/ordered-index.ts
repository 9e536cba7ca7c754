// Records in an order: a B+ tree of their units, in blocks of words outside the JavaScript heap.
//
//   leaf  = count unit*                    at most 127
//   inner = count first* child*            at most 63 of each; `first` is the first unit below its child, so that no key is copied
//
// Every operation goes down one path, remembers it, and mends it upwards. Blocks that grow sparse are joined with a neighbour.
import { invariant } from '../base/assert.ts';

/** A place in the order: below 0 if the unit's record comes before it, 0 if it is the one that belongs there. */
export type Place = { compare(unit: number): number };

const BLOCK_LOG2 = 7;
const LEAF_CAPACITY = 2 ** BLOCK_LOG2 - 1;
const INNER_CAPACITY = LEAF_CAPACITY >> 1;
/** Where an inner block's children begin. */
const CHILDREN = INNER_CAPACITY + 1;

/** Blocks come in chunks of 64 KiB. */
const CHUNK_LOG2 = 7;

const MAX_HEIGHT = 8;

export class OrderedIndex {
  readonly #chunks: Int32Array[] = [newChunk()];
  /** Blocks that were emptied: each holds the next one in its first word; 0 ends them, for there is no block 0. */
  #free = 0;
  #root = 1;
  #nextBlock = 2;
  /** Levels above the leaves, which are level 0. */
  #height = 0;
  /** By level: the block that the last descent came through, and the item in it. */
  readonly #block = new Int32Array(MAX_HEIGHT);
  readonly #item = new Int32Array(MAX_HEIGHT);
  size = 0;

  /** Adds a record whose place is still empty. */
  add(place: Place, unit: number): void {
    this.#descend(place);
    this.size++;
    this.#insert(0, unit, 0);
  }

  /** Names the new unit of the record that belongs to the place. */
  replace(place: Place, unit: number): void {
    this.#find(place);
    const leaf = this.#block[0] as number;
    const at = this.#item[0] as number;
    this.#words(leaf)[this.#base(leaf) + 1 + at] = unit;
    if (at === 0) this.#mendFirsts(0);
  }

  remove(place: Place): void {
    this.#find(place);
    this.size--;
    this.#take(0);
    this.#join(0);
  }

  /** Shows units from the place on, in order, as long as `visit` answers true. It must not change the index. */
  walk(place: Place, visit: (unit: number) => boolean): void {
    this.#descend(place);
    do {
      const leaf = this.#block[0] as number;
      const words = this.#words(leaf);
      const base = this.#base(leaf);
      const count = words[base] as number;
      for (let at = this.#item[0] as number; at < count; at++) if (!visit(words[base + 1 + at] as number)) return;
    } while (this.#nextLeaf());
  }

  #find(place: Place): void {
    this.#descend(place);
    const leaf = this.#block[0] as number;
    const at = this.#item[0] as number;
    const isThere = at < this.#count(leaf) && place.compare(this.#unit(leaf, at)) === 0;
    invariant('M1', isThere, 'a record is not in its place of the order');
  }

  /** The path to the first unit that is not before the place; in its leaf the item may be the one after the last. */
  #descend(place: Place): void {
    let block = this.#root;
    for (let level = this.#height; level > 0; level--) {
      // The last child whose first unit is not behind the place, or the first child.
      const at = Math.max(this.#bisect(block, place, 1) - 1, 0);
      this.#block[level] = block;
      this.#item[level] = at;
      block = this.#child(block, at);
    }
    this.#block[0] = block;
    this.#item[0] = this.#bisect(block, place, 0);
  }

  /** How many of a block's units compare below `bound`. */
  #bisect(block: number, place: Place, bound: 0 | 1): number {
    const words = this.#words(block);
    const base = this.#base(block);
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

  #nextLeaf(): boolean {
    let level = 1;
    while (level <= this.#height && (this.#item[level] as number) + 1 === this.#count(this.#block[level] as number))
      level++;
    if (level > this.#height) return false;
    this.#item[level] = (this.#item[level] as number) + 1;
    for (; level > 0; level--) {
      this.#block[level - 1] = this.#child(this.#block[level] as number, this.#item[level] as number);
      this.#item[level - 1] = 0;
    }
    return true;
  }

  /** Inserts at the path's place of a level; a full block is split, and its new half goes into the level above. */
  #insert(level: number, unit: number, child: number): void {
    const block = this.#block[level] as number;
    const at = this.#item[level] as number;
    const capacity = capacityOf(level);
    if (this.#count(block) < capacity) {
      this.#put(level, block, at, unit, child);
      if (at === 0) this.#mendFirsts(level);
      return;
    }
    const right = this.#newBlock();
    // What only ever comes behind the last one fills its blocks; everything else halves them.
    const kept = at === capacity ? capacity : capacity >>> 1;
    this.#move(level, block, kept, right);
    if (at < kept) this.#put(level, block, at, unit, child);
    else this.#put(level, right, at - kept, unit, child);
    if (at === 0) this.#mendFirsts(level);
    if (level === this.#height) this.#growRoot(block);
    this.#item[level + 1] = (this.#item[level + 1] as number) + 1;
    this.#insert(level + 1, this.#unit(right, 0), right);
  }

  #growRoot(only: number): void {
    this.#height++;
    invariant('M1', this.#height < MAX_HEIGHT, 'the ordered index is too high');
    this.#root = this.#newBlock();
    this.#block[this.#height] = this.#root;
    this.#item[this.#height] = 0;
    this.#put(this.#height, this.#root, 0, this.#unit(only, 0), only);
  }

  /** Takes the path's item of a level out of its block. */
  #take(level: number): void {
    const block = this.#block[level] as number;
    const at = this.#item[level] as number;
    const words = this.#words(block);
    const base = this.#base(block);
    const count = words[base] as number;
    words.copyWithin(base + 1 + at, base + 2 + at, base + 1 + count);
    if (level > 0) words.copyWithin(base + CHILDREN + at, base + CHILDREN + 1 + at, base + CHILDREN + count);
    words[base] = count - 1;
    if (at === 0 && count > 1) this.#mendFirsts(level);
  }

  /** Joins the path's block of a level with a neighbour if both are sparse; drops it if it is empty. */
  #join(level: number): void {
    const block = this.#block[level] as number;
    const count = this.#count(block);
    if (level === this.#height) {
      this.#lowerRoot();
      return;
    }
    const capacity = capacityOf(level);
    if (count > capacity >>> 2) return;
    const parent = this.#block[level + 1] as number;
    const at = this.#item[level + 1] as number;
    if (count > 0) {
      const leftAt = at > 0 ? at - 1 : 0;
      if (leftAt + 1 >= this.#count(parent)) return;
      const left = this.#child(parent, leftAt);
      const right = this.#child(parent, leftAt + 1);
      const together = this.#count(left) + this.#count(right);
      // Room is left, so that the next insert does not split it again.
      if (together > capacity - (capacity >>> 2)) return;
      this.#move(level, right, 0, left);
      this.#freeBlock(right);
      this.#item[level + 1] = leftAt + 1;
    } else {
      this.#freeBlock(block);
    }
    this.#take(level + 1);
    this.#join(level + 1);
  }

  #lowerRoot(): void {
    while (this.#height > 0 && this.#count(this.#root) < 2) {
      const old = this.#root;
      // Without any child it becomes an empty leaf.
      if (this.#count(old) === 0) {
        this.#height = 0;
        return;
      }
      this.#root = this.#child(old, 0);
      this.#height--;
      this.#freeBlock(old);
    }
  }

  /** The first unit of the path's block of a level is another now: so says each block above, up to where it is not the first. */
  #mendFirsts(level: number): void {
    const first = this.#unit(this.#block[level] as number, 0);
    for (let above = level + 1; above <= this.#height; above++) {
      const block = this.#block[above] as number;
      const at = this.#item[above] as number;
      this.#words(block)[this.#base(block) + 1 + at] = first;
      if (at > 0) return;
    }
  }

  #put(level: number, block: number, at: number, unit: number, child: number): void {
    const words = this.#words(block);
    const base = this.#base(block);
    const count = words[base] as number;
    words.copyWithin(base + 2 + at, base + 1 + at, base + 1 + count);
    words[base + 1 + at] = unit;
    if (level > 0) {
      words.copyWithin(base + CHILDREN + 1 + at, base + CHILDREN + at, base + CHILDREN + count);
      words[base + CHILDREN + at] = child;
    }
    words[base] = count + 1;
  }

  /** Moves the items from `at` on behind those of the block `to`. */
  #move(level: number, from: number, at: number, to: number): void {
    const source = this.#words(from);
    const sourceBase = this.#base(from);
    const target = this.#words(to);
    const targetBase = this.#base(to);
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

  #newBlock(): number {
    const block = this.#free;
    if (block !== 0) {
      const words = this.#words(block);
      this.#free = words[this.#base(block)] as number;
      words[this.#base(block)] = 0;
      return block;
    }
    const made = this.#nextBlock++;
    if (made >>> CHUNK_LOG2 === this.#chunks.length) this.#chunks.push(newChunk());
    return made;
  }

  #freeBlock(block: number): void {
    this.#words(block)[this.#base(block)] = this.#free;
    this.#free = block;
  }

  #count(block: number): number {
    return this.#words(block)[this.#base(block)] as number;
  }

  #unit(block: number, at: number): number {
    return this.#words(block)[this.#base(block) + 1 + at] as number;
  }

  #child(block: number, at: number): number {
    return this.#words(block)[this.#base(block) + CHILDREN + at] as number;
  }

  #words(block: number): Int32Array {
    return this.#chunks[block >>> CHUNK_LOG2] as Int32Array;
  }

  #base(block: number): number {
    return (block & (2 ** CHUNK_LOG2 - 1)) << BLOCK_LOG2;
  }
}

function newChunk(): Int32Array {
  return new Int32Array(2 ** (CHUNK_LOG2 + BLOCK_LOG2));
}

function capacityOf(level: number): number {
  return level === 0 ? LEAF_CAPACITY : INNER_CAPACITY;
}
