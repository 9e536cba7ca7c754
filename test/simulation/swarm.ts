// The rates of faults, drawn afresh for each seed, many of them zero: a run with everything at once hides what a single fault shows.
import type { FaultPoint } from '../../src/base/world.ts';
import type { StateLimits } from '../../src/core/commands/command.ts';
import { FEATURE_LEVEL } from '../../src/core/commands/table.ts';
import type { Scheduler } from './scheduler.ts';

export type Swarm = {
  /** Chances per append. */
  readonly lostAcknowledgement: number;
  readonly lostAppend: number;
  readonly refusedAppend: number;
  readonly zombieAppend: number;
  /** Upper bound, ms: how long after its unknown answer such an append lands. */
  readonly zombieDelay: number;
  /** Chance that its process stands still until then, if it holds commands of clients. */
  readonly zombiePause: number;
  /** Upper bounds, ms. */
  readonly appendDelay: number;
  readonly deliveryDelay: number;
  /** Chance per fault point reached. */
  readonly crashAtPoint: number;
  /** Mean ms between such events in the cluster; 0: never. */
  readonly crashEvery: number;
  readonly pauseEvery: number;
  readonly logClockJumpEvery: number;
  readonly wallClockJumpEvery: number;
  /** Chances per request. */
  readonly duplicateRequest: number;
  readonly lostAnswer: number;
  readonly clientId: number;
  /** Chance that a watcher takes no more for a while, per batch of events. */
  readonly slowWatcher: number;
  /** Events that a node keeps for watchers. */
  readonly eventsKept: number;
  /** Records of the log between two snapshots. */
  readonly snapshotEvery: number;
  /** Mean ms between snapshots that an operator asks some node for; 0: never. */
  readonly snapshotAskedEvery: number;
  /** Upper bound, ms: of each chunk that is written or read. */
  readonly chunkDelay: number;
  /** Chances per snapshot: that it is stored torn or with another bit, and that the store fails. */
  readonly spoiltSnapshot: number;
  readonly refusedSnapshot: number;
  /** Chance per record that one process is given another than the log holds; once in a run. */
  readonly falsifiedRecord: number;
  /** Chance per record that one process is never given it; once in a run. */
  readonly skippedRecord: number;
  /** What a log answers that is asked for a barrier: that only an append can tell, as Kafka does, or its end. */
  readonly isBarrierAppended: boolean;
  /** What the program knows that all nodes begin as, to be upgraded one by one. */
  readonly olderLevel: number;
  /** Of the cluster, where they differ from the defaults. */
  readonly limits: Partial<StateLimits>;
};

/** No faults: what a run ends with, so that everything can come to its end. */
export const CALM: Swarm = {
  lostAcknowledgement: 0,
  lostAppend: 0,
  refusedAppend: 0,
  zombieAppend: 0,
  zombieDelay: 0,
  zombiePause: 0,
  appendDelay: 2,
  deliveryDelay: 1,
  crashAtPoint: 0,
  crashEvery: 0,
  pauseEvery: 0,
  logClockJumpEvery: 0,
  wallClockJumpEvery: 0,
  duplicateRequest: 0,
  lostAnswer: 0,
  clientId: 0.7,
  slowWatcher: 0,
  eventsKept: 100_000,
  snapshotEvery: 60,
  snapshotAskedEvery: 0,
  chunkDelay: 1,
  spoiltSnapshot: 0,
  refusedSnapshot: 0,
  falsifiedRecord: 0,
  skippedRecord: 0,
  isBarrierAppended: false,
  olderLevel: FEATURE_LEVEL,
  limits: {},
};

/**
 * `watching` is the chance of all that concerns watchers, `saving` of snapshots, `filling` of the cluster's limits and of how late
 * zombies come, `falsifying` of records, `mixing` of what kind of cluster it is: they change nothing in what a seed draws for the rest.
 */
export function drawSwarm(
  scheduler: Scheduler,
  watching: Scheduler,
  saving: Scheduler,
  filling: Scheduler,
  falsifying: Scheduler,
  mixing: Scheduler,
): Swarm {
  const sometimes = (share: number, value: number) => (scheduler.random() < share ? value * scheduler.random() : 0);
  const swarm = {
    lostAcknowledgement: sometimes(0.5, 0.3),
    lostAppend: sometimes(0.3, 0.2),
    refusedAppend: sometimes(0.4, 0.3),
    zombieAppend: sometimes(0.4, 0.2),
    appendDelay: scheduler.pick([1, 5, 50, 400]),
    deliveryDelay: scheduler.pick([0, 2, 20, 300]),
    crashAtPoint: sometimes(0.3, 0.003),
    crashEvery: scheduler.pick([0, 0, 8000, 3000]),
    pauseEvery: scheduler.pick([0, 0, 9000, 4000]),
    logClockJumpEvery: scheduler.pick([0, 0, 6000]),
    wallClockJumpEvery: scheduler.pick([0, 0, 0, 8000]),
    duplicateRequest: sometimes(0.5, 0.3),
    lostAnswer: sometimes(0.5, 0.2),
    clientId: scheduler.pick([0.3, 0.8, 1]),
    slowWatcher: watching.pick([0, 0.1, 0.5]),
    eventsKept: watching.pick([10, 60, 100_000]),
    snapshotEvery: saving.pick([20, 60, 200, 1_000_000]),
    snapshotAskedEvery: saving.pick([0, 1000, 4000]),
    chunkDelay: saving.pick([0, 5, 100]),
    spoiltSnapshot: saving.pick([0, 0, 0.3]),
    refusedSnapshot: saving.pick([0, 0, 0.3]),
    falsifiedRecord: 0,
    skippedRecord: 0,
    isBarrierAppended: mixing.random() < 0.5,
    olderLevel: mixing.random() < 0.3 ? mixing.between(1, FEATURE_LEVEL - 1) : FEATURE_LEVEL,
    limits: drawLimits(filling),
    zombieDelay: 3000,
    zombiePause: 0,
    ...(filling.random() < 0.2 ? LATE_ZOMBIES : {}),
  };
  // Who is left alone verifies its own snapshots, and nobody can tell that it is wrong: only a majority can, so nobody is down for an
  // upgrade. And where memory is short, what is falsified would be seen by clients before it is found out.
  const isHidden =
    swarm.olderLevel === FEATURE_LEVEL &&
    swarm.crashAtPoint + swarm.crashEvery + swarm.pauseEvery + swarm.zombiePause === 0 &&
    Object.keys(swarm.limits).length === 0;
  const falsifiedRecord = isHidden ? falsifying.pick([0, 0.01, 0.1]) : 0;
  // Who misses a record ends itself: that would leave a falsified one without a majority too.
  const skippedRecord = mixing.pick([0, 0, 0.003, 0.03]);
  return { ...swarm, falsifiedRecord, skippedRecord: falsifiedRecord === 0 ? skippedRecord : 0 };
}

/** Reached a few times in a run. */
const RARE: ReadonlySet<FaultPoint> = new Set([
  'before-chores',
  'before-snapshot-told',
  'before-verified',
  'before-trim',
]);

/** That a process crashes now that it has come to this point. */
export function crashChance({ crashAtPoint }: Swarm, point: FaultPoint): number {
  return crashAtPoint * (RARE.has(point) ? 50 : 1);
}

/** What is not as in a run without faults. */
export function swarmText(swarm: Swarm): string {
  const calm: Readonly<Record<string, unknown>> = CALM;
  const drawn = Object.entries(swarm).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(calm[name]));
  return `drawn: ${drawn.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')}`;
}

/** Frames that land long after their clients gave up, their processes standing still meanwhile, under ids that nobody asks again by. */
const LATE_ZOMBIES: Partial<Swarm> = {
  zombieAppend: 0.15,
  zombieDelay: 6000,
  zombiePause: 0.7,
  clientId: 0.1,
  logClockJumpEvery: 0,
};

/** Half of the runs have room for everything, the others for a few keys, or for about as many entries in bytes. */
function drawLimits(filling: Scheduler): Partial<StateLimits> {
  if (filling.random() < 0.5) return {};
  const eviction = filling.pick(['none', 'lru', 'lru', 'ttl'] as const);
  const entries = filling.between(4, 10);
  return filling.random() < 0.7 ? { eviction, maxKeys: entries } : { eviction, maxMemoryBytes: entries * 60 };
}
