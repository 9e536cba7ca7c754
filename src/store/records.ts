// Entries as records of bytes in great chunks outside the JavaScript heap, which no garbage collection ever looks at.
//
//   record = revision:f64 valueLength:u32 head:u32 [expiresAt:f64] key [typeLength:u8 type] value
//   head   = keyLength:11 type:8 expires:1 used:12                 in bits, the lowest first
//   type   = number of a content type (content-types.ts), or 0 and its characters behind the key
//   used   = tick at which the entry was written or read last (uses.ts): of this process alone
//
// A record begins at a unit of 8 bytes and is named by that unit's number, which is never 0. The space of a removed one is kept
// for the next of its size (sizes.ts).
import { invariant } from '../base/assert.ts';
import type { Hasher } from '../base/hash.ts';
import { hashRow, hashRowInWords, keyOfRow, type Row, type RowFacts, rowOf, valueOfRow } from '../base/row.ts';
import type { Entry } from '../core/keyspace.ts';
import { ContentTypes } from './content-types.ts';
import { type HashKey, keyedHashOfWords } from './keyed-hash.ts';
import { SIZES, sizeOf, UNIT_BYTES, unitsOfBytes } from './sizes.ts';

const WORD_BYTES = 4;
const HEAD_BYTES = 16;
const EXPIRY_BYTES = 8;
const KEY_LENGTH = 2 ** 11 - 1;
const TYPE_SHIFT = 11;
const TYPE = 0xff;
const EXPIRES = 1 << 19;
const USED_SHIFT = 20;
const USED = -1 << USED_SHIFT;
const LONG_ROW_BYTES = 512;

/** Units of 64 MiB; untouched pages cost nothing. The first chunk is small, for a small keyspace's sake. */
const CHUNK_LOG2 = 23;
const CHUNK_UNITS = 2 ** CHUNK_LOG2;
const IN_CHUNK = CHUNK_UNITS - 1;
const FIRST_CHUNK_UNITS = 2 ** 15;
/** Units are numbered by 32 bits: 32 GiB. A number beyond 2^31 is negative: only its bits count. */
const MAX_CHUNKS = 2 ** (32 - CHUNK_LOG2);

type Chunk = {
  readonly units: number;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly view: DataView;
};

/** Ticks that `used` tells apart. */
export const TICKS = 2 ** (32 - USED_SHIFT);

export class Records {
  /** Now, for `used`: 0 to TICKS − 1. */
  tick = 0;
  readonly #chunks: Chunk[] = [];
  /** Units taken of the last chunk. */
  #taken = 0;
  /** By size: the first of the free spaces, each of which holds the next one's unit in its first word. */
  readonly #free = new Int32Array(SIZES);
  /** Of the record that is hashed. */
  readonly #facts: RowFacts = { contentType: '', revision: 0, expiresAt: 0 };
  readonly #types = new ContentTypes();

  /** Writes a record and answers its unit. The value may be a view of another record. */
  add(key: Uint8Array, entry: Entry): number {
    const type = this.#types.numberOf(entry.contentType);
    const unit = this.#take(unitsFor(key.length, entry, type));
    this.#write(unit, key, entry, type);
    return unit;
  }

  /** Writes the record of a row and answers its unit. */
  addRow(row: Row): number {
    const { keyLength, valueLength, contentType, revision, expiresAt } = row;
    const type = this.#types.numberOf(contentType);
    if (type === 0) return this.add(keyOfRow(row), { value: valueOfRow(row), contentType, revision, expiresAt });
    const head = keyLength | (type << TYPE_SHIFT) | (expiresAt === 0 ? 0 : EXPIRES);
    const rowBytes = keyLength + valueLength;
    const unit = this.#take(unitsOfBytes(headBytes(head) + rowBytes));
    const chunk = this.#chunk(unit);
    copy(row, rowBytes, chunk, byteOf(unit) + headBytes(head));
    this.#writeHead(chunk, unit, head, valueLength, revision, expiresAt);
    return unit;
  }

  /** Writes over the record of this key if the entry needs just its space; else answers false. The value may be a view of the record itself. */
  rewrite(unit: number, key: Uint8Array, entry: Entry): boolean {
    const type = this.#types.numberOf(entry.contentType);
    if (unitsFor(key.length, entry, type) !== this.#unitsOf(unit)) return false;
    this.#write(unit, key, entry, type);
    return true;
  }

  remove(unit: number): void {
    const size = sizeOf(this.#unitsOf(unit));
    this.#chunk(unit).words[wordOf(unit)] = this.#free[size] ?? 0;
    this.#free[size] = unit;
  }

  /** What the digest of the records adds up (base/row.ts). */
  hash(hasher: Hasher, unit: number): Hasher {
    const { words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    const type = (head >>> TYPE_SHIFT) & TYPE;
    if (type === 0) {
      const entry = this.entry(unit);
      return hashRow(hasher, rowOf(this.key(unit), entry.value, entry));
    }
    const facts = this.#facts;
    facts.contentType = this.#types.text(type);
    facts.revision = this.revision(unit);
    facts.expiresAt = this.expiresAt(unit);
    const keyAt = wordOf(unit) + headBytes(head) / WORD_BYTES;
    const valueLength = (words[wordOf(unit) + 2] as number) >>> 0;
    return hashRowInWords(hasher, words, keyAt, head & KEY_LENGTH, valueLength, facts);
  }

  /** Of the record's key. */
  keyedHash(unit: number, key: HashKey): number {
    const { words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    return keyedHashOfWords(words, wordOf(unit) + headBytes(head) / WORD_BYTES, head & KEY_LENGTH, key);
  }

  hasKey(unit: number, key: Uint8Array): boolean {
    const { bytes, words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    if ((head & KEY_LENGTH) !== key.length) return false;
    let at = byteOf(unit) + headBytes(head);
    for (let i = 0; i < key.length; i++) if (bytes[at++] !== key[i]) return false;
    return true;
  }

  /** In byte order: below 0 if the record's key comes before this one (the bytes `from` to before `to`), 0 if it is this one. */
  compareKey(unit: number, key: Uint8Array, from = 0, to: number = key.length): number {
    const { bytes, words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    const length = head & KEY_LENGTH;
    const end = to - from < length ? to : from + length;
    let at = byteOf(unit) + headBytes(head);
    for (let i = from; i < end; i++) {
      const difference = (bytes[at++] as number) - (key[i] as number);
      if (difference !== 0) return difference;
    }
    return length - (to - from);
  }

  /** A view: valid until the next change. */
  key(unit: number): Uint8Array {
    const { bytes, words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    const at = byteOf(unit) + headBytes(head);
    return bytes.subarray(at, at + (head & KEY_LENGTH));
  }

  /** Its value is a view: valid until the next change. */
  entry(unit: number): Entry {
    const { bytes, words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    const type = (head >>> TYPE_SHIFT) & TYPE;
    const typeAt = byteOf(unit) + headBytes(head) + (head & KEY_LENGTH);
    const valueAt = type === 0 ? typeAt + 1 + (bytes[typeAt] as number) : typeAt;
    return {
      value: bytes.subarray(valueAt, valueAt + ((words[wordOf(unit) + 2] as number) >>> 0)),
      contentType: type === 0 ? latin1(bytes, typeAt + 1, valueAt) : this.#types.text(type),
      revision: this.revision(unit),
      expiresAt: this.expiresAt(unit),
    };
  }

  revision(unit: number): number {
    return this.#chunk(unit).doubles[unit & IN_CHUNK] as number;
  }

  expiresAt(unit: number): number {
    const { words, doubles } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    return (head & EXPIRES) === 0 ? 0 : (doubles[(unit & IN_CHUNK) + 2] as number);
  }

  /** The entry is used now. */
  use(unit: number): void {
    const { words } = this.#chunk(unit);
    const at = wordOf(unit) + 3;
    words[at] = ((words[at] as number) & ~USED) | (this.tick << USED_SHIFT);
  }

  /** How many ticks ago the entry was used last, as far as TICKS reach. */
  idleTicks(unit: number): number {
    const head = this.#chunk(unit).words[wordOf(unit) + 3] as number;
    return (this.tick - (head >>> USED_SHIFT)) & (TICKS - 1);
  }

  // The value first: where it is a view of this very record, the rest must not yet be written over it.
  #write(unit: number, key: Uint8Array, entry: Entry, type: number): void {
    const chunk = this.#chunk(unit);
    const { bytes } = chunk;
    const { value, contentType, revision, expiresAt } = entry;
    const head = key.length | (type << TYPE_SHIFT) | (expiresAt === 0 ? 0 : EXPIRES);
    const keyAt = byteOf(unit) + headBytes(head);
    const typeAt = keyAt + key.length;
    bytes.set(value, typeAt + typeBytes(type, contentType));
    // Shorter than what a call costs.
    for (let i = 0; i < key.length; i++) bytes[keyAt + i] = key[i] as number;
    if (type === 0) {
      bytes[typeAt] = contentType.length;
      for (let i = 0; i < contentType.length; i++) bytes[typeAt + 1 + i] = contentType.charCodeAt(i);
    }
    this.#writeHead(chunk, unit, head, value.length, revision, expiresAt);
  }

  #writeHead(
    { words, doubles }: Chunk,
    unit: number,
    head: number,
    valueLength: number,
    revision: number,
    expiresAt: number,
  ): void {
    doubles[unit & IN_CHUNK] = revision;
    words[wordOf(unit) + 2] = valueLength;
    words[wordOf(unit) + 3] = head | (this.tick << USED_SHIFT);
    if (expiresAt !== 0) doubles[(unit & IN_CHUNK) + 2] = expiresAt;
  }

  #unitsOf(unit: number): number {
    const { bytes, words } = this.#chunk(unit);
    const head = words[wordOf(unit) + 3] as number;
    const keyEnd = headBytes(head) + (head & KEY_LENGTH);
    const type = ((head >>> TYPE_SHIFT) & TYPE) === 0 ? 1 + (bytes[byteOf(unit) + keyEnd] as number) : 0;
    return unitsOfBytes(keyEnd + type + ((words[wordOf(unit) + 2] as number) >>> 0));
  }

  #take(units: number): number {
    const size = sizeOf(units);
    const free = this.#free[size] as number;
    if (free !== 0) {
      this.#free[size] = this.#chunk(free).words[wordOf(free)] as number;
      return free;
    }
    // What is left of a chunk is lost: less than one record's space in 64 MiB.
    while (this.#taken + units > (this.#chunks.at(-1)?.units ?? 0)) this.#addChunk();
    const unit = ((this.#chunks.length - 1) << CHUNK_LOG2) | this.#taken;
    this.#taken += units;
    return unit;
  }

  #addChunk(): void {
    const number = this.#chunks.length;
    invariant('M1', number < MAX_CHUNKS, 'the keyspace would need more than 32 GiB');
    const units = number === 0 ? FIRST_CHUNK_UNITS : CHUNK_UNITS;
    const buffer = new ArrayBuffer(units * UNIT_BYTES);
    const bytes = new Uint8Array(buffer);
    const [words, doubles, view] = [new Int32Array(buffer), new Float64Array(buffer), new DataView(buffer)];
    this.#chunks.push({ units, bytes, words, doubles, view });
    // Unit 0 names nothing.
    this.#taken = number === 0 ? 1 : 0;
  }

  #chunk(unit: number): Chunk {
    return this.#chunks[unit >>> CHUNK_LOG2] as Chunk;
  }
}

/** Eight bytes at a time: to make a view and have it copied takes longer, and the views are garbage. A long row is worth one. */
function copy({ bytes, view, at }: Row, length: number, to: Chunk, place: number): void {
  if (length > LONG_ROW_BYTES) {
    to.bytes.set(bytes.subarray(at, at + length), place);
    return;
  }
  const whole = length & ~7;
  for (let i = 0; i < whole; i += 8) to.view.setBigInt64(place + i, view.getBigInt64(at + i));
  for (let i = whole; i < length; i++) to.bytes[place + i] = bytes[at + i] as number;
}

function unitsFor(keyLength: number, entry: Entry, type: number): number {
  const head = entry.expiresAt === 0 ? HEAD_BYTES : HEAD_BYTES + EXPIRY_BYTES;
  return unitsOfBytes(head + keyLength + typeBytes(type, entry.contentType) + entry.value.length);
}

function headBytes(head: number): number {
  return (head & EXPIRES) === 0 ? HEAD_BYTES : HEAD_BYTES + EXPIRY_BYTES;
}

function typeBytes(type: number, contentType: string): number {
  return type === 0 ? 1 + contentType.length : 0;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, from, to - from).toString('latin1');
}

function byteOf(unit: number): number {
  return (unit & IN_CHUNK) * UNIT_BYTES;
}

function wordOf(unit: number): number {
  return (unit & IN_CHUNK) * 2;
}
