// A 64-bit hash in two 32-bit halves: fast on short inputs, no allocation; not for secrets. Lanes after xxHash32, finish after MurmurHash3.
import { highHalf, joinHalves } from './bytes.ts';

// The primes of xxHash32.
const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;

/** Feed it, then read `high` and `low`. One instance serves for ever: `reset` starts the next hash. */
export class Hasher {
  // Words go into the four lanes in turn, so that four can be mixed at once: `first` is always the one whose turn it is.
  #first = 0;
  #second = 0;
  #third = 0;
  #fourth = 0;

  reset(seed: number): this {
    this.#first = seed;
    this.#second = seed ^ PRIME_1;
    this.#third = seed ^ PRIME_2;
    this.#fourth = ~seed;
    return this;
  }

  /** The bytes `from` to before `to`, and their length: ('a', 'bc') and ('ab', 'c') differ. */
  bytes(bytes: Uint8Array, from = 0, to: number = bytes.length): this {
    const length = to - from;
    const rounds = from + (length & ~15);
    const whole = from + (length & ~3);
    let first = this.#first;
    let second = this.#second;
    let third = this.#third;
    let fourth = this.#fourth;
    for (let i = from; i < rounds; i += 16) {
      first = mixed(first, wordAt(bytes, i));
      second = mixed(second, wordAt(bytes, i + 4));
      third = mixed(third, wordAt(bytes, i + 8));
      fourth = mixed(fourth, wordAt(bytes, i + 12));
    }
    this.#first = first;
    this.#second = second;
    this.#third = third;
    this.#fourth = fourth;
    for (let i = rounds; i < whole; i += 4) this.#mix(wordAt(bytes, i));
    let tail = 0;
    for (let i = to - 1; i >= whole; i--) tail = (tail << 8) | (bytes[i] as number);
    this.#mix(tail);
    this.#mix(length);
    return this;
  }

  /** The same of `length` bytes that lie in words, the lowest byte first, from the word `from` on: several times as fast. */
  words(words: Int32Array, from: number, length: number): this {
    const rounds = from + ((length >>> 2) & ~3);
    const whole = from + (length >>> 2);
    let first = this.#first;
    let second = this.#second;
    let third = this.#third;
    let fourth = this.#fourth;
    for (let i = from; i < rounds; i += 4) {
      first = mixed(first, words[i] as number);
      second = mixed(second, words[i + 1] as number);
      third = mixed(third, words[i + 2] as number);
      fourth = mixed(fourth, words[i + 3] as number);
    }
    this.#first = first;
    this.#second = second;
    this.#third = third;
    this.#fourth = fourth;
    for (let i = rounds; i < whole; i++) this.#mix(words[i] as number);
    const rest = length & 3;
    this.#mix(rest === 0 ? 0 : (words[whole] as number) & (2 ** (8 * rest) - 1));
    this.#mix(length);
    return this;
  }

  /** Its UTF-16 units, two in a word, and its length. */
  text(text: string): this {
    const pairs = text.length & ~1;
    for (let i = 0; i < pairs; i += 2) this.#mix(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    if (pairs < text.length) this.#mix(text.charCodeAt(pairs));
    this.#mix(text.length);
    return this;
  }

  /** A whole number from 0 to 2^53 − 1. */
  number(value: number): this {
    this.#mix(value | 0);
    this.#mix(highHalf(value));
    return this;
  }

  bigint(value: bigint): this {
    sixtyFourBits.setBigInt64(0, value);
    this.#mix(sixtyFourBits.getInt32(4));
    this.#mix(sixtyFourBits.getInt32(0));
    return this;
  }

  get high(): number {
    return finish(
      rotate(this.#first, 1) + rotate(this.#second, 7) + rotate(this.#third, 12) + rotate(this.#fourth, 18),
    );
  }

  /** Made of the lanes in another way, so that a collision in one half is not a collision in both. */
  get low(): number {
    return finish(Math.imul(this.#first ^ rotate(this.#third, 16), PRIME_2) ^ rotate(this.#second, 11) ^ this.#fourth);
  }

  get value(): bigint {
    return joinHalves(this.high, this.low);
  }

  #mix(word: number): void {
    const next = mixed(this.#first, word);
    this.#first = this.#second;
    this.#second = this.#third;
    this.#third = this.#fourth;
    this.#fourth = next;
  }
}

/** An order-independent sum of hashes in two lanes: what was added can be taken out again. */
export class DigestSum {
  high = 0;
  low = 0;

  add(hash: Hasher): void {
    this.high = (this.high + hash.high) >>> 0;
    this.low = (this.low + hash.low) >>> 0;
  }

  remove(hash: Hasher): void {
    this.high = (this.high - hash.high) >>> 0;
    this.low = (this.low - hash.low) >>> 0;
  }

  clear(): void {
    this.high = 0;
    this.low = 0;
  }
}

/** The hash of a command's canonical bytes. */
export function hashOf(bytes: Uint8Array): bigint {
  return hasher.reset(0).bytes(bytes).value;
}

const hasher = new Hasher();
const sixtyFourBits = new DataView(new ArrayBuffer(8));

// The four indices are below the length: the casts only say so.
function wordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

function mixed(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(lane: number): number {
  let h = lane;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
