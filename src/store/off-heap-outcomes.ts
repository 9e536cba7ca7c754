// Recent outcomes outside the JavaScript heap: a million strings in a Map would have its growth and the garbage collector stop the node.
import { DigestSum, Hasher } from '../base/hash.ts';
import type { Row } from '../base/row.ts';
import type { KeptOutcome, OutcomeRows } from '../core/outcome-rows.ts';
import { HashIndex } from './hash-index.ts';
import type { HashKey } from './keyed-hash.ts';
import { Records } from './records.ts';

/** The units of the rows in their order are kept in blocks, so that none ever grows. */
const BLOCK_LOG2 = 12;

export class OffHeapOutcomes implements OutcomeRows {
  readonly digest = new DigestSum();
  readonly #records = new Records();
  readonly #hasher = new Hasher();
  readonly #byName: HashIndex;
  readonly #units: Int32Array[] = [];

  constructor(key: HashKey) {
    this.#byName = new HashIndex(this.#records, key);
  }

  get size(): number {
    return this.#byName.size;
  }

  find(name: Uint8Array): KeptOutcome | undefined {
    const unit = this.#byName.find(this.#byName.hashOf(name), name);
    return unit === 0 ? undefined : this.#kept(unit);
  }

  add(row: Row): void {
    const unit = this.#records.addRow(row);
    this.digest.add(this.#records.hash(this.#hasher, unit));
    this.#append(unit);
    this.#byName.add(this.#byName.hashOfUnit(unit), unit);
  }

  *first(count: number): Iterable<KeptOutcome> {
    for (let row = 0; row < count; row++) yield this.#kept(this.#unitAt(row));
  }

  #kept(unit: number): KeptOutcome {
    const { value, revision } = this.#records.entry(unit);
    return { name: this.#records.key(unit), value, revision };
  }

  #append(unit: number): void {
    const row = this.size;
    const block = row >>> BLOCK_LOG2;
    if (block === this.#units.length) this.#units.push(new Int32Array(2 ** BLOCK_LOG2));
    (this.#units[block] as Int32Array)[row & (2 ** BLOCK_LOG2 - 1)] = unit;
  }

  #unitAt(row: number): number {
    return this.#units[row >>> BLOCK_LOG2]?.[row & (2 ** BLOCK_LOG2 - 1)] as number;
  }
}
