// Chance by a seed: the same numbers for the same seed, so that a run can be had again.

/** Numbers in [0, 1), by the public-domain generator of that name (Tommy Ettinger). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = {
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  one<T>(items: readonly [T, ...T[]]): T;
};

export function seeded(seed: number): Random {
  const next = mulberry32(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, one: (items) => items[below(items.length)] ?? items[0] };
}
