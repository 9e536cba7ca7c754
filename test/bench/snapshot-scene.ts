// A machine full of keys that is changed all the time while snapshots of it are taken, and restored: what snapshot measurements share.
//
// A stall is the longest time between two turns of the event loop. On a machine shared with others the wall clock also shows
// what the others took, so the processor time of this thread in one turn is given beside it.
import { rmSync } from 'node:fs';
import { STATE_LIMITS } from '../../src/base/limits.ts';
import { systemWorld } from '../../src/base/system-world.ts';
import type { Keyspace } from '../../src/core/keyspace.ts';
import { Machine } from '../../src/core/machine.ts';
import { State } from '../../src/core/state.ts';
import { openFileSnapshots } from '../../src/log/file-snapshots.ts';
import type { SnapshotStore } from '../../src/log/snapshot-store.ts';
import { readSnapshot } from '../../src/node/snapshot-reading.ts';
import { cutSnapshot } from '../../src/snapshot/cut.ts';
import { encodeManifest } from '../../src/snapshot/manifest.ts';
import { OffHeapKeyspace } from '../../src/store/off-heap-keyspace.ts';
import { temporaryDirectory } from '../servers/places.ts';

type SceneOptions = { readonly keys: number; readonly outcomes: number; readonly updatesPerSecond: number };

type Measured<T> = {
  readonly result: T;
  readonly seconds: number;
  readonly stallMs: number;
  readonly processorMs: number;
  readonly updates: number;
};

const VALUE_BYTES = 100;
const { nextTurn } = systemWorld.clock;

export class SnapshotScene {
  readonly #options: SceneOptions;
  readonly #machine = new Machine(newKeyspace());
  readonly #dir: string;
  readonly #store: SnapshotStore;
  readonly #value = new Uint8Array(VALUE_BYTES);
  #random = 1;

  static async open(options: SceneOptions): Promise<SnapshotScene> {
    const dir = temporaryDirectory('bench-snapshot');
    const scene = new SnapshotScene(options, dir, await openFileSnapshots({ dir, node: 'bench' }));
    await scene.#fill();
    return scene;
  }

  private constructor(options: SceneOptions, dir: string, store: SnapshotStore) {
    this.#options = options;
    this.#dir = dir;
    this.#store = store;
  }

  async close(): Promise<void> {
    await this.#store.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  quiet(ms: number): Promise<Measured<void>> {
    return this.#underUpdates(() => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  /** Its result: the bytes of the snapshot, which takes the place of the one before. */
  async taken(): Promise<Measured<number>> {
    for (const { id } of await this.#store.list()) await this.#store.remove(id);
    return this.#underUpdates(() => this.#take());
  }

  /** Seconds in which the snapshot taken last becomes a machine. */
  async restored(): Promise<number> {
    const [newest] = await this.#store.list();
    const snapshot = await this.#store.open(newest?.id ?? '');
    const { seconds } = await timed(() => readSnapshot(snapshot, new State(newKeyspace()), systemWorld));
    return seconds;
  }

  async #fill(): Promise<void> {
    const { state } = this.#machine;
    state.cluster = 'bench';
    state.limits = { ...STATE_LIMITS, featureLevel: 1 };
    for (let i = 0; i < this.#options.keys; i++) {
      this.#set(state.keyspace, i);
      if (i % 5000 === 0) await nextTurn();
    }
    const verdict = { code: 'replaced', detail: 0n } as const;
    for (let i = 0; i < this.#options.outcomes; i++) {
      state.recent.add('', `an id of twenty-one ${i}`, BigInt(i), verdict, i);
    }
  }

  async #take(): Promise<number> {
    const cut = cutSnapshot(this.#machine.state, 0);
    let bytes = 0;
    async function* sliced() {
      for (const chunk of cut.chunks) {
        bytes += chunk.length;
        yield chunk;
        await nextTurn();
      }
    }
    await this.#store.save({ revision: cut.manifest.revision, manifest: encodeManifest(cut.manifest) }, sliced());
    return bytes;
  }

  /** Runs the task while updates go on in every turn of the event loop, as many as are due. */
  async #underUpdates<T>(task: () => Promise<T>): Promise<Measured<T>> {
    const { keys, updatesPerSecond } = this.#options;
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
        for (let i = 0; i < 100; i++) this.#set(this.#machine.state.keyspace, this.#chance(keys));
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

  #set(keyspace: Keyspace, number: number): void {
    this.#value[0] = number;
    keyspace.set(Buffer.from(`key-${String(number).padStart(16, '0')}`, 'latin1'), {
      value: this.#value,
      contentType: 'text/plain',
      revision: ++this.#machine.state.revision,
      expiresAt: 0,
    });
  }

  /** A whole number from 0 to `below`; the same ones in every run. */
  #chance(below: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random % below;
  }
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

function newKeyspace(): OffHeapKeyspace {
  return new OffHeapKeyspace(0x1234_5678_9abc);
}
