// Writing and reading of bytes: the primitives from which the codec's grammar is made.

/** What a reader throws on bytes that do not fit the grammar; never leaves the codec. */
export class Malformed extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Malformed';
  }
}

const TWO_32 = 0x1_0000_0000;

/** Grows as it is written to; `take` hands the bytes over and starts anew. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, value);
    this.#length += 8;
  }

  i64(value: bigint): void {
    this.u64(BigInt.asUintN(64, value));
  }

  /** A whole number from 0 to 2^53 − 1, seven bits a byte, lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Characters up to U+00FF, at most 255 of them, behind a one-byte length. */
  text8(value: string): void {
    this.#reserve(1 + value.length);
    this.#bytes[this.#length++] = value.length;
    for (let i = 0; i < value.length; i++) this.#bytes[this.#length++] = value.charCodeAt(i);
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** Bytes behind their 16-bit length. */
  bytes16(value: Uint8Array): void {
    this.u16(value.length);
    this.raw(value);
  }

  /** Bytes behind their 32-bit length. */
  bytes32(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** All that was written, and maybe more behind it; valid until the next write. */
  get written(): { readonly bytes: Uint8Array; readonly view: DataView } {
    return { bytes: this.#bytes, view: this.#view };
  }

  /** What was written since `from`; valid until the next write. */
  peek(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  /** A copy of all that was written; the writer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads what ByteWriter wrote; throws Malformed instead of reading beyond the end. Byte strings are views, not copies. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    // Views of a Buffer would be Buffers, which take three times as long to make.
    this.#bytes = Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** What is read from, in both forms. */
  get source(): { readonly bytes: Uint8Array; readonly view: DataView } {
    return { bytes: this.#bytes, view: this.#view };
  }

  /** Passes over so many bytes, and answers where in `source` they begin. */
  skip(length: number): number {
    return this.#advance(length);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8));
  }

  varint(): number {
    let value = this.u8();
    // Most are this short.
    if (value < 0x80) return value;
    value &= 0x7f;
    let unit = 0x80;
    for (let i = 1; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        if (byte === 0) throw new Malformed('a number has a superfluous byte');
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      unit *= 0x80;
    }
    throw new Malformed('a number is above 2^53 - 1');
  }

  /** 0 or 1. */
  flag(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new Malformed('a flag is neither 0 nor 1');
    return byte === 1;
  }

  text8(): string {
    const length = this.u8();
    const at = this.#advance(length);
    // Content types and names come again and again.
    const slot = (length + (this.#bytes[at + (length >> 1)] ?? 0)) % TEXTS_KNOWN;
    const known = textsKnown[slot] as string;
    if (isTextAt(this.#bytes, at, length, known)) return known;
    // Not a TextDecoder: what it calls latin1 is windows-1252, which has other characters from 0x80 to 0x9f.
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('latin1');
    textsKnown[slot] = text;
    return text;
  }

  raw(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  bytes16(): Uint8Array {
    return this.raw(this.u16());
  }

  bytes32(): Uint8Array {
    return this.raw(this.u32());
  }

  /** A reader of the next `length` bytes alone. */
  slice(length: number): ByteReader {
    const at = this.#advance(length);
    return new ByteReader(this.#bytes, at, at + length);
  }

  end(): void {
    if (this.#at !== this.#end) throw new Malformed(`${this.remaining} bytes too many`);
  }

  #advance(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new Malformed('the bytes end too early');
    this.#at = at + count;
    return at;
  }
}

const TEXTS_KNOWN = 64;
const textsKnown: string[] = Array.from({ length: TEXTS_KNOWN }, () => '');

function isTextAt(bytes: Uint8Array, at: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Joins two unsigned 32-bit halves. */
export function joinHalves(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

export function highHalf(value: number): number {
  return Math.floor(value / TWO_32);
}

export function beginsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (prefix.length > bytes.length) return false;
  for (let at = 0; at < prefix.length; at++) if (bytes[at] !== prefix[at]) return false;
  return true;
}
