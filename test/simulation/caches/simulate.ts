// One run of the caches' simulation: the cluster of the simulator, a database behind it, and clients who load and write by all patterns.
import type { FaultPoint } from '../../../src/base/world.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { SimulatedCluster, type Slot } from '../cluster.ts';
import type { SimulatedProcess } from '../process.ts';
import { Scheduler } from '../scheduler.ts';
import type { RunResult } from '../simulate.ts';
import { drawSwarm, swarmText } from '../swarm.ts';
import { CacheClient, type CacheHistory, drawPolicies, ProcessCaches } from './clients.ts';
import { type DatabaseFaults, NO_FAULTS, SimulatedDatabase } from './database.ts';
import { cacheFaults, servedUnderHold } from './oracles.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
const CLIENTS = ['c1', 'c2', 'c3', 'c4', 'c5'];
/** Far from the seeds of other runs. */
const CACHE_SEEDS = 9_000_000;
const MIXING_SEEDS = 11_000_000;
const FAULTY_MS = 15_000;
const CALM_MS = 60_000;
/** Every hold and every entry that a crash left behind is gone by then, and every breaker is closed. */
const SETTLE_MS = 20_000;
const PROBE_MS = 80;

export async function simulateCaches(seed: number, onTold?: (line: string) => void): Promise<RunResult> {
  const scheduler = new Scheduler(seed + CACHE_SEEDS);
  scheduler.onTold = onTold;
  const mixing = new Scheduler(seed + MIXING_SEEDS);
  const drawn = drawSwarm(scheduler, scheduler, scheduler, scheduler, scheduler, mixing);
  const swarm = { ...drawn, falsifiedRecord: 0, limits: {}, olderLevel: FEATURE_LEVEL };
  onTold?.(swarmText(swarm));
  const violations: string[] = [];
  const onViolation = (what: string) => void violations.push(what);
  const database = new SimulatedDatabase(scheduler, drawFaults(scheduler));
  const policies = drawPolicies(scheduler);
  const all = new Map<SimulatedProcess, ProcessCaches>();
  const onStarted = (slot: Slot) =>
    void all.set(slot.process, new ProcessCaches(slot, slot.process, database, policies));
  const cluster = new SimulatedCluster({ scheduler, saving: scheduler, falsifying: scheduler, mixing }, swarm, {
    onAcknowledged: () => {},
    onViolation,
    onStarted,
  });
  cluster.start(NODES);
  const history: CacheHistory = { writes: [], reads: [] };
  const cachesOf = (slot: Slot) => {
    const caches = all.get(slot.process);
    if (caches === undefined) throw new Error(`${slot.process.name} has no caches`);
    return caches;
  };
  let running = CLIENTS.length;
  for (const name of CLIENTS) {
    const client = new CacheClient(name, cluster, scheduler, database, history, cachesOf);
    void client.run(FAULTY_MS).then(() => {
      running--;
    });
  }
  const probe = () => {
    violations.push(...servedUnderHold(cluster));
    if (scheduler.now < FAULTY_MS) scheduler.after(PROBE_MS, probe);
  };
  probe();
  await scheduler.runUntil(FAULTY_MS);
  cluster.heal();
  database.faults = NO_FAULTS;
  while (running > 0 && scheduler.now < FAULTY_MS + CALM_MS) await scheduler.runUntil(scheduler.now + 500);
  if (running > 0) violations.push(`${running} clients of caches never came to an end`);
  await scheduler.runUntil(scheduler.now + SETTLE_MS);
  violations.push(...cacheFaults(cluster, database, history));
  for (const record of cluster.store.history()) scheduler.note(`${record.timestamp}:${record.payload.length}`);
  cluster.end();
  return {
    seed,
    violations,
    trace: scheduler.traceHash,
    events: scheduler.events,
    writes: history.writes.length,
    records: cluster.store.history().length,
    crashedAt: new Set<FaultPoint>(cluster.crashedAt),
    trims: cluster.trims.length,
    restores: 0,
    quarantines: cluster.slots.reduce((sum, { node }) => sum + node.metrics().quarantines, 0),
  };
}

function drawFaults(scheduler: Scheduler): DatabaseFaults {
  return {
    lostAnswer: scheduler.pick([0, 0, 0.05, 0.2]),
    lateFlush: scheduler.pick([0, 0.2, 0.4]),
    lateMs: scheduler.pick([6000, 12_000]),
    slowReadMs: scheduler.pick([0, 100, 1500]),
    downEvery: scheduler.pick([0, 0, 5000]),
  };
}
