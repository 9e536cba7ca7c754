// A scene for the tests of node/: nodes of the real code on one memory log, under a clock moved by hand.

import type { FatalError } from '../../../src/base/errors.ts';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { createLogger } from '../../../src/base/logger.ts';
import { decodeFrame, type Frame } from '../../../src/core/codec.ts';
import type { Heartbeat, KeyCommand, Put, StateLimits } from '../../../src/core/commands/command.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import type { Entry } from '../../../src/core/keyspace.ts';
import type { CommitLog } from '../../../src/log/commit-log.ts';
import { type AppendFate, createMemoryLogStore, type MemoryLogStore } from '../../../src/log/memory-log.ts';
import { createMemorySnapshots, type MemorySnapshots, type SaveFate } from '../../../src/log/memory-snapshots.ts';
import { type ChorusNode, createNode } from '../../../src/node/node.ts';
import type { ReadRequest, WriteRequest, WriteResult } from '../../../src/node/requests.ts';
import type { SnapshotPolicy } from '../../../src/node/snapshot-options.ts';
import { ManualClock, manualWorld } from '../../manual-world.ts';

const LOG_EPOCH = 1_700_000_000_000;
export const ACKNOWLEDGED: AppendFate = { kind: 'acknowledged', landsAfterMs: 0, answersAfterMs: 0 };
export const REFUSED: AppendFate = { kind: 'refused', answersAfterMs: 0, isPermanent: false };
/** The log does not answer for an hour. */
export const HANGS: AppendFate = { kind: 'unknown', landsAfterMs: undefined, answersAfterMs: 3_600_000 };

export type ActorOptions = {
  readonly limits?: Partial<StateLimits>;
  /** What the data directory remembers. */
  readonly cluster?: string;
  /** Replaces functions of its log. */
  readonly overrideLog?: (log: CommitLog) => Partial<CommitLog>;
  readonly policy?: Partial<SnapshotPolicy>;
  /** Of an older program. */
  readonly featureLevel?: number;
};

/** One process of a node, in which nothing happens any more once it was killed. */
export class Actor {
  readonly node: ChorusNode;
  readonly log: CommitLog;
  /** What its data directory remembers. */
  cluster: string | undefined;
  readonly fatals: FatalError[] = [];
  /** Set to hold back what follows a pause until the sockets were emptied. */
  socketsEmptied: () => Promise<void>;
  #isAlive = true;

  constructor(scene: Scene, nodeId: string, name: string, options: ActorOptions) {
    const { clock } = scene;
    const log = scene.store.open(name);
    this.log = { ...bound(log), ...options.overrideLog?.(log) };
    this.cluster = options.cluster;
    this.socketsEmptied = () => clock.nextTurn();
    const ifAlive = (task: () => void) => () => (this.#isAlive ? task() : undefined);
    const ownClock = {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      nextTurn: () => clock.nextTurn(),
      after: (ms: number, task: () => void) => clock.after(ms, ifAlive(task)),
    };
    this.node = createNode({
      nodeId,
      address: `${name}:80`,
      pid: 1,
      version: '1.0.0',
      log: this.log,
      world: { ...manualWorld(ownClock, name), socketsEmptied: () => this.socketsEmptied() },
      logger: silent,
      limits: { ...STATE_LIMITS, featureLevel: 1, ...options.limits },
      receiveBackup: () => Promise.reject(new Error('there is no disk')),
      identity: {
        load: async () => this.cluster,
        save: (cluster) => this.save(cluster),
      },
      snapshots: { store: scene.snapshots.open(name), everyBytes: Infinity, everyRecords: Infinity, ...options.policy },
      onFatal: (error) => {
        this.fatals.push(error);
      },
      ...(options.featureLevel === undefined ? {} : { featureLevel: options.featureLevel }),
    });
  }

  get isReady(): boolean {
    return this.node.status().phase === 'ready';
  }

  /** Why it ended, if it did. */
  get fatal(): FatalError | undefined {
    return this.fatals[0];
  }

  /** Into the data directory: to be replaced where that fails. */
  save = async (cluster: string): Promise<void> => {
    this.cluster = cluster;
  };

  /** SIGKILL. */
  kill(): void {
    this.#isAlive = false;
    void this.log.close();
  }

  submit(command: KeyCommand, request: Partial<WriteRequest> = {}): Watched<WriteResult> {
    return watch(this.node.submit({ command, id: undefined, caller: '', timeoutMs: 5000, ...request }));
  }

  read(key: string, request: Partial<ReadRequest> = {}): Watched<ReadOf> {
    const asked = {
      key: keyOf(key),
      consistency: 'linearizable',
      minRevision: 0,
      timeoutMs: 5000,
      ...request,
    } as const;
    return watch(this.node.read(asked).then((result) => (result.kind === 'read' ? textOf(result.entry) : result)));
  }

  /** An eventual read. */
  get(key: string): string | undefined {
    return textOf(this.node.get(keyOf(key)));
  }
}

type ReadOf =
  | string
  | undefined
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'timed-out' };

export class Scene {
  readonly clock = new ManualClock();
  readonly store: MemoryLogStore;
  readonly snapshots: MemorySnapshots;
  /** What becomes of appends from now on. `handle` is the actor's name. */
  fateOf: (handle: string, payload: Uint8Array) => AppendFate = () => ACKNOWLEDGED;
  deliveryDelayMs = 0;
  /** What becomes of snapshots from now on. */
  fateOfSave: (handle: string) => SaveFate = () => ({ kind: 'saved' });
  /** What the log's clock is off by. */
  logClockOffsetMs = 0;
  readonly #starts = new Map<string, number>();

  constructor() {
    this.snapshots = createMemorySnapshots({ fateOfSave: (handle) => this.fateOfSave(handle) });
    this.store = createMemoryLogStore({
      clock: this.clock,
      faults: {
        fateOfAppend: (handle, payload) => this.fateOf(handle, payload),
        deliveryDelayMs: () => this.deliveryDelayMs,
        timestamp: () => LOG_EPOCH + Math.trunc(this.clock.monotonicMs()) + this.logClockOffsetMs,
      },
    });
  }

  /** A process that was not started yet; its name is `nodeId#1`, then `nodeId#2`. */
  create(nodeId: string, options: ActorOptions = {}): Actor {
    const starts = (this.#starts.get(nodeId) ?? 0) + 1;
    this.#starts.set(nodeId, starts);
    return new Actor(this, nodeId, `${nodeId}#${starts}`, options);
  }

  async start(nodeId: string, options: ActorOptions = {}): Promise<Actor> {
    const actor = this.create(nodeId, options);
    // A start that reads a snapshot takes turns.
    await Promise.all([actor.node.start(), this.settle()]);
    return actor;
  }

  /** Started, ready, and known to be so by all. */
  async startReady(nodeId: string, options: ActorOptions = {}): Promise<Actor> {
    const actor = await this.start(nodeId, options);
    await this.settle();
    if (!actor.isReady) throw new Error(`${nodeId} is ${actor.node.status().phase}`);
    return actor;
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }

  move(ms: number): Promise<void> {
    return this.clock.move(ms);
  }

  /** The frames in the log, undecodable records left out. */
  frames(): (Frame & { readonly offset: number; readonly timestamp: number })[] {
    return this.store.history().flatMap(({ offset, timestamp, payload }) => {
      const decoded = decodeFrame(payload);
      return decoded.kind === 'frame' ? [{ ...decoded.frame, offset, timestamp }] : [];
    });
  }

  /** The heartbeats in the log by the processes of a nodeId, with the log time at which they landed. */
  heartbeats(nodeId: string): (Heartbeat & { readonly landedAt: number })[] {
    const frames = this.frames().filter(({ node }) => node === nodeId);
    return frames.flatMap(({ commands, timestamp }) =>
      commands.flatMap(({ command }) =>
        command.type === 'heartbeat' ? [{ ...command, landedAt: timestamp - LOG_EPOCH }] : [],
      ),
    );
  }

  /** Appends a record from outside of all nodes. */
  async write(payload: Uint8Array): Promise<void> {
    const appended = this.store.open('outside').append(payload);
    await this.settle();
    await appended;
  }
}

/** Replaces `follow` so that records come one at a time, each when the test lets it. */
export class Gate {
  #isOpen = false;
  #waiting: (() => void)[] = [];

  readonly overrideLog = (log: CommitLog): Partial<CommitLog> => ({
    follow: ({ from, signal, onRecords }) =>
      log.follow({
        from,
        signal,
        onRecords: async (records) => {
          for (const record of records) {
            await this.#passed();
            await onRecords([record]);
          }
        },
      }),
  });

  /** Lets one record through; it must be there. */
  letOne(): void {
    const pass = this.#waiting.shift();
    if (pass === undefined) throw new Error('no record waits');
    pass();
  }

  open(): void {
    this.#isOpen = true;
    for (const pass of this.#waiting.splice(0)) pass();
  }

  #passed(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }
}

export type Watched<T> = {
  isSettled: boolean;
  value: T | undefined;
};

/** What came of a promise so far. A rejection fails the test. */
export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { isSettled: false, value: undefined };
  void promise.then((value) => {
    watched.isSettled = true;
    watched.value = value;
  });
  return watched;
}

export function keyOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function put(key: string, value: string | Uint8Array, ttlMs = 0): Put {
  const bytes = typeof value === 'string' ? keyOf(value) : value;
  return { type: 'put', key: keyOf(key), value: bytes, contentType: '', ttlMs, condition: ALWAYS };
}

export function increment(key: string): KeyCommand {
  return { type: 'increment', key: keyOf(key), by: 1n, ttlMs: 0, condition: ALWAYS };
}

const silent = createLogger('silent', {});

function textOf(entry: Entry | undefined): string | undefined {
  return entry === undefined ? undefined : Buffer.from(entry.value).toString('latin1');
}

function bound(log: CommitLog): CommitLog {
  return {
    append: (payload) => log.append(payload),
    start: () => log.start(),
    end: () => log.end(),
    barrier: () => log.barrier(),
    follow: (options) => log.follow(options),
    trim: (before) => log.trim(before),
    close: () => log.close(),
  };
}
