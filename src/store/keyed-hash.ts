// HalfSipHash-1-3: a fast hash under a secret key, so that nobody can choose keys that collide (Aumasson and Bernstein, "SipHash", 2012).

/** The secret in two 32-bit words. */
export type HashKey = { readonly first: number; readonly second: number };

/** A 32-bit number, possibly negative: only its bits count. */
export function keyedHash(bytes: Uint8Array, key: HashKey): number {
  const words = bytes.length > scratchBytes.length ? new Int32Array((bytes.length >>> 2) + 1) : scratch;
  const target = words === scratch ? scratchBytes : new Uint8Array(words.buffer);
  for (let i = 0; i < bytes.length; i++) target[i] = bytes[i] as number;
  return keyedHashOfWords(words, 0, bytes.length, key);
}

/** The same of `length` bytes that lie in words, the lowest byte first, from the word `from` on. */
export function keyedHashOfWords(words: Int32Array, from: number, length: number, key: HashKey): number {
  let v0 = key.first;
  let v1 = key.second;
  let v2 = key.first ^ 0x6c796765;
  let v3 = key.second ^ 0x74656462;
  const whole = length >>> 2;
  const rest = length & 3;
  // One round for each word, the last of which holds the rest and the length; then three to finish.
  const last = (rest === 0 ? 0 : (words[from + whole] as number) & (2 ** (8 * rest) - 1)) | (length << 24);
  for (let round = 0; round < whole + 4; round++) {
    const word = round < whole ? (words[from + round] as number) : round === whole ? last : 0;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (round === whole) v2 ^= 0xff;
  }
  return v1 ^ v3;
}

/** For keys of the usual lengths. */
const scratch = new Int32Array(512);
const scratchBytes = new Uint8Array(scratch.buffer);
