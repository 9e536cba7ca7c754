// A key and its value as they lie behind each other in bytes of somebody else's: told by places, for a view of each would cost more than the work on it.
import { Hasher } from './hash.ts';

/** What is told of a key and its value. */
export type RowFacts = { contentType: string; revision: number; expiresAt: number };

/** One object may serve for many rows: whoever is given one keeps nothing of it. */
export type Row = RowFacts & {
  bytes: Uint8Array;
  /** Of the same bytes. */
  view: DataView;
  /** Where the key begins; the value follows it. */
  at: number;
  keyLength: number;
  valueLength: number;
};

/** A view. */
export function keyOfRow({ bytes, at, keyLength }: Row): Uint8Array {
  return bytes.subarray(at, at + keyLength);
}

/** A view. */
export function valueOfRow({ bytes, at, keyLength, valueLength }: Row): Uint8Array {
  return bytes.subarray(at + keyLength, at + keyLength + valueLength);
}

/** A row of copies. */
export function rowOf(key: Uint8Array, value: Uint8Array, facts: Readonly<RowFacts>): Row {
  const { contentType, revision, expiresAt } = facts;
  const bytes = new Uint8Array(key.length + value.length);
  bytes.set(key);
  bytes.set(value, key.length);
  const view = new DataView(bytes.buffer);
  return { bytes, view, at: 0, keyLength: key.length, valueLength: value.length, contentType, revision, expiresAt };
}

/** What the digests of entries and outcomes add up. */
export function hashRow(hasher: Hasher, row: Row): Hasher {
  const { bytes, at, keyLength, valueLength } = row;
  return hashFacts(hasher.reset(0).bytes(bytes, at, at + keyLength + valueLength), keyLength, row);
}

/** The same of a row whose key and value lie in these words, from the word `from` on. */
export function hashRowInWords(
  hasher: Hasher,
  words: Int32Array,
  from: number,
  keyLength: number,
  valueLength: number,
  facts: Readonly<RowFacts>,
): Hasher {
  return hashFacts(hasher.reset(0).words(words, from, keyLength + valueLength), keyLength, facts);
}

function hashFacts(
  hasher: Hasher,
  keyLength: number,
  { contentType, revision, expiresAt }: Readonly<RowFacts>,
): Hasher {
  if (contentType !== lastType) {
    lastType = contentType;
    lastTypeHash = new Hasher().reset(1).text(contentType).high;
  }
  return hasher.number(keyLength).number(lastTypeHash).number(revision).number(expiresAt);
}

// Most rows have the type of the one before.
let lastType = '';
let lastTypeHash = new Hasher().reset(1).text('').high;
