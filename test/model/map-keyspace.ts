// The keyspace on a JavaScript Map: simple and slow, the model that the one outside the heap is tested against.
import { DigestSum, Hasher } from '../../src/base/hash.ts';
import { hashRow, keyOfRow, type Row, rowOf, valueOfRow } from '../../src/base/row.ts';
import {
  type BeforeChange,
  type Entry,
  type EntryName,
  isExpired,
  type Keyspace,
  logicalBytes,
} from '../../src/core/keyspace.ts';
import type { OutcomeRows } from '../../src/core/outcome-rows.ts';
import { MapOutcomes } from './map-outcomes.ts';

export class MapKeyspace implements Keyspace {
  readonly digest = new DigestSum();
  beforeChange: BeforeChange | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #hasher = new Hasher();
  #bytes = 0;

  get keys(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: Uint8Array): Entry | undefined {
    return this.#entries.get(nameOf(key));
  }

  // The order of the Map: the least used is its first.
  use(key: Uint8Array): Entry | undefined {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry;
  }

  set(key: Uint8Array, entry: Entry): void {
    const name = nameOf(key);
    const old = this.#entries.get(name);
    this.beforeChange?.(key, old, entry);
    if (old !== undefined) this.#forget(key, old);
    const { contentType, revision, expiresAt } = entry;
    const kept = { value: new Uint8Array(entry.value), contentType, revision, expiresAt };
    this.#entries.delete(name);
    this.#entries.set(name, kept);
    this.#bytes += logicalBytes(key, kept);
    this.digest.add(hashRow(this.#hasher, rowOf(key, kept.value, kept)));
  }

  restore(row: Row): void {
    this.set(keyOfRow(row), { ...row, value: valueOfRow(row) });
  }

  delete(key: Uint8Array): boolean {
    const name = nameOf(key);
    const old = this.#entries.get(name);
    if (old === undefined) return false;
    this.beforeChange?.(key, old, undefined);
    this.#forget(key, old);
    this.#entries.delete(name);
    return true;
  }

  // One character a byte: the order of the names is the order of the bytes.
  keysAfter(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Uint8Array[] {
    const start = nameOf(prefix);
    const last = after === undefined ? undefined : nameOf(after);
    const names = [...this.#entries.keys()].filter(
      (name) => name.startsWith(start) && (last === undefined || name > last),
    );
    return names.sort().slice(0, limit).map(keyOf);
  }

  visit(after: Uint8Array | undefined, see: (key: Uint8Array, entry: Entry) => boolean): void {
    for (const key of this.keysAfter(new Uint8Array(0), after, this.keys)) {
      const entry = this.get(key);
      if (entry !== undefined && !see(key, entry)) return;
    }
  }

  expired(logTime: number, limit: number): EntryName[] {
    const due = [...this.#entries].filter(([, entry]) => isExpired(entry, logTime));
    const first = due.sort(([, a], [, b]) => a.expiresAt - b.expiresAt).slice(0, limit);
    return first.map(([name, { revision }]) => ({ key: keyOf(name), revision }));
  }

  leastUsed(limit: number, mayGo: (key: Uint8Array) => boolean): EntryName[] {
    const names = [...this.#entries].map(([name, { revision }]) => ({ key: keyOf(name), revision }));
    return names.filter(({ key }) => mayGo(key)).slice(0, limit);
  }

  #forget(key: Uint8Array, old: Entry): void {
    this.#bytes -= logicalBytes(key, old);
    this.digest.remove(hashRow(this.#hasher, rowOf(key, old.value, old)));
  }

  newOutcomeRows(): OutcomeRows {
    return new MapOutcomes();
  }
}

// One character a byte: an injective name that a Map can look up.
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function keyOf(name: string): Uint8Array {
  return Buffer.from(name, 'latin1');
}
