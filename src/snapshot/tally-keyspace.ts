// A keyspace that keeps nothing but its sums: enough to judge a snapshot by its digest without the memory for a second state.
import { DigestSum, Hasher } from '../base/hash.ts';
import { type Entry, type EntryName, hashEntry, type Keyspace, logicalBytes } from '../core/keyspace.ts';
import type { OutcomeRow, OutcomeRows } from '../core/outcome-rows.ts';

/** Each key, and each outcome's name, is to come once. A key that comes twice makes another digest than it had where it was cut. */
export class TallyKeyspace implements Keyspace {
  readonly digest = new DigestSum();
  readonly beforeChange = undefined;
  readonly #hasher = new Hasher();
  keys = 0;
  bytes = 0;

  set(key: Uint8Array, entry: Entry): void {
    this.keys++;
    this.bytes += logicalBytes(key, entry);
    this.digest.add(hashEntry(this.#hasher, key, entry));
  }

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
  size = 0;

  add(): void {
    this.size++;
  }

  find(): undefined {
    return undefined;
  }

  first(): readonly OutcomeRow[] {
    return [];
  }
}
