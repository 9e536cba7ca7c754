// Recent outcomes outside the JavaScript heap: a million strings in a Map would have its growth and the garbage collector stop the node.
//
//   value of a row's record = hash:u64 detail:i64 code:u8 transaction
import type { OutcomeRow, OutcomeRows } from '../core/outcome-rows.ts';
import { HashIndex } from './hash-index.ts';
import type { HashKey } from './keyed-hash.ts';
import { Records } from './records.ts';

const HASH_AT = 0;
const DETAIL_AT = 8;
const CODE_AT = 16;
const TRANSACTION_AT = 17;

/** The units of the rows in their order are kept in blocks, so that none ever grows. */
const BLOCK_LOG2 = 12;

export class OffHeapOutcomes implements OutcomeRows {
  readonly #records = new Records();
  readonly #byName: HashIndex;
  readonly #units: Int32Array[] = [];
  #value = new DataView(new ArrayBuffer(256));

  constructor(key: HashKey) {
    this.#byName = new HashIndex(this.#records, key);
  }

  get size(): number {
    return this.#byName.size;
  }

  find(name: Uint8Array): OutcomeRow | undefined {
    const unit = this.#byName.find(this.#byName.hashOf(name), name);
    return unit === 0 ? undefined : this.#row(unit);
  }

  add({ name, hash, code, revision, detail, transaction }: OutcomeRow): void {
    const length = TRANSACTION_AT + (transaction?.length ?? 0);
    if (length > this.#value.byteLength) this.#value = new DataView(new ArrayBuffer(length * 2));
    this.#value.setBigUint64(HASH_AT, hash);
    this.#value.setBigInt64(DETAIL_AT, detail);
    this.#value.setUint8(CODE_AT, code);
    const value = new Uint8Array(this.#value.buffer, 0, length);
    if (transaction !== undefined) value.set(transaction, TRANSACTION_AT);
    const unit = this.#records.add(name, { value, contentType: '', revision, expiresAt: 0 });
    this.#append(unit);
    this.#byName.add(this.#byName.hashOf(name), unit);
  }

  *first(count: number): Iterable<OutcomeRow> {
    for (let row = 0; row < count; row++) yield this.#row(this.#unitAt(row));
  }

  #row(unit: number): OutcomeRow {
    const { value, revision } = this.#records.entry(unit);
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    return {
      name: this.#records.key(unit),
      hash: view.getBigUint64(HASH_AT),
      code: view.getUint8(CODE_AT),
      revision,
      detail: view.getBigInt64(DETAIL_AT),
      transaction: value.length > TRANSACTION_AT ? value.subarray(TRANSACTION_AT) : undefined,
    };
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
