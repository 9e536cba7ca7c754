// Changes of the keyspace, and the journal of a transaction under way: what undoes its changes, or tells of them when they stand.
import type { Entry, Keyspace } from './keyspace.ts';

/**
 * What a command did to a key. An increment or append is a put: the key has a new value. `invalidate`: of a cache, by tags or
 * all of it; the key is that of its entries without one, the new entry's value has the tags (none: all).
 */
export type Change = 'put' | 'touch' | 'delete' | 'expire' | 'evict' | 'invalidate';

/**
 * Told of each change when it is made, in the order of the changes: `state.revision` is the command's. `entry`, the new
 * one, is there for put, touch and invalidate. Its value must be copied if it is kept, and not be looked at for touch: it is the old one.
 */
export type ChangeListener = (change: Change, key: Uint8Array, entry: Entry | undefined) => void;

export type NotedChange = {
  readonly change: Change;
  readonly key: Uint8Array;
  readonly entry: Entry | undefined;
};

export class Journal {
  readonly changes: NotedChange[] = [];
  /** By the key's bytes, a character each. */
  readonly #before = new Map<string, { readonly key: Uint8Array; readonly entry: Entry | undefined }>();

  /** To be called before the change is made. Only the first of a key says what was there before the transaction. */
  note(keyspace: Keyspace, change: Change, key: Uint8Array, entry: Entry | undefined): void {
    this.changes.push({ change, key, entry });
    const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
    if (this.#before.has(name)) return;
    const old = keyspace.get(key);
    this.#before.set(name, { key, entry: old === undefined ? undefined : copyOf(old) });
  }

  /** Every key holds again what it held: entries with their revisions and times, expired ones too. */
  undo(keyspace: Keyspace): void {
    for (const { key, entry } of this.#before.values()) {
      if (entry === undefined) keyspace.delete(key);
      else keyspace.set(key, entry);
    }
  }
}

/** The entry with bytes of its own, which stay when the keyspace changes. */
export function copyOf(entry: Entry): Entry {
  return { ...entry, value: new Uint8Array(entry.value) };
}
