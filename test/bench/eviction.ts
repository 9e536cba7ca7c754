// Hit ratio of approximate LRU by what one node of three sees, beside a true LRU over all reads: node test/bench/eviction.ts.
//
// A cache-aside workload: each read goes to a node, a miss is written to all. Above the limit the node on duty chooses what goes,
// in lots, as node/eviction.ts does: its store is the one that is modelled, and only the reads at it are uses. True LRU sees all.
import { parseArgs } from 'node:util';
import type { Entry } from '../../src/core/keyspace.ts';
import { OffHeapKeyspace } from '../../src/store/off-heap-keyspace.ts';
import { mulberry32 } from '../random.ts';
import { TrueLru } from './true-lru.ts';

const { values: options } = parseArgs({
  options: {
    keys: { type: 'string', default: '100000' },
    capacity: { type: 'string', default: '10000' },
    reads: { type: 'string', default: '600000' },
  },
});
const KEYS = Number(options.keys);
const CAPACITY = Number(options.capacity);
const READS = Number(options.reads);
const NODES = 3;
const LOT = Math.min(1000, CAPACITY / 100);
const ENTRY: Entry = { value: Buffer.alloc(20), contentType: '', revision: 1, expiresAt: 0 };

type Balance = { readonly name: string; nodeOf(key: number, read: number): number };
const BALANCES: readonly Balance[] = [
  { name: 'all at the node on duty', nodeOf: () => 0 },
  { name: 'round robin', nodeOf: (_, read) => read % NODES },
  { name: 'a third of the keys is read at each node alone', nodeOf: (key) => key % NODES },
  { name: 'nothing is read at the node on duty', nodeOf: (_, read) => 1 + (read % (NODES - 1)) },
];

console.log(
  `${KEYS} keys, room for ${CAPACITY}, ${READS} reads, the second half counted; choice among the entries of node 1 of ${NODES}\n`,
);
for (const skew of [0.7, 0.9, 1.1]) {
  for (const balance of BALANCES) {
    const [approximate, exact, chance, microseconds] = compare(skew, balance);
    const [a, e, c] = [approximate, exact, chance].map((ratio) => `${(100 * ratio).toFixed(2)} %`);
    console.log(
      `Zipf ${skew}, ${balance.name}: ${a}; true LRU ${e}; chosen by chance ${c}; ${microseconds.toFixed(2)} µs an eviction`,
    );
  }
}

/** Hit ratios of approximate LRU, of true LRU, of evictions by chance, and what one choice costs. */
function compare(skew: number, { nodeOf }: Balance): [number, number, number, number] {
  const draw = zipf(KEYS, skew);
  const random = mulberry32(7);
  const duty = new OffHeapKeyspace(1000);
  const exact = new TrueLru(KEYS, CAPACITY);
  const byChance = new Map<number, number>();
  const chanceKeys: number[] = [];
  const hits = [0, 0, 0];
  let [evicted, choosingMs] = [0, 0];
  const hit = (which: number, read: number) => {
    if (read >= READS / 2) hits[which] = (hits[which] ?? 0) + 1;
  };
  for (let read = 0; read < READS; read++) {
    const number = draw(random());
    const key = keyOf(number);
    const entry = nodeOf(number, read) === 0 ? duty.use(key) : duty.get(key);
    if (entry !== undefined) hit(0, read);
    else duty.set(key, ENTRY);
    if (duty.keys >= CAPACITY + LOT) {
      const startedAt = performance.now();
      const chosen = duty.leastUsed(LOT, () => true);
      choosingMs += performance.now() - startedAt;
      evicted += chosen.length;
      for (const { key: gone } of chosen) duty.delete(gone);
    }
    if (exact.use(number)) hit(1, read);
    if (byChance.has(number)) hit(2, read);
    else {
      const at = chanceKeys.length < CAPACITY ? chanceKeys.length : Math.floor(random() * CAPACITY);
      byChance.delete(chanceKeys[at] ?? -1);
      chanceKeys[at] = number;
      byChance.set(number, at);
    }
  }
  const [a = 0, e = 0, c = 0] = hits.map((count) => count / (READS / 2));
  return [a, e, c, (1000 * choosingMs) / Math.max(1, evicted)];
}

function keyOf(number: number): Uint8Array {
  return Buffer.from(`key:${number}`, 'latin1');
}

/** Draws ranks by their weight 1/rank^skew, by bisection of the sums. */
function zipf(count: number, skew: number): (chance: number) => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1) ** skew;
    sums[rank] = sum;
  }
  return (chance) => {
    const target = chance * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
