// Assertions that name the invariant they hold (docs/invariants.md); a broken one is a bug of ours, never of a client.

export const INVARIANTS = ['K1', 'K2', 'L1', 'L2', 'M1', 'M2', 'N1', 'N2', 'N3', 'S1', 'S2', 'W1'] as const;
export type Invariant = (typeof INVARIANTS)[number];

export class InvariantBroken extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, fact: string) {
    super(`invariant ${invariant} is broken: ${fact}`);
    this.name = 'InvariantBroken';
    this.invariant = invariant;
  }
}

/** Throws InvariantBroken unless the fact holds. */
export function invariant(name: Invariant, holds: boolean, fact: string): asserts holds {
  if (!holds) throw new InvariantBroken(name, fact);
}

/** Ends a switch over a union: a new member of the union becomes a type error here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
