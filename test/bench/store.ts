// node test/bench/store.ts [--keys 5000000] [--seconds 5]: what a key costs outside the heap, in a Map, and in a real Redis, in one run.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureRedis, type RedisFigures } from './store-redis.ts';
import { KEY_BYTES, measureStore, STORE_KINDS, type StoreFigures, type StoreKind, VALUE_BYTES } from './store-side.ts';

const NAMES: Readonly<Record<StoreKind, string>> = {
  nothing: 'no store at all',
  map: 'on a Map',
  'off-heap': 'outside the heap',
};

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, seconds: { type: 'string', default: '5' } },
});
await main(Number(values.keys), Number(values.seconds));

async function main(keys: number, seconds: number): Promise<void> {
  const redis = await measureRedis(keys, KEY_BYTES, VALUE_BYTES);
  const rows: Record<string, Record<string, string>> = {};
  let offHeap: StoreFigures | undefined;
  for (const kind of STORE_KINDS) {
    const figures = await measureStore({ kind, keys, seconds });
    rows[NAMES[kind]] = storeRow(figures, kind);
    if (kind === 'off-heap') offHeap = figures;
  }
  rows[`Redis ${redis.version}`] = redisRow(redis);
  console.log(`${keys} keys of ${KEY_BYTES} B with values of ${VALUE_BYTES} B`);
  console.table(rows);
  const ratio = (offHeap?.bytesPerKey ?? Number.NaN) / redis.bytesPerKey;
  console.log(`bytes per key, outside the heap against Redis: ${ratio.toFixed(2)}`);
  console.log(circumstances(seconds));
}

function storeRow(figures: StoreFigures, kind: StoreKind): Record<string, string> {
  const isStore = kind !== 'nothing';
  return {
    'B/key': isStore ? figures.bytesPerKey.toFixed(0) : '',
    'create µs': isStore ? figures.create.toFixed(2) : '',
    'get µs': figures.get.toFixed(2),
    'put µs': figures.put.toFixed(2),
    'delete µs': figures.delete.toFixed(2),
    'page ms': isStore ? figures.pageMs.toFixed(2) : '',
    'updates/s': figures.updatesPerSecond.toFixed(0),
    'stall ms': figures.stallMs.toFixed(1),
    'of them running': figures.stallProcessorMs.toFixed(1),
  };
}

function redisRow(figures: RedisFigures): Record<string, string> {
  return {
    'B/key': `${figures.bytesPerKey.toFixed(0)} (${figures.residentBytesPerKey.toFixed(0)})`,
    'create µs': figures.create.toFixed(2),
    'get µs': figures.get.toFixed(2),
    'put µs': figures.put.toFixed(2),
    'delete µs': figures.delete.toFixed(2),
  };
}

function circumstances(seconds: number): string {
  const all = cpus();
  const machine = `${all.length} × ${all[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}`;
  const load = `load ${loadavg()[0]?.toFixed(1)}`;
  return [
    'B/key: what the process grew by; Redis by its own count (and what its process grew by).',
    'create, get, put, delete, page (100 keys): processor time of the thread; Redis: clock time, 1,000 commands at a time over the loopback.',
    `stall: the longest turn of the event loop in ${seconds} s of random updates, 100,000/s wanted; running: the thread's own processor time in a turn.`,
    `${machine}, ${new Date().toISOString().slice(0, 10)}, ${load}`,
  ].join('\n');
}
