// One keyspace of the store benchmark, in a process of its own: filled, read, changed, listed, paced and emptied; figures as JSON.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Entry, Keyspace } from '../../src/core/keyspace.ts';
import { OffHeapKeyspace } from '../../src/store/off-heap-keyspace.ts';
import { MapKeyspace } from '../model/map-keyspace.ts';
import { MapOutcomes } from '../model/map-outcomes.ts';

export const STORE_KINDS = ['nothing', 'map', 'off-heap'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

type StoreTask = { readonly kind: StoreKind; readonly keys: number; readonly seconds: number };

/** Times are processor times of this thread in µs for one operation, where nothing else is said. */
export type StoreFigures = {
  readonly bytesPerKey: number;
  readonly create: number;
  readonly get: number;
  readonly put: number;
  readonly delete: number;
  /** Milliseconds for a page of 100 keys. */
  readonly pageMs: number;
  /** The longest turn of the event loop while updates were made at UPDATES_PER_SECOND, by the clock and by processor time. */
  readonly stallMs: number;
  readonly stallProcessorMs: number;
  readonly updatesPerSecond: number;
};

export const VALUE_BYTES = 100;
export const KEY_BYTES = 20;
const SAMPLE = 200_000;
const PAGE = 100;
const UPDATES_PER_SECOND = 100_000;
/** Short, so that a longer turn is the store's, not the wish to catch up. */
const SLICE_MS = 2;

const value = Buffer.alloc(VALUE_BYTES, 'v');
const keyBytes = Buffer.from('key:0000000000000000');
let revision = 0;

if (import.meta.main) console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? '') as StoreTask)));

/** Runs this file as a process of its own. */
export async function measureStore(task: StoreTask): Promise<StoreFigures> {
  // A Map of some millions of keys needs more than the default heap.
  const flags = ['--expose-gc', '--max-old-space-size=8192'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...flags,
    import.meta.filename,
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout) as StoreFigures;
}

async function measure({ kind, keys, seconds }: StoreTask): Promise<StoreFigures> {
  const keyspace = { nothing, map: () => new MapKeyspace(), 'off-heap': () => new OffHeapKeyspace(2 ** 40 + 1) }[
    kind
  ]();
  const count = kind === 'nothing' ? 1 : keys;
  collect();
  const before = process.memoryUsage.rss();
  const create = timed(count, (i) => keyspace.set(keyOf(scattered(i, keys)), entry()));
  await collect();
  const bytesPerKey = (process.memoryUsage.rss() - before) / count;
  const sample = Math.min(SAMPLE, count);
  const get = timed(sample, (i) => void keyspace.get(keyOf(scattered(7 * i, keys))));
  const put = timed(sample, (i) => keyspace.set(keyOf(scattered(11 * i, keys)), entry()));
  // The Map sorts all keys for each page.
  const pages = kind === 'map' ? 1 : 100;
  const pageMs =
    timed(pages, (i) => void keyspace.keysAfter(keyBytes.subarray(0, 4), keyOf(scattered(i, keys)).slice(), PAGE)) /
    1e3;
  const paced = await pace(keyspace, keys, seconds);
  const deleted = timed(sample, (i) => void keyspace.delete(keyOf(scattered(i, keys))));
  return { bytesPerKey, create, get, put, delete: deleted, pageMs, ...paced };
}

/** Random updates at the wanted rate, as many in each turn as are due by then. */
async function pace(
  keyspace: Keyspace,
  keys: number,
  seconds: number,
): Promise<Pick<StoreFigures, 'stallMs' | 'stallProcessorMs' | 'updatesPerSecond'>> {
  const begun = performance.now();
  let stallMs = 0;
  let stallProcessorMs = 0;
  let done = 0;
  let turnAt = begun;
  let turnProcessorAt = processorUs();
  while (turnAt - begun < seconds * 1000) {
    const due = ((turnAt - begun) / 1000) * UPDATES_PER_SECOND;
    // The clock is looked at now and then only.
    for (; done < due && performance.now() - turnAt < SLICE_MS; done += 20) {
      for (let i = done; i < done + 20; i++) keyspace.set(keyOf(scattered(13 * i, keys)), entry());
    }
    await new Promise((resolve) => setImmediate(resolve));
    const now = performance.now();
    const processorNow = processorUs();
    stallMs = Math.max(stallMs, now - turnAt);
    stallProcessorMs = Math.max(stallProcessorMs, (processorNow - turnProcessorAt) / 1e3);
    turnAt = now;
    turnProcessorAt = processorNow;
  }
  return { stallMs, stallProcessorMs, updatesPerSecond: done / seconds };
}

function timed(count: number, run: (i: number) => void): number {
  const begun = processorUs();
  for (let i = 0; i < count; i++) run(i);
  return (processorUs() - begun) / count;
}

function processorUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function entry(): Entry {
  return { value, contentType: 'application/octet-stream', revision: ++revision, expiresAt: 0 };
}

/** The i-th key's number: all of them once, in an order without any order. */
function scattered(i: number, keys: number): number {
  // 2^31 − 1 is a prime, so multiplying loses none of the keys; the numbers are below 2^53.
  return (((i % keys) + 1) * 1_103_515_245) % 2_147_483_647;
}

function keyOf(number: number): Uint8Array {
  let rest = number;
  for (let at = KEY_BYTES - 1; at >= 4; at--) {
    keyBytes[at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return keyBytes;
}

/** What the loop itself and the machine cost. */
function nothing(): Keyspace {
  return {
    keys: 0,
    bytes: 0,
    digest: { high: 0, low: 0 },
    get: () => undefined,
    set() {},
    restore() {},
    delete: () => false,
    keysAfter: () => [],
    visit: () => {},
    beforeChange: undefined,
    expired: () => [],
    newOutcomeRows: () => new MapOutcomes(),
    use: () => undefined,
    leastUsed: () => [],
  };
}

/** Twice, for pages are given back behind the first one. */
async function collect(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
