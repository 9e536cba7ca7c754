// A key and its value as they lie behind each other in bytes of somebody else's: told by places, for a view of each would cost more than the work on it.
import type { Hasher } from './hash.ts';

/** One object may serve for many rows: whoever is given one keeps nothing of it. */
export type Row = {
  bytes: Uint8Array;
  /** Where the key begins; the value follows it. */
  at: number;
  keyLength: number;
  valueLength: number;
  contentType: string;
  revision: number;
  expiresAt: number;
};

/** A view. */
export function keyOfRow({ bytes, at, keyLength }: Row): Uint8Array {
  return bytes.subarray(at, at + keyLength);
}

/** A view. */
export function valueOfRow({ bytes, at, keyLength, valueLength }: Row): Uint8Array {
  return bytes.subarray(at + keyLength, at + keyLength + valueLength);
}

/** What a row holds beside its key, where the two do not lie together. */
type Content = Pick<Row, 'contentType' | 'revision' | 'expiresAt'> & { readonly value: Uint8Array };

/** What the digests of entries and outcomes add up. */
export function hashEntry(hasher: Hasher, key: Uint8Array, entry: Readonly<Content>): Hasher {
  const { value, contentType, revision, expiresAt } = entry;
  return hasher.reset(0).bytes(key).bytes(value).text(contentType).number(revision).number(expiresAt);
}

/** The same of the same entry as a row. */
export function hashRow(hasher: Hasher, row: Row): Hasher {
  const { bytes, at, keyLength, valueLength, contentType, revision, expiresAt } = row;
  const valueAt = at + keyLength;
  const keyAndValue = hasher
    .reset(0)
    .bytes(bytes, at, valueAt)
    .bytes(bytes, valueAt, valueAt + valueLength);
  return keyAndValue.text(contentType).number(revision).number(expiresAt);
}
