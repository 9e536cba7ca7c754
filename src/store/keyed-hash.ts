// HalfSipHash-1-3: a fast hash under a secret key, so that nobody can choose keys that collide (Aumasson and Bernstein, "SipHash", 2012).

/** The secret in two 32-bit words. */
export type HashKey = { readonly first: number; readonly second: number };

/** A 32-bit number, possibly negative: only its bits count. */
export function keyedHash(bytes: Uint8Array, key: HashKey, from = 0, to: number = bytes.length): number {
  let v0 = key.first;
  let v1 = key.second;
  let v2 = key.first ^ 0x6c796765;
  let v3 = key.second ^ 0x74656462;
  const whole = (to - from) >>> 2;
  // One round for each word, the last of which holds the rest and the length; then three to finish.
  for (let round = 0; round < whole + 4; round++) {
    const word = round <= whole ? wordAt(bytes, from + round * 4, from, to) : 0;
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

function wordAt(bytes: Uint8Array, at: number, from: number, to: number): number {
  if (at + 4 <= to) {
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
  }
  let rest = (to - from) << 24;
  for (let i = to - 1; i >= at; i--) rest |= (bytes[i] as number) << (8 * (i - at));
  return rest;
}
