// Recent outcomes on a JavaScript Map: the model of those outside the heap.
import { DigestSum, Hasher } from '../../src/base/hash.ts';
import { hashRow, keyOfRow, type Row, valueOfRow } from '../../src/base/row.ts';
import type { KeptOutcome, OutcomeRows } from '../../src/core/outcome-rows.ts';

export class MapOutcomes implements OutcomeRows {
  readonly digest = new DigestSum();
  readonly #rows = new Map<string, KeptOutcome>();

  get size(): number {
    return this.#rows.size;
  }

  find(name: Uint8Array): KeptOutcome | undefined {
    return this.#rows.get(Buffer.from(name).toString('latin1'));
  }

  add(row: Row): void {
    const name = new Uint8Array(keyOfRow(row));
    const value = new Uint8Array(valueOfRow(row));
    this.digest.add(hashRow(new Hasher(), row));
    this.#rows.set(Buffer.from(name).toString('latin1'), { name, value, revision: row.revision });
  }

  *first(count: number): Iterable<KeptOutcome> {
    let left = count;
    for (const kept of this.#rows.values()) {
      if (left-- === 0) return;
      yield kept;
    }
  }
}
