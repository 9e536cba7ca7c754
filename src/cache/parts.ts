// A long list in parts, for what takes only so many at once.

/** Of `size` each but for the last; none of an empty list. */
export function parts<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
