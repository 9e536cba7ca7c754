// What a snapshot costs: the worst stall of the event loop while one is taken under updates, and MB/s of writing and restoring it.
//
//   node test/bench/snapshot.ts [keys] [updates per second] [outcomes]   1,000,000, 100,000 and 0 unless said otherwise
//
// A stall is the longest time between two turns of the event loop. On a machine shared with others the wall clock also shows
// what the others took, so the processor time of this thread in one turn is given beside it.
import { rmSync } from 'node:fs';
import { STATE_LIMITS } from '../../src/base/limits.ts';
import { systemWorld } from '../../src/base/system-world.ts';
import type { Keyspace } from '../../src/core/keyspace.ts';
import { Machine } from '../../src/core/machine.ts';
import { openFileSnapshots } from '../../src/log/file-snapshots.ts';
import type { SnapshotStore } from '../../src/log/snapshot-store.ts';
import { cutSnapshot } from '../../src/snapshot/cut.ts';
import { decodeManifest, encodeManifest } from '../../src/snapshot/manifest.ts';
import { SnapshotReader } from '../../src/snapshot/reader.ts';
import { OffHeapKeyspace } from '../../src/store/off-heap-keyspace.ts';
import { temporaryDirectory } from '../servers/places.ts';

const keys = Number(process.argv[2] ?? 1_000_000);
const updatesPerSecond = Number(process.argv[3] ?? 100_000);
const outcomes = Number(process.argv[4] ?? 0);
const VALUE_BYTES = 100;
const ROUNDS = 5;

const { nextTurn } = systemWorld.clock;
let random = 1;
const value = new Uint8Array(VALUE_BYTES);

const machine = newMachine();
await fill(machine);
const dir = temporaryDirectory('bench-snapshot');
const store = await openFileSnapshots({ dir, node: 'bench' });
try {
  const rows = [];
  for (let round = 0; round < ROUNDS; round++) {
    const quiet = await underUpdates(() => pause(2000));
    const taken = await underUpdates(() => take(store));
    const restored = await timed(() => restore(store, taken.result.id));
    const megabytes = taken.result.bytes / 1e6;
    rows.push({
      'stall without, ms': quiet.stallMs,
      'stall while taken, ms': taken.stallMs,
      'processor without, ms': quiet.processorMs,
      'processor while taken, ms': taken.processorMs,
      MB: megabytes,
      'taken, s': taken.seconds,
      'taken, MB/s': megabytes / taken.seconds,
      'restored, s': restored.seconds,
      'restored, MB/s': megabytes / restored.seconds,
      'updates meanwhile': taken.updates,
    });
    await store.remove(taken.result.id);
  }
  for (const name of Object.keys(rows[0] ?? {}) as (keyof (typeof rows)[number])[]) {
    const sorted = rows.map((row) => row[name]).sort((a, b) => a - b);
    const [least, middle, most] = [sorted[0], sorted[ROUNDS >> 1], sorted.at(-1)].map((one) => (one ?? 0).toFixed(2));
    console.log(`${name.padEnd(28)} median ${middle?.padStart(12)}   ${least} to ${most}`);
  }
} finally {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
}

async function fill({ state }: Machine): Promise<void> {
  state.cluster = 'bench';
  state.limits = { ...STATE_LIMITS, featureLevel: 1 };
  for (let i = 0; i < keys; i++) {
    set(state.keyspace, i);
    if (i % 5000 === 0) await nextTurn();
  }
  const verdict = { code: 'replaced', detail: 0n } as const;
  for (let i = 0; i < outcomes; i++) state.recent.add('', `an id of twenty-one ${i}`, BigInt(i), verdict, i);
}

async function take(into: SnapshotStore): Promise<{ id: string; bytes: number }> {
  const cut = cutSnapshot(machine.state, 0);
  let bytes = 0;
  async function* sliced() {
    for (const chunk of cut.chunks) {
      bytes += chunk.length;
      yield chunk;
      await nextTurn();
    }
  }
  const id = await into.save({ revision: cut.manifest.revision, manifest: encodeManifest(cut.manifest) }, sliced());
  return { id, bytes };
}

async function restore(from: SnapshotStore, id: string): Promise<void> {
  const { manifest, chunks } = await from.open(id);
  const target = newMachine();
  const reader = new SnapshotReader(decodeManifest(manifest), target.state);
  for await (const chunk of chunks) reader.read(chunk);
  reader.finish();
}

type Measured<T> = {
  readonly result: T;
  readonly seconds: number;
  readonly stallMs: number;
  readonly processorMs: number;
  readonly updates: number;
};

/** Runs the task while updates go on in every turn of the event loop, as many as are due. */
async function underUpdates<T>(task: () => Promise<T>): Promise<Measured<T>> {
  let isOver = false;
  let [stallMs, processorMs, updates] = [0, 0, 0];
  const running = timed(task).finally(() => {
    isOver = true;
  });
  const began = performance.now();
  let last = began;
  let lastProcessor = processorTimeMs();
  while (!isOver) {
    // At most 2 ms of them in one turn, as the replica applies in slices.
    const due = ((performance.now() - began) * updatesPerSecond) / 1000;
    for (const until = performance.now() + 2; updates < due && performance.now() < until; ) {
      for (let i = 0; i < 100; i++) set(machine.state.keyspace, chance(keys));
      updates += 100;
    }
    await nextTurn();
    const [now, processor] = [performance.now(), processorTimeMs()];
    stallMs = Math.max(stallMs, now - last);
    processorMs = Math.max(processorMs, processor - lastProcessor);
    [last, lastProcessor] = [now, processor];
  }
  return { ...(await running), stallMs, processorMs, updates };
}

async function timed<T>(task: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const began = performance.now();
  const result = await task();
  return { result, seconds: (performance.now() - began) / 1000 };
}

function processorTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function set(keyspace: Keyspace, number: number): void {
  value[0] = number;
  keyspace.set(Buffer.from(`key-${String(number).padStart(16, '0')}`, 'latin1'), {
    value,
    contentType: 'text/plain',
    revision: ++machine.state.revision,
    expiresAt: 0,
  });
}

function newMachine(): Machine {
  return new Machine(new OffHeapKeyspace(0x1234_5678_9abc));
}

/** A whole number from 0 to `below`; the same ones in every run. */
function chance(below: number): number {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return random % below;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
