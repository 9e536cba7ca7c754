// Which keys expire when: names by the second in which their time passes, and a heap of those seconds.

const BUCKET_MS = 1000;
/** The heap may hold this many seconds more than twice those that have a bucket; then it is made anew. */
const SPARE_SECONDS = 64;

export class ExpiryIndex {
  readonly #buckets = new Map<number, Set<string>>();
  /** A binary heap, smallest first. A second whose bucket became empty stays in it for a while, and may come twice. */
  #seconds: number[] = [];

  /** How many seconds are kept: bounded by the names that are kept, not by those that ever were. */
  get seconds(): number {
    return this.#seconds.length;
  }

  /** `expiresAt` 0 means never and is not kept. */
  add(name: string, expiresAt: number): void {
    if (expiresAt === 0) return;
    const second = secondOf(expiresAt);
    const bucket = this.#buckets.get(second);
    if (bucket !== undefined) {
      bucket.add(name);
      return;
    }
    this.#buckets.set(second, new Set([name]));
    this.#push(second);
  }

  remove(name: string, expiresAt: number): void {
    if (expiresAt === 0) return;
    const second = secondOf(expiresAt);
    const bucket = this.#buckets.get(second);
    bucket?.delete(name);
    if (bucket?.size !== 0) return;
    // A key renewed again and again would leave an empty bucket behind each time.
    this.#buckets.delete(second);
    if (this.#seconds.length > 2 * this.#buckets.size + SPARE_SECONDS) this.#rebuild();
  }

  /** Names whose second has begun at `time`, earliest first; the caller looks at their exact time. */
  *due(time: number): Generator<string> {
    const now = secondOf(time);
    this.#dropEmptyFirst();
    for (const second of this.#secondsUpTo(now)) yield* this.#buckets.get(second) ?? [];
  }

  #secondsUpTo(last: number): number[] {
    const seconds = new Set<number>();
    // A heap's children are never smaller than their parent: what lies below a later second need not be looked at.
    const look = (at: number): void => {
      const second = this.#seconds[at];
      if (second === undefined || second > last) return;
      seconds.add(second);
      look(2 * at + 1);
      look(2 * at + 2);
    };
    look(0);
    return [...seconds].sort((a, b) => a - b);
  }

  #dropEmptyFirst(): void {
    for (let first = this.#seconds[0]; first !== undefined; first = this.#seconds[0]) {
      if (this.#buckets.has(first)) return;
      this.#pop();
    }
  }

  // A sorted list is a heap.
  #rebuild(): void {
    this.#seconds = [...this.#buckets.keys()].sort((a, b) => a - b);
  }

  #push(second: number): void {
    const heap = this.#seconds;
    let at = heap.length;
    heap.push(second);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= second) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = second;
  }

  #pop(): void {
    const heap = this.#seconds;
    const moved = heap.pop();
    if (moved === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if ((heap[child + 1] ?? Number.POSITIVE_INFINITY) < (heap[child] ?? 0)) child++;
      const below = heap[child] ?? 0;
      if (below >= moved) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = moved;
  }
}

function secondOf(time: number): number {
  return Math.floor(time / BUCKET_MS);
}
