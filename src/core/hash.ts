// A 64-bit hash in two 32-bit lanes: fast on short inputs, no allocation; not for secrets. Rounds and finish after MurmurHash3.
import { highHalf, joinHalves } from '../base/bytes.ts';

const ROUND_HIGH = 0xcc9e2d51;
const ROUND_LOW = 0x1b873593;

/** Feed it, then read `high` and `low`. One instance serves for ever: `reset` starts the next hash. */
export class Hasher {
  #high = 0;
  #low = 0;
  #length = 0;

  reset(seed: number): this {
    this.#high = seed;
    this.#low = ~seed;
    this.#length = 0;
    return this;
  }

  /** The bytes and their length: ('a', 'bc') and ('ab', 'c') differ. */
  bytes(bytes: Uint8Array): this {
    const whole = bytes.length & ~3;
    for (let i = 0; i < whole; i += 4) {
      this.#mix(wordAt(bytes, i));
    }
    let tail = 0;
    for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | (bytes[i] ?? 0);
    this.#mix(tail);
    this.#mix(bytes.length);
    return this;
  }

  text(text: string): this {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
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
    this.#mix(Number(BigInt.asIntN(32, value)));
    this.#mix(Number(BigInt.asIntN(32, value >> 32n)));
    return this;
  }

  get high(): number {
    return finish(this.#high ^ this.#length);
  }

  get low(): number {
    return finish(this.#low ^ Math.imul(this.#length, ROUND_LOW));
  }

  get value(): bigint {
    return joinHalves(this.high, this.low);
  }

  #mix(word: number): void {
    this.#length++;
    const high = this.#high ^ rotate(Math.imul(word, ROUND_HIGH), 15);
    const low = this.#low ^ rotate(Math.imul(word, ROUND_LOW), 16);
    this.#high = Math.imul(rotate(high, 13), 5) + 0xe6546b64;
    // Each lane takes in the other, so that a collision in one is not a collision in both.
    this.#low = Math.imul(rotate(low + this.#high, 17), 9) + 0x38495ab5;
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

// The four indices are below the length: the casts only say so.
function wordAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
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
