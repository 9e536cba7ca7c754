// Records in an order: a B+ tree of their units, in blocks outside the JavaScript heap.
//
// Every operation goes down one path, remembers it, and mends it upwards. Blocks that grow sparse are joined with a neighbour.
import { invariant } from '../base/assert.ts';
import { Blocks, capacityOf, LEAF_CAPACITY, type Place } from './blocks.ts';

const MAX_HEIGHT = 8;

const BEHIND_ALL: Place = { compare: () => -1 };

export class OrderedIndex {
  readonly #blocks = new Blocks();
  #root = this.#blocks.make();
  /** The last leaf; 0 where another may be it since it was looked for. */
  #knownLast = 0;
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

  /** The last unit of the order; 0 where there is none. */
  get last(): number {
    if (this.size === 0) return 0;
    const leaf = this.#lastLeaf();
    return this.#blocks.unit(leaf, this.#blocks.count(leaf) - 1);
  }

  /** Adds a record whose place is behind the last one. */
  append(unit: number): void {
    const leaf = this.#lastLeaf();
    if (this.#blocks.count(leaf) === LEAF_CAPACITY) this.#descend(BEHIND_ALL);
    else {
      this.#block[0] = leaf;
      this.#item[0] = this.#blocks.count(leaf);
    }
    this.size++;
    this.#insert(0, unit, 0);
  }

  /** Names the new unit of the record that belongs to the place. */
  replace(place: Place, unit: number): void {
    this.#find(place);
    const leaf = this.#block[0] as number;
    const at = this.#item[0] as number;
    this.#blocks.setUnit(leaf, at, unit);
    if (at === 0) this.#mendFirsts(0);
  }

  remove(place: Place): void {
    this.#find(place);
    this.#knownLast = 0;
    this.size--;
    this.#take(0);
    this.#join(0);
  }

  /** Shows units from the place on, in order, as long as `visit` answers true. It must not change the index. */
  walk(place: Place, visit: (unit: number) => boolean): void {
    this.#descend(place);
    do {
      const leaf = this.#block[0] as number;
      const count = this.#blocks.count(leaf);
      for (let at = this.#item[0] as number; at < count; at++) if (!visit(this.#blocks.unit(leaf, at))) return;
    } while (this.#nextLeaf());
  }

  #find(place: Place): void {
    this.#descend(place);
    const leaf = this.#block[0] as number;
    const at = this.#item[0] as number;
    const isThere = at < this.#blocks.count(leaf) && place.compare(this.#blocks.unit(leaf, at)) === 0;
    invariant('M1', isThere, 'a record is not in its place of the order');
  }

  /** The path to the first unit that is not before the place; in its leaf the item may be the one after the last. */
  #descend(place: Place): void {
    let block = this.#root;
    for (let level = this.#height; level > 0; level--) {
      // The last child whose first unit is not behind the place, or the first child.
      const at = Math.max(this.#blocks.bisect(block, place, 1) - 1, 0);
      this.#block[level] = block;
      this.#item[level] = at;
      block = this.#blocks.child(block, at);
    }
    this.#block[0] = block;
    this.#item[0] = this.#blocks.bisect(block, place, 0);
  }

  #lastLeaf(): number {
    if (this.#knownLast === 0) {
      this.#descend(BEHIND_ALL);
      this.#knownLast = this.#block[0] as number;
    }
    return this.#knownLast;
  }

  #nextLeaf(): boolean {
    let level = 1;
    while (
      level <= this.#height &&
      (this.#item[level] as number) + 1 === this.#blocks.count(this.#block[level] as number)
    )
      level++;
    if (level > this.#height) return false;
    this.#item[level] = (this.#item[level] as number) + 1;
    for (; level > 0; level--) {
      this.#block[level - 1] = this.#blocks.child(this.#block[level] as number, this.#item[level] as number);
      this.#item[level - 1] = 0;
    }
    return true;
  }

  /** Inserts at the path's place of a level; a full block is split, and its new half goes into the level above. */
  #insert(level: number, unit: number, child: number): void {
    const block = this.#block[level] as number;
    const at = this.#item[level] as number;
    const capacity = capacityOf(level);
    if (this.#blocks.count(block) < capacity) {
      this.#blocks.put(level, block, at, unit, child);
      if (at === 0) this.#mendFirsts(level);
      return;
    }
    this.#knownLast = 0;
    const right = this.#blocks.make();
    // What only ever comes behind the last one fills its blocks; everything else halves them.
    const kept = at === capacity ? capacity : capacity >>> 1;
    this.#blocks.move(level, block, kept, right);
    if (at < kept) this.#blocks.put(level, block, at, unit, child);
    else this.#blocks.put(level, right, at - kept, unit, child);
    if (at === 0) this.#mendFirsts(level);
    if (level === this.#height) this.#growRoot(block);
    this.#item[level + 1] = (this.#item[level + 1] as number) + 1;
    this.#insert(level + 1, this.#blocks.unit(right, 0), right);
  }

  #growRoot(only: number): void {
    this.#height++;
    invariant('M1', this.#height < MAX_HEIGHT, 'the ordered index is too high');
    this.#root = this.#blocks.make();
    this.#block[this.#height] = this.#root;
    this.#item[this.#height] = 0;
    this.#blocks.put(this.#height, this.#root, 0, this.#blocks.unit(only, 0), only);
  }

  /** Takes the path's item of a level out of its block. */
  #take(level: number): void {
    const block = this.#block[level] as number;
    const at = this.#item[level] as number;
    this.#blocks.take(level, block, at);
    if (at === 0 && this.#blocks.count(block) > 0) this.#mendFirsts(level);
  }

  /** Joins the path's block of a level with a neighbour if both are sparse; drops it if it is empty. */
  #join(level: number): void {
    const block = this.#block[level] as number;
    const count = this.#blocks.count(block);
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
      if (leftAt + 1 >= this.#blocks.count(parent)) return;
      const left = this.#blocks.child(parent, leftAt);
      const right = this.#blocks.child(parent, leftAt + 1);
      const together = this.#blocks.count(left) + this.#blocks.count(right);
      // Room is left, so that the next insert does not split it again.
      if (together > capacity - (capacity >>> 2)) return;
      this.#blocks.move(level, right, 0, left);
      this.#blocks.free(right);
      this.#item[level + 1] = leftAt + 1;
    } else {
      this.#blocks.free(block);
    }
    this.#take(level + 1);
    this.#join(level + 1);
  }

  #lowerRoot(): void {
    while (this.#height > 0 && this.#blocks.count(this.#root) < 2) {
      const old = this.#root;
      // Without any child it becomes an empty leaf.
      if (this.#blocks.count(old) === 0) {
        this.#height = 0;
        return;
      }
      this.#root = this.#blocks.child(old, 0);
      this.#height--;
      this.#blocks.free(old);
    }
  }

  /** The first unit of the path's block of a level is another now: so says each block above, up to where it is not the first. */
  #mendFirsts(level: number): void {
    const first = this.#blocks.unit(this.#block[level] as number, 0);
    for (let above = level + 1; above <= this.#height; above++) {
      const block = this.#block[above] as number;
      const at = this.#item[above] as number;
      this.#blocks.setUnit(block, at, first);
      if (at > 0) return;
    }
  }
}
