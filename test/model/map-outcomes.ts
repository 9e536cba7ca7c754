// Recent outcomes on a JavaScript Map: the model of those outside the heap.
import type { OutcomeRow, OutcomeRows } from '../../src/core/outcome-rows.ts';

export class MapOutcomes implements OutcomeRows {
  readonly #rows = new Map<string, OutcomeRow>();

  get size(): number {
    return this.#rows.size;
  }

  find(name: Uint8Array): OutcomeRow | undefined {
    return this.#rows.get(Buffer.from(name).toString('latin1'));
  }

  add(row: OutcomeRow): void {
    const transaction = row.transaction === undefined ? undefined : new Uint8Array(row.transaction);
    this.#rows.set(Buffer.from(row.name).toString('latin1'), { ...row, name: new Uint8Array(row.name), transaction });
  }

  *first(count: number): Iterable<OutcomeRow> {
    let left = count;
    for (const row of this.#rows.values()) {
      if (left-- === 0) return;
      yield row;
    }
  }
}
