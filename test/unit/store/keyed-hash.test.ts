// The keyed hash: HalfSipHash-1-3 worked out by a second, plain writing of it, and what the key changes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HashKey, keyedHash } from '../../../src/store/keyed-hash.ts';

const words = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

test('is HalfSipHash with one round a word and three at the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), words, words, (bytes, first, second) => {
      expect(keyedHash(bytes, { first, second }) >>> 0).toBe(halfSipHash(bytes, { first, second }, 1, 3));
    }),
  );
});

test('the plain writing gives the published values of HalfSipHash-2-4', () => {
  const key = { first: 0x03020100, second: 0x07060504 };
  const values = [0, 1, 2, 3].map((length) =>
    halfSipHash(
      Uint8Array.from({ length }, (_, i) => i),
      key,
      2,
      4,
    ),
  );
  expect(values).toEqual([0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a]);
});

test('keys that collide under one seed do not under another', () => {
  const one = { first: 1, second: 2 };
  const seen = new Map<number, number>();
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < 200_000 && pairs.length < 3; i++) {
    const hash = keyedHash(numbered(i), one);
    const other = seen.get(hash);
    if (other !== undefined) pairs.push([other, i]);
    seen.set(hash, i);
  }
  expect(pairs.length).toBeGreaterThan(0);
  const other = { first: 1, second: 3 };
  for (const [a, b] of pairs) expect(keyedHash(numbered(a), other)).not.toBe(keyedHash(numbered(b), other));
});

function halfSipHash(bytes: Uint8Array, key: HashKey, rounds: number, lastRounds: number): number {
  const state = Uint32Array.of(key.first, key.second, 0x6c796765 ^ key.first, 0x74656462 ^ key.second);
  const padded = new Uint8Array((bytes.length & ~3) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const word = view.getUint32(at, true);
    xor(state, 3, word);
    for (let round = 0; round < rounds; round++) mix(state);
    xor(state, 0, word);
  }
  xor(state, 2, 0xff);
  for (let round = 0; round < lastRounds; round++) mix(state);
  return ((state[1] ?? 0) ^ (state[3] ?? 0)) >>> 0;
}

function mix(state: Uint32Array): void {
  add(state, 0, 1);
  turn(state, 1, 5);
  xor(state, 1, state[0] ?? 0);
  turn(state, 0, 16);
  add(state, 2, 3);
  turn(state, 3, 8);
  xor(state, 3, state[2] ?? 0);
  add(state, 0, 3);
  turn(state, 3, 7);
  xor(state, 3, state[0] ?? 0);
  add(state, 2, 1);
  turn(state, 1, 13);
  xor(state, 1, state[2] ?? 0);
  turn(state, 2, 16);
}

function add(state: Uint32Array, to: number, from: number): void {
  state[to] = (state[to] ?? 0) + (state[from] ?? 0);
}

function xor(state: Uint32Array, at: number, word: number): void {
  state[at] = (state[at] ?? 0) ^ word;
}

function turn(state: Uint32Array, at: number, bits: number): void {
  const word = state[at] ?? 0;
  state[at] = (word << bits) | (word >>> (32 - bits));
}

function numbered(number: number): Uint8Array {
  return Buffer.from(`key ${number}`, 'latin1');
}
