// Counts stale reads: many clients load and write the same rows at once, and a read must show each write that had ended before it.
import type { CacheEvent } from '../../src/cache/public.ts';
import { mulberry32 } from '../random.ts';
import type { Client, Pattern, Place } from './cache-patterns.ts';
import { CountedRows, pausesBy } from './counted-rows.ts';

type DrillOptions = {
  readonly operations: number;
  readonly clients: number;
  readonly seed: number;
};

export type Counted = {
  readonly reads: number;
  readonly writes: number;
  /** Of rows from the database. */
  readonly loads: number;
  /** Loaded or written values that the store did not keep, because something had happened to the key. */
  readonly refused: number;
  /** Reads that showed less than a write that had ended before they began. */
  readonly stale: number;
  /** Keys that show less than their last write when all is over. */
  readonly staleAtEnd: number;
  readonly tookMs: number;
};

const WRITES = 0.25;
/** Operations of each client that are under way at once. */
const LANES = 16;
/** Keys that are in use at a time. The window moves on, so that there are always keys that nobody has asked for yet. */
const WINDOW = 32;
const OPERATIONS_PER_KEY = 20;

/** Throws if an operation fails, or a store was skipped: then the counts would say nothing. */
export async function countStaleReads(
  pattern: Pattern,
  place: Place,
  { operations, clients: count, seed }: DrillOptions,
): Promise<Counted> {
  const random = mulberry32(seed);
  const pause = pausesBy(random);
  const rows = new CountedRows(pause);
  const skipped: CacheEvent[] = [];
  let refused = 0;
  const observe = (event: CacheEvent) => {
    if (event.kind === 'failed' || event.kind === 'breaker') skipped.push(event);
    if (event.kind === 'refused') refused += 1;
  };
  const ended = new Map<number, number>();
  const tally = { reads: 0, writes: 0, stale: 0 };
  let begun = 0;

  async function isStale(client: Client, key: number): Promise<boolean> {
    const floor = ended.get(key) ?? CountedRows.firstOf(key);
    return ((await client.read(key)) ?? 0) < floor;
  }

  async function read(client: Client, key: number): Promise<void> {
    tally.reads += 1;
    if (await isStale(client, key)) tally.stale += 1;
  }

  async function write(client: Client, key: number): Promise<void> {
    tally.writes += 1;
    const row = await client.write(key);
    ended.set(key, Math.max(row, ended.get(key) ?? 0));
  }

  async function lane(clients: readonly Client[], own: Client): Promise<void> {
    while (begun < operations) {
      const key = Math.floor(begun++ / OPERATIONS_PER_KEY) + Math.floor(random() * WINDOW);
      const writer = pattern.isOfOneWriter ? (clients[key % clients.length] ?? own) : own;
      if (random() < WRITES) await write(writer, key);
      else await read(own, key);
    }
  }

  const startMs = performance.now();
  const { clients, stop } = pattern.start({ rows, pause, observe }, place, count);
  try {
    await Promise.all(clients.flatMap((own) => Array.from({ length: LANES }, () => lane(clients, own))));
    const { loads } = rows;
    const tookMs = performance.now() - startMs;
    let staleAtEnd = 0;
    const keys = ended.keys();
    const look = async (client: Client) => {
      for (const key of keys) if (await isStale(client, key)) staleAtEnd += 1;
    };
    await Promise.all(clients.flatMap((client) => Array.from({ length: LANES }, () => look(client))));
    if (skipped[0] !== undefined) {
      throw new Error(`a store or the database was skipped: ${JSON.stringify(skipped[0])}; the counts say nothing`);
    }
    return { ...tally, loads, refused, staleAtEnd, tookMs };
  } finally {
    await stop();
    await Promise.all(clients.map((client) => client.close()));
  }
}
