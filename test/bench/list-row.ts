// The row about lists: a page in the midst of all keys, from the keyspace outside the heap and from a sorted array of all keys.
import { OffHeapKeyspace } from '../../src/store/off-heap-keyspace.ts';
import type { BenchOptions, Contest, Row } from './contest.ts';

const PAGE = 100;
const PAGES = 2000;
const NOTHING = new Uint8Array(0);

export const listRow: Row = {
  name: 'list',
  help: `a page of ${PAGE} keys from a random place, beside a sorted array of all keys, which would have to be rebuilt for each new one`,
  needs: [],
  figures: { page: { unit: 'µs', better: 'less' } },
  warmsUp: true,
  open,
};

async function open({ keys }: BenchOptions): Promise<Contest> {
  const keyspace = new OffHeapKeyspace(1);
  const value = new Uint8Array(100);
  const sorted: Buffer[] = [];
  for (let n = 0; n < keys; n++) {
    // All numbers once, in no order.
    const key = keyOf((n * 7_919) % keys);
    keyspace.set(key, { value, contentType: 'text/plain', revision: n + 1, expiresAt: 0 });
    sorted.push(key);
  }
  sorted.sort(Buffer.compare);
  const fromArray = (after: Buffer) => {
    const first = placeIn(sorted, after);
    // Copies, as the keyspace gives them.
    return sorted.slice(first, first + PAGE).map((key) => new Uint8Array(key));
  };
  return {
    contestants: [
      {
        name: 'outside the heap',
        measure: async () => timed(keys, (after) => keyspace.keysAfter(NOTHING, after, PAGE)),
      },
      { name: 'a sorted array', measure: async () => timed(keys, fromArray) },
    ],
    close: async () => {},
  };
}

function timed(keys: number, page: (after: Buffer) => readonly unknown[]): { page: number } {
  let listed = 0;
  const began = performance.now();
  for (let n = 0; n < PAGES; n++) listed += page(keyOf(Math.floor(Math.random() * keys))).length;
  const microseconds = ((performance.now() - began) * 1000) / PAGES;
  if (listed === 0) throw new Error('nothing was listed');
  return { page: microseconds };
}

/** How many keys are not behind this one. */
function placeIn(sorted: readonly Buffer[], after: Buffer): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(sorted[middle] as Buffer, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keyOf(n: number): Buffer {
  return Buffer.from(`key:${String(n).padStart(16, '0')}`);
}
