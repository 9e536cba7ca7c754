// The records of caches: they lie in the keyspace beside clients' entries, under keys that no client's key can be.
//
//   key   = 255:u8 kind:u8 rest                        UTF-8 has no byte 255
//   rest  = cache:text8 ( | key ) | slot:u16           a slot is a hash of cache and key, or cache and tag
//   kind      rest   value                             its revision
//   A all     cache                                    of the latest invalidation of the whole cache
//   D dirty   key    ttl:varint since:varint           of the write that the source has yet to take
//   E entry   key    stored                            of the command that wrote it
//   F failed  key    ttl:varint since:varint error     of the command that gave the write up
//   H holds   key    ( hold:varint end:varint )*       of the latest change of them
//   L lease   key                                      of the lease
//   M mark    slot                                     of the latest change of a key in the slot
//   N number  cache  count:varint drained:u8           of the latest change of what is unsaved
//   P policy  cache  as the nodes wrote it             of the policy
//   T tag     slot                                     of the latest invalidation of a tag in the slot
//   T tags    cache                                    of the latest invalidation of any tag
//   stored = count:u8 tag:text8{count} there:u8 value
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { Hasher } from '../base/hash.ts';
import type { Entry, Keyspace } from './keyspace.ts';

/** What no client's key begins with. */
const FIRST = 255;
export type RecordKind = 'A' | 'D' | 'E' | 'F' | 'H' | 'L' | 'M' | 'N' | 'P' | 'T';

/** What is kept under a key of a cache. */
export type Stored = {
  /** Undefined: the source has no such row, or is to have none. */
  readonly value: Uint8Array | undefined;
  readonly tags: readonly string[];
};

/** The value of records that are nothing but their revision. */
export const NOTHING = new Uint8Array(0);
const hasher = new Hasher();
// Taken from as soon as it was written to.
const scratch = new ByteWriter(1024);

export function isRecordKey(key: Uint8Array): boolean {
  return key[0] === FIRST;
}

/** As the keyspace's keysAfter, without the records, which come behind all others. */
export function clientKeysAfter(
  keyspace: Keyspace,
  prefix: Uint8Array,
  after: Uint8Array | undefined,
  limit: number,
): Uint8Array[] {
  return keyspace.keysAfter(prefix, after, limit).filter((key) => !isRecordKey(key));
}

/** The key of a record of a cache or of one of its keys; of `D`, `E` and `F` without a key: the prefix of all of them. */
export function recordKey(kind: RecordKind, cache: string, key: Uint8Array = NOTHING): Uint8Array {
  scratch.u8(FIRST);
  scratch.u8(kind.charCodeAt(0));
  scratch.text8(cache);
  scratch.raw(key);
  return scratch.take();
}

export function tagKey(cache: string, tag: string): Uint8Array {
  return slotKey('T', recordKey('T', cache, Buffer.from(tag, 'latin1')));
}

/** The mark that a change of this record raises: only entries and holds have one. */
export function markOf(key: Uint8Array): Uint8Array | undefined {
  const kind = isRecordKey(key) ? kindOf(key) : undefined;
  return kind === 'E' || kind === 'H' ? slotKey('M', key) : undefined;
}

/** Whether nothing is lost when it is taken away: an entry that the source has too. */
export function isExpendable(keyspace: Keyspace, key: Uint8Array): boolean {
  if (!isRecordKey(key)) return true;
  if (kindOf(key) !== 'E') return false;
  return !hasUnsaved(keyspace, Buffer.from(key.subarray(3, 3 + (key[2] ?? 0))).toString('latin1'), keyWithin(key));
}

/** The key of the cache whose record this is. */
export function keyWithin(key: Uint8Array): Uint8Array {
  return key.subarray(3 + (key[2] ?? 0));
}

/** An entry of a cache as it may be served, expired or not: good until the next change of the keyspace. */
export type Cached = Omit<Entry, 'value'> & Stored & { readonly isUnsaved: boolean };

/** Undefined too where a tag of it or the whole cache was invalidated since: unless the source has yet to take it. */
export function findCached(keyspace: Keyspace, cache: string, key: Uint8Array): Cached | undefined {
  const entry = keyspace.use(recordKey('E', cache, key));
  if (entry === undefined) return undefined;
  const stored = readStored(entry);
  const isUnsaved = hasUnsaved(keyspace, cache, key);
  if (!isUnsaved && invalidatedAt(keyspace, cache, stored.tags) > entry.revision) return undefined;
  return { ...entry, ...stored, isUnsaved };
}

/** Revision of the latest thing that makes what was loaded before worthless, whatever tags it has. */
export function changedAt(keyspace: Keyspace, cache: string, key: Uint8Array): number {
  return Math.max(keyChangedAt(keyspace, cache, key), revisionAt(keyspace, recordKey('T', cache)));
}

/** Revision of the latest change of the entry, of a key in its slot, or of the whole cache. */
export function keyChangedAt(keyspace: Keyspace, cache: string, key: Uint8Array): number {
  const entry = recordKey('E', cache, key);
  const keys = [entry, slotKey('M', entry), recordKey('A', cache)];
  return Math.max(...keys.map((one) => revisionAt(keyspace, one)));
}

export function hasUnsaved(keyspace: Keyspace, cache: string, key: Uint8Array): boolean {
  return (['D', 'F'] as const).some((kind) => keyspace.get(recordKey(kind, cache, key)) !== undefined);
}

/** Revision of the latest invalidation of the whole cache or one of the tags; 0: there was none. */
export function invalidatedAt(keyspace: Keyspace, cache: string, tags: readonly string[]): number {
  const keys = [recordKey('A', cache), ...tags.map((tag) => tagKey(cache, tag))];
  return Math.max(...keys.map((key) => revisionAt(keyspace, key)));
}

/** 0: there is no such record. */
export function revisionAt(keyspace: Keyspace, key: Uint8Array): number {
  return keyspace.get(key)?.revision ?? 0;
}

/** How many keys of a cache the source has yet to take, those that it refused included. */
export type UnsavedNumber = {
  readonly count: number;
  /** No flush is under way, nor can one that was given up still commit. */
  readonly isDrained: boolean;
  /** Of their latest change. */
  readonly revision: number;
};

export function unsavedNumber(keyspace: Keyspace, cache: string): UnsavedNumber {
  const entry = keyspace.get(recordKey('N', cache));
  if (entry === undefined) return { count: 0, isDrained: true, revision: 0 };
  const reader = new ByteReader(entry.value);
  return { count: reader.varint(), isDrained: reader.flag(), revision: entry.revision };
}

export function writeUnsavedNumber({ count, isDrained }: Omit<UnsavedNumber, 'revision'>): Uint8Array {
  scratch.varint(count);
  scratch.u8(isDrained ? 1 : 0);
  return scratch.take();
}

/** What the source has yet to take of a key. */
export type Unsaved = {
  /** Of the entry once the source has it; 0: none. */
  readonly ttlMs: number;
  /** Log time of the first write that it has not taken. */
  readonly since: number;
  /** Why it refused; '' of what waits. */
  readonly error: string;
};

export function writeUnsaved({ ttlMs, since, error }: Unsaved): Uint8Array {
  scratch.varint(ttlMs);
  scratch.varint(since);
  scratch.raw(Buffer.from(error, 'latin1'));
  return scratch.take();
}

export function readUnsaved(entry: Entry): Unsaved {
  const reader = new ByteReader(entry.value);
  const [ttlMs, since] = [reader.varint(), reader.varint()];
  return { ttlMs, since, error: Buffer.from(reader.raw(reader.remaining)).toString('latin1') };
}

export function writeStored({ value, tags }: Stored): Uint8Array {
  writeTags(scratch, tags);
  scratch.u8(value === undefined ? 0 : 1);
  if (value !== undefined) scratch.raw(value);
  return scratch.take();
}

/** The value is a view. */
export function readStored(entry: Entry): Stored {
  const reader = new ByteReader(entry.value);
  const tags = readTags(reader);
  return { tags, value: reader.flag() ? reader.raw(reader.remaining) : undefined };
}

export function writeTags(writer: ByteWriter, tags: readonly string[]): void {
  writer.u8(tags.length);
  for (const tag of tags) writer.text8(tag);
}

export function readTags(reader: ByteReader): readonly string[] {
  return Array.from({ length: reader.u8() }, () => reader.text8());
}

function kindOf(key: Uint8Array): string {
  return String.fromCharCode(key[1] ?? 0);
}

// All of the key but its kind is hashed.
function slotKey(kind: 'M' | 'T', key: Uint8Array): Uint8Array {
  const slot = hasher.reset(3).bytes(key.subarray(2)).low & 0xffff;
  return Uint8Array.of(FIRST, kind.charCodeAt(0), slot >> 8, slot & 0xff);
}
