// One run of the simulator: a seed, a swarm of faults, healing, and the judgement of the oracles.
import type { FaultPoint } from '../../src/base/world.ts';
import { decodeFrame } from '../../src/core/codec.ts';
import { Administrator, isAdministered } from './administrator.ts';
import { type History, SimulatedClient, TTL_KEYS } from './clients.ts';
import { SimulatedCluster } from './cluster.ts';
import { ACCOUNTS } from './ledger.ts';
import { Operator } from './operator.ts';
import { Oracles } from './oracles.ts';
import { isRestored, planRestores } from './restores.ts';
import { Scheduler } from './scheduler.ts';
import { drawSwarm, swarmText } from './swarm.ts';
import { startWatchers, type Told } from './watchers.ts';

export type RunResult = {
  readonly seed: number;
  readonly violations: readonly string[];
  /** Equal for two runs of one seed. */
  readonly trace: string;
  readonly events: number;
  readonly writes: number;
  readonly records: number;
  readonly trims: number;
  readonly restores: number;
  /** Of the processes that live at the end. */
  readonly quarantines: number;
  readonly crashedAt: ReadonlySet<FaultPoint>;
};

const NODES = ['node-1', 'node-2', 'node-3'];
const CLIENTS = ['c1', 'c2', 'c3', 'c4'];
const FAULTY_MS = 15_000;
/** Enough for the longest retry of a client and for what it waits on. */
const CALM_MS = 45_000;
const SETTLE_MS = 8000;
const PROBE_MS = 50;
/** Far from the seeds of runs. */
const WATCHING_SEEDS = 1_000_000;
const SAVING_SEEDS = 2_000_000;
const FILLING_SEEDS = 3_000_000;
const FALSIFYING_SEEDS = 4_000_000;
const MIXING_SEEDS = 5_000_000;
const ADMINISTERING_SEEDS = 6_000_000;
const RESTORING_SEEDS = 7_000_000;
/** Within it a watcher without faults comes back to another node and is told everything. */
const ARRIVAL_MS = 2000;
const BEGUN_WITHIN_MS = 6000;
const BEGUN_LOOK_MS = 15;

/** `onTold` hears the run line by line; with `withRestore` it begins with one whatever the seed is. */
export async function simulate(
  seed: number,
  onTold?: (line: string) => void,
  { withRestore = isRestored(seed) } = {},
): Promise<RunResult> {
  const scheduler = new Scheduler(seed);
  scheduler.onTold = onTold;
  const watching = new Scheduler(seed + WATCHING_SEEDS);
  const saving = new Scheduler(seed + SAVING_SEEDS);
  const falsifying = new Scheduler(seed + FALSIFYING_SEEDS);
  const mixing = new Scheduler(seed + MIXING_SEEDS);
  const swarm = drawSwarm(scheduler, watching, saving, new Scheduler(seed + FILLING_SEEDS), falsifying, mixing);
  onTold?.(swarmText(swarm));
  const oracles = new Oracles();
  const cluster = new SimulatedCluster({ scheduler, saving, falsifying, mixing }, swarm, {
    onAcknowledged: (processName, payload) => oracles.onAcknowledged(processName, payload),
    onViolation: (what) => oracles.onViolation(what),
  });
  cluster.start(NODES);
  const history: History = { writes: [], reads: [], pending: new Map() };
  const clients = CLIENTS.map((name) => new SimulatedClient(name, cluster, scheduler, history, oracles));
  const administrator = new Administrator(
    cluster,
    scheduler,
    new Scheduler(seed + ADMINISTERING_SEEDS),
    history,
    oracles,
  );
  const actors = isAdministered(seed) ? [...clients, administrator] : clients;
  let running = actors.length;
  const onEnded = () => {
    running--;
  };
  const startActors = () => {
    for (const actor of actors) void actor.run(FAULTY_MS).then(onEnded);
  };
  const operators: Operator[] = [];
  if (withRestore) {
    const restoring = new Scheduler(seed + RESTORING_SEEDS);
    const { restores, clientsAfterMs } = await planRestores(swarm, restoring);
    const onViolation = (what: string) => oracles.onViolation(what);
    for (const { backup, delayMs } of restores) {
      const operator = new Operator(cluster, scheduler, restoring, history, onViolation);
      operators.push(operator);
      running++;
      void operator.run(backup, delayMs, FAULTY_MS).then(onEnded);
    }
    if (clientsAfterMs === undefined) whenRestoring(scheduler, cluster, startActors);
    else scheduler.after(clientsAfterMs, startActors);
  } else startActors();
  const told: Told[] = [];
  startWatchers(cluster, scheduler, watching, told);
  probe(scheduler, cluster, oracles);
  await scheduler.runUntil(FAULTY_MS);
  cluster.heal();
  while (running > 0 && scheduler.now < FAULTY_MS + CALM_MS) await scheduler.runUntil(scheduler.now + 500);
  if (running > 0) oracles.onViolation(`${running} clients never came to an end`);
  await scheduler.runUntil(scheduler.now + SETTLE_MS);
  const check = await checkDigests(scheduler, cluster);
  if (check !== 'agreed') oracles.onViolation(check);
  const arrivedBefore = cluster.store.history().length;
  await scheduler.runUntil(scheduler.now + ARRIVAL_MS);
  const truth = await oracles.judge(cluster, history, swarm.logClockJumpEvery === 0, {
    told,
    arrivedBefore,
    administration: administrator.done,
    operators,
  });
  for (const record of cluster.store.history()) scheduler.note(`${record.timestamp}:${record.payload.length}`);
  const quarantines = cluster.slots.reduce((sum, { node }) => sum + node.metrics().quarantines, 0);
  cluster.end();
  return {
    seed,
    violations: oracles.violations,
    trace: scheduler.traceHash,
    events: scheduler.events,
    writes: history.writes.length,
    records: cluster.store.history().length,
    trims: cluster.trims.length,
    restores: truth.restores.openings.length,
    quarantines,
    crashedAt: cluster.crashedAt,
  };
}

/** Acts as soon as the first part of a backup is in the log; no later than where there never is one. */
function whenRestoring(scheduler: Scheduler, cluster: SimulatedCluster, act: () => void): void {
  let seen = 0;
  const look = () => {
    const news = cluster.store.history().slice(seen);
    seen += news.length;
    if (scheduler.now >= BEGUN_WITHIN_MS || news.some(({ payload }) => holdsRestore(payload))) act();
    else scheduler.after(BEGUN_LOOK_MS, look);
  };
  look();
}

function holdsRestore(payload: Uint8Array): boolean {
  const decoded = decodeFrame(payload);
  return decoded.kind === 'frame' && decoded.frame.commands.some(({ command }) => command.type === 'restore');
}

/** Eventual reads of the accounts and of the keys that expire, on every node, all the time. */
function probe(scheduler: Scheduler, cluster: SimulatedCluster, oracles: Oracles): void {
  for (const { process, node } of cluster.slots) {
    if (!process.isRunning || node.refusal('eventual-read') !== undefined) continue;
    const accounts = ACCOUNTS.map((key) => node.get(Buffer.from(key, 'latin1')));
    oracles.onAccounts(process.name, accounts);
    for (const key of TTL_KEYS) oracles.onProbe(process.name, key, node.get(Buffer.from(key, 'latin1')));
  }
  if (scheduler.now < FAULTY_MS) scheduler.after(PROBE_MS, () => probe(scheduler, cluster, oracles));
}

async function checkDigests(scheduler: Scheduler, cluster: SimulatedCluster): Promise<string> {
  let verdict = 'the check of digests did not end';
  const first = cluster.slots[0];
  void first?.node.checkDigests(20_000).then((check) => {
    if (check.kind !== 'checked') verdict = `the check of digests was ${check.kind}`;
    else if (Object.keys(check.digests).length !== NODES.length) verdict = 'not every node reported a digest';
    else verdict = check.agreed ? 'agreed' : `digests differ: ${JSON.stringify(check.digests)}`;
  });
  for (let i = 0; i < 50 && verdict.startsWith('the check'); i++) await scheduler.runUntil(scheduler.now + 500);
  return verdict;
}
