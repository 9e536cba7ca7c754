// The simulated cluster: three nodes of the real code on one memory log, and what may befall them.
import { EXIT } from '../../src/base/errors.ts';
import { STATE_LIMITS } from '../../src/base/limits.ts';
import { createLogger } from '../../src/base/logger.ts';
import type { FaultPoint } from '../../src/base/world.ts';
import type { StateLimits } from '../../src/core/commands/command.ts';
import { type AppendFate, createMemoryLogStore, type MemoryLogStore } from '../../src/log/memory-log.ts';
import { createMemorySnapshots, type MemorySnapshots, type SaveFate } from '../../src/log/memory-snapshots.ts';
import type { SnapshotStore } from '../../src/log/snapshot-store.ts';
import { type ChorusNode, createNode } from '../../src/node/node.ts';
import { drawAppendFate, holdsClients } from './append-fate.ts';
import { receiveInMemory } from './backup-memory.ts';
import { SimulatedProcess } from './process.ts';
import { RecordFaults } from './record-faults.ts';
import { drawSaveFate } from './save-fate.ts';
import type { Chances, Scheduler } from './scheduler.ts';
import type { Trim } from './snapshots.ts';
import { CALM, crashChance, type Swarm } from './swarm.ts';
import { Upgrade } from './upgrade.ts';

/** One nodeId: at most one process at a time, many in its life. */
export type Slot = {
  readonly nodeId: string;
  process: SimulatedProcess;
  node: ChorusNode;
  /** What its data directory remembers. */
  cluster: string | undefined;
  starts: number;
};

/** What the oracles want to hear as it happens. */
type Observer = {
  onAcknowledged(processName: string, payload: Uint8Array): void;
  onViolation(what: string): void;
  /** A process has begun: `slot.node` is its node. */
  onStarted?(slot: Slot): void;
};

const LOG_EPOCH = 1_000_000_000_000;
/** So small that commands come in between. */
const SLICES = { chunkBytes: 60, chunkRows: 3, maxHeldBytes: 2000 };
const silent = createLogger('silent', {});

export class SimulatedCluster {
  readonly slots: Slot[] = [];
  readonly store: MemoryLogStore;
  readonly snapshots: MemorySnapshots;
  /** The cluster begins at the first feature level and rises by its members' heartbeats. */
  readonly limits: StateLimits;
  /** Simulated time at which the record of each offset landed. */
  readonly landedAt: number[] = [];
  /** Fault points at which a process was crashed. */
  readonly crashedAt = new Set<FaultPoint>();
  readonly trims: Trim[] = [];
  /** By id, those that the process which differs found wrong and removed: how many records the log had then. */
  readonly wronglyRemoved = new Map<string, number>();
  swarm: Swarm;
  /** Revision and process of each snapshot that was not stored as it was saved. */
  readonly #spoilt = new Set<string>();
  readonly #scheduler: Scheduler;
  readonly #observer: Observer;
  #logClockOffset = LOG_EPOCH;
  #wallClockOffset = 0;
  readonly #eventsKept: number;
  readonly #isBarrierAppended: boolean;
  readonly #upgrade: Upgrade;
  readonly #records: RecordFaults;
  readonly #saving: Scheduler;
  readonly #snapshotEvery: number;

  constructor(chances: Chances, swarm: Swarm, observer: Observer) {
    const { scheduler, saving, mixing } = chances;
    this.#saving = saving;
    this.#snapshotEvery = swarm.snapshotEvery;
    this.#scheduler = scheduler;
    this.#observer = observer;
    this.swarm = swarm;
    this.#eventsKept = swarm.eventsKept;
    this.#isBarrierAppended = swarm.isBarrierAppended;
    this.#records = new RecordFaults(chances);
    this.#upgrade = new Upgrade(swarm.olderLevel, mixing);
    this.snapshots = createMemorySnapshots({
      fateOfSave: (name, revision) => this.#fateOfSave(`${revision}-${name}-`),
    });
    this.limits = { ...STATE_LIMITS, featureLevel: 1, ...swarm.limits };
    this.store = createMemoryLogStore({
      clock: {
        monotonicMs: () => scheduler.now,
        wallMs: () => scheduler.now,
        after: (ms, task) => scheduler.after(ms, task),
        nextTurn: () => new Promise<void>((resolve) => void scheduler.after(0, resolve)),
      },
      faults: {
        fateOfAppend: (name, payload) => this.#fateOfAppend(name, payload),
        deliveryDelayMs: () => scheduler.random() * this.swarm.deliveryDelay,
        timestamp: () => this.#timestamp(),
      },
    });
  }

  start(nodeIds: readonly string[]): void {
    for (const nodeId of nodeIds) {
      const slot = { nodeId, cluster: undefined, starts: 0 } as Partial<Slot> as Slot;
      this.slots.push(slot);
      this.#startProcess(slot);
      const moment = this.#upgrade.drawMoment(nodeId);
      if (moment !== undefined) this.#scheduler.after(moment, () => this.#startUpgraded(slot));
    }
    this.#recur(
      () => this.swarm.crashEvery,
      () => this.#scheduler.pick(this.slots).process.kill(),
    );
    this.#recur(
      () => this.swarm.pauseEvery,
      () => this.#pause(),
    );
    this.#recur(
      () => this.swarm.logClockJumpEvery,
      () => this.#jumpLogClock(),
    );
    this.#recur(
      () => this.swarm.snapshotAskedEvery,
      () => this.#askForSnapshot(),
    );
    this.#recur(
      () => this.swarm.wallClockJumpEvery,
      () => {
        this.#wallClockOffset += this.#scheduler.between(-3_600_000, 3_600_000);
      },
    );
  }

  /** Ends all faults and starts again whatever is down. */
  heal(): void {
    this.swarm = CALM;
    for (const slot of this.slots) {
      slot.process.resume();
      this.#startUpgraded(slot);
      if (slot.process.isDead) this.#startProcess(slot);
    }
  }

  /** Ends all processes, so that nothing of this run is kept. */
  end(): void {
    for (const { process } of this.slots) process.kill();
  }

  #startProcess(slot: Slot): void {
    slot.starts++;
    const name = `${slot.nodeId}#${slot.starts}`;
    const log = this.store.open(name);
    this.#scheduler.tell(name, () => `starts, knowing level ${this.#upgrade.levelOf(slot.nodeId)}`);
    const process: SimulatedProcess = new SimulatedProcess({
      name,
      scheduler: this.#scheduler,
      wallOffset: () => this.#wallClockOffset,
      crashesAt: (point) => this.#crashesAt(point),
      onCrash: () => {
        this.#scheduler.note(`crash ${name}`);
        void log.close();
        this.#scheduler.after(this.#scheduler.between(50, 5000), () => {
          if (slot.process === process) this.#startProcess(slot);
        });
      },
    });
    slot.process = process;
    slot.node = createNode({
      nodeId: slot.nodeId,
      address: name,
      pid: slot.starts,
      version: 'simulated',
      log: process.wrap(log, {
        onAcknowledged: (payload) => this.#observer.onAcknowledged(name, payload),
        seen: (record) => this.#records.seen(this.swarm, name, record),
        isBarrierAppended: this.#isBarrierAppended,
        onTrim: (before) => void this.trims.push({ before, landed: this.store.history().length }),
      }),
      world: process.world,
      logger: silent,
      limits: this.limits,
      featureLevel: this.#upgrade.levelOf(slot.nodeId),
      history: { maxEvents: this.#eventsKept },
      snapshots: {
        store: process.wrapSnapshots(this.#snapshotsOf(name), () => this.#saving.random() * this.swarm.chunkDelay),
        everyBytes: Number.POSITIVE_INFINITY,
        everyRecords: this.#snapshotEvery,
        slices: SLICES,
      },
      receiveBackup: receiveInMemory,
      identity: {
        load: async () => slot.cluster,
        save: async (cluster) => {
          slot.cluster = cluster;
        },
      },
      onFatal: (error) => {
        const hasGap = this.#records.skipped === name && error.exitCode === EXIT.brokenAssertion;
        if (error.exitCode === EXIT.leftBehind || hasGap) process.kill();
        else if (this.#upgrade.isOutdated(slot.nodeId, error)) this.#startUpgraded(slot);
        else if (!process.isDead) this.#observer.onViolation(`${name} ended itself: ${error.message}`);
      },
    });
    this.#observer.onStarted?.(slot);
    slot.node.start().catch((error: Error) => {
      if (this.#upgrade.isOutdated(slot.nodeId, error)) this.#startUpgraded(slot);
      else if (!process.isDead) this.#observer.onViolation(`${name} did not start: ${error.message}`);
    });
  }

  #startUpgraded(slot: Slot): void {
    if (this.#upgrade.isOver(slot.nodeId)) return;
    this.#scheduler.note(`upgrade ${slot.nodeId}`);
    this.#scheduler.tell(slot.nodeId, () => 'is to go on as the newer program');
    this.#upgrade.upgrade(slot.nodeId);
    slot.process.kill();
  }

  #crashesAt(point: FaultPoint): boolean {
    const chance = crashChance(this.swarm, point);
    const crashes = chance > 0 && this.#scheduler.random() < chance;
    if (crashes) this.crashedAt.add(point);
    return crashes;
  }

  #fateOfAppend(name: string, payload: Uint8Array): AppendFate {
    return drawAppendFate(this.swarm, this.#scheduler, (landsAfterMs) => {
      const pauses = holdsClients(payload) && this.#saving.random() < this.swarm.zombiePause;
      if (pauses) this.#pauseUntilLanded(name, landsAfterMs);
    });
  }

  // Whatever else its process appended would make a copy of the zombie: while it stands still, only the deadlines stop it.
  #pauseUntilLanded(name: string, afterMs: number): void {
    const author = this.slots.find(({ process }) => process.name === name)?.process;
    author?.pause();
    this.#scheduler.after(afterMs + 100, () => author?.resume());
  }

  /** The process that was given a record which the log does not hold. */
  get falsified(): string | undefined {
    return this.#records.falsified;
  }

  isSpoilt(id: string): boolean {
    return [...this.#spoilt].some((start) => id.startsWith(start));
  }

  #snapshotsOf(name: string): SnapshotStore {
    const store = this.snapshots.open(name);
    const remove = (id: string) => {
      if (name === this.falsified) this.wronglyRemoved.set(id, this.landedAt.length);
      return store.remove(id);
    };
    return { ...store, remove };
  }

  #fateOfSave(start: string): SaveFate {
    if (this.falsified !== undefined && start.endsWith(`-${this.falsified}-`)) this.#spoilt.add(start);
    return drawSaveFate(this.swarm, this.#saving, () => this.#spoilt.add(start));
  }

  #askForSnapshot(): void {
    const { process, node } = this.#saving.pick(this.slots);
    process.deliver('request', () => void node.snapshots.take(this.#saving.between(100, 10_000)));
  }

  #timestamp(): number {
    this.landedAt.push(this.#scheduler.now);
    this.#scheduler.tell('log', () => `a record lands at offset ${this.landedAt.length - 1}`);
    return Math.trunc(this.#scheduler.now + this.#logClockOffset);
  }

  // At most 20 s forward at once: two great jumps within one retry would outrun the window in which ids are remembered.
  #jumpLogClock(): void {
    this.#logClockOffset += this.#scheduler.pick([-3_600_000, -5000, -500, 500, 5000, 20_000]);
    this.#scheduler.note(`log clock ${this.#logClockOffset}`);
    this.#scheduler.tell('log', () => `the clock is off by ${this.#logClockOffset - LOG_EPOCH} ms now`);
  }

  #pause(): void {
    const { process } = this.#scheduler.pick(this.slots);
    if (!process.isRunning) return;
    this.#scheduler.note(`pause ${process.name}`);
    process.pause();
    this.#scheduler.after(this.#scheduler.between(300, 9000), () => process.resume());
  }

  #recur(every: () => number, act: () => void): void {
    const next = () => {
      const mean = every();
      if (mean === 0) return;
      this.#scheduler.after(mean * (0.2 + 1.6 * this.#scheduler.random()), () => {
        if (every() === 0) return;
        act();
        next();
      });
    };
    next();
  }
}
