// The memo of the search: which operations were taken already with which value after them, so that no such place is searched twice.
import type { Value } from './register.ts';

export class Tried {
  size = 0;
  /** By the known operations taken and the value after them: how many of each group of unknown ones were taken then. */
  readonly #places = new Map<string, Uint16Array[]>();
  #high = 0;
  #low = 0;

  /** A known operation is taken, or is not any more. */
  mark(place: number): void {
    this.#high ^= scramble(2 * place + 1);
    this.#low ^= scramble(2 * place + 2);
  }

  /**
   * Whether searching on from here can find what was not found. Where the same was reached with fewer of the unknown operations, or as
   * many, whatever can follow here could follow there. The set of known ones is known by 64 bits of hash: a collision could only hide
   * an order not tried yet, which is a false alarm, never a miss.
   */
  isNew(
    groups: readonly { readonly used: number }[],
    value: Value,
    doubt: { readonly value: Value } | undefined,
  ): boolean {
    const values = doubt === undefined ? [value ?? null] : [value ?? null, doubt.value ?? null];
    const name = `${this.#high},${this.#low}${JSON.stringify(values)}`;
    const before = this.#places.get(name);
    if (before?.some((used) => used.every((count, index) => count <= (groups[index]?.used ?? 0)))) return false;
    const used = Uint16Array.from(groups, (group) => group.used);
    if (before === undefined) this.#places.set(name, [used]);
    else before.push(used);
    this.size++;
    return true;
  }
}

/** 32 well mixed bits of a number (the end of MurmurHash3). */
function scramble(n: number): number {
  let h = Math.imul(n, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
