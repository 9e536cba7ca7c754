// A keyspace that keeps nothing but its sums: enough to judge a snapshot by its digest without the memory for a second state.
import { DigestSum, Hasher } from '../base/hash.ts';
import { hashRow, type Row } from '../base/row.ts';
import { ENTRY_OVERHEAD_BYTES, type EntryName, type Keyspace } from '../core/keyspace.ts';
import type { KeptOutcome, OutcomeRows } from '../core/outcome-rows.ts';

/** Each key, and each outcome's name, is to come once. A key that comes twice makes another digest than it had where it was cut. */
export class TallyKeyspace implements Keyspace {
  readonly digest = new DigestSum();
  readonly beforeChange = undefined;
  readonly #hasher = new Hasher();
  keys = 0;
  bytes = 0;

  restore(row: Row): void {
    this.keys++;
    this.bytes += row.keyLength + row.valueLength + row.contentType.length + ENTRY_OVERHEAD_BYTES;
    this.digest.add(hashRow(this.#hasher, row));
  }

  set(): void {}

  get(): undefined {
    return undefined;
  }

  use(): undefined {
    return undefined;
  }

  delete(): boolean {
    return false;
  }

  keysAfter(): Uint8Array[] {
    return [];
  }

  visit(): void {}

  newOutcomeRows(): OutcomeRows {
    return new TallyRows();
  }

  expired(): EntryName[] {
    return [];
  }

  leastUsed(): EntryName[] {
    return [];
  }
}

class TallyRows implements OutcomeRows {
  readonly digest = new DigestSum();
  readonly #hasher = new Hasher();
  size = 0;

  add(row: Row): void {
    this.size++;
    this.digest.add(hashRow(this.#hasher, row));
  }

  find(): undefined {
    return undefined;
  }

  first(): readonly KeptOutcome[] {
    return [];
  }
}
