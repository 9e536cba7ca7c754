// One node: a replica of the state, fed by the log, and the way of a write: submit → committer → log → follower → apply → waiter.
import type { FatalError } from '../base/errors.ts';
import { NODE_LIMITS } from '../base/limits.ts';
import type { Frame } from '../core/codec.ts';
import type { Entry } from '../core/keyspace.ts';
import { type Disposition, Machine } from '../core/machine.ts';
import type { LogRecord } from '../log/commit-log.ts';
import { Backups } from './backups.ts';
import { CacheAccess } from './cache-access.ts';
import { clusterView } from './cluster-view.ts';
import { Committer } from './committer.ts';
import { checkDigests, type DigestCheckOptions } from './digest-check.ts';
import { EstimatedLogTime } from './estimate.ts';
import { broken } from './fatal.ts';
import { Following } from './following.ts';
import { Heart } from './heart.ts';
import { Membership } from './membership.ts';
import { nodeMetrics } from './metrics.ts';
import type { NodeApi } from './node-api.ts';
import type { NodeOptions } from './options.ts';
import { PauseDetector } from './pause.ts';
import { Reads } from './reads.ts';
import type {
  DigestCheck,
  ListRequest,
  ListResult,
  ReadRequest,
  ReadResult,
  Refusal,
  WatchRequest,
  WriteRequest,
} from './requests.ts';
import { newKeyspace } from './restore.ts';
import type { SnapshotsOptions } from './snapshot-options.ts';
import { Snapshots } from './snapshots.ts';
import { type InnerPhase, isInDoubt, nodeStatus } from './status.ts';
import { Upkeep } from './upkeep.ts';
import { Watches } from './watches.ts';
import { Writes } from './writes.ts';

export type ChorusNode = NodeApi & {
  readonly caches: CacheAccess;
  /** Resolves when the node follows the log; whether it is ready says `status`. Rejects with FatalError. */
  start(): Promise<void>;
  /** Takes no more requests, sees those taken to their end, in `timeoutMs` at most, and closes the log. */
  stop(timeoutMs?: number): Promise<void>;
};

export function createNode(options: NodeOptions): ChorusNode {
  return new Node(options);
}

class Node implements ChorusNode {
  readonly nodeId: string;
  readonly snapshots: Snapshots;
  readonly backups: Backups;
  readonly caches: CacheAccess;
  readonly #options: NodeOptions;
  readonly #incarnation: string;
  readonly #machine: Machine;
  readonly #writes: Writes;
  readonly #committer: Committer;
  readonly #following: Following;
  readonly #reads: Reads;
  readonly #watches: Watches;
  readonly #chores: SnapshotsOptions & DigestCheckOptions;
  readonly #upkeep: Upkeep;
  readonly #heart: Heart;
  readonly #membership: Membership;
  readonly #pause: PauseDetector;
  readonly #estimate: EstimatedLogTime;
  #phase: InnerPhase = 'starting';
  #isDead = false;

  constructor(options: NodeOptions) {
    const { nodeId, log, world, logger } = options;
    const { clock } = world;
    const machine = new Machine(newKeyspace(world));
    this.#machine = machine;
    this.nodeId = nodeId;
    this.#options = options;
    this.#incarnation = world.newId();
    const author = { node: nodeId, incarnation: this.#incarnation };
    this.#heart = new Heart(clock);
    this.#estimate = new EstimatedLogTime(clock);
    this.#pause = new PauseDetector(clock, (pausedMs) => this.#paused(pausedMs));
    this.#committer = new Committer({
      author,
      log,
      world,
      composeFirst: (n) => this.#membership.composeFirst(n),
      onAcknowledged: (attempts) => this.#writes.acknowledged(attempts),
      onPermanentlyRefused: (attempts, isUnknown) => this.#writes.permanentlyRefused(attempts, isUnknown),
    });
    const common = { author, machine, log, world, clock, logger };
    const parts = { ...common, committer: this.#committer, estimate: this.#estimate };
    this.#writes = new Writes({ ...parts, refusal: () => this.refusal('write') });
    this.#reads = new Reads({ ...parts, refusal: (kind) => this.refusal(kind) });
    this.caches = new CacheAccess(parts, this.#writes, this.#reads, () => this.#membership.isOnDuty());
    this.#watches = new Watches({ ...parts, history: options.history, refusal: () => this.refusal('eventual-read') });
    this.#following = new Following({
      ...common,
      store: options.snapshots.store,
      clusterOf: (logEnd) => this.#membership.load(logEnd),
      onRestored: () => {
        this.#membership.refuseNewer();
        this.#watches.applied(this.#following.progress.left);
      },
      onCaughtUp: () => this.#proveFresh(),
      onFatal: (error) => this.#die(error),
      onOutcome: (command, outcome) => this.#writes.applied(command.attempt, outcome),
      onApplied: (...applied) => this.#applied(...applied),
    });
    this.#membership = new Membership({
      ...options,
      ...common,
      heart: this.#heart,
      isReady: () => this.#isReady(),
      isCaughtUp: () => this.#following.progress.isOver,
      wantFirst: () => this.#committer.wantFirst(),
      onMinority: (offset) => this.#differed(offset),
      onFatal: (error) => this.#die(error),
    });
    this.#chores = {
      ...parts,
      policy: options.snapshots,
      offsets: this.#reads.offsets,
      isReady: () => this.#isReady(),
      isOnDuty: () => this.#membership.isOnDuty(),
      refusal: () => this.refusal('write'),
      onBroken: (error) => this.#die(broken(error)),
    };
    this.#upkeep = new Upkeep(this.#chores);
    this.snapshots = new Snapshots(this.#chores);
    this.backups = new Backups({ ...this.#chores, snapshots: this.snapshots, receive: options.receiveBackup });
  }

  async start(): Promise<void> {
    this.#pause.start(); // Before the restore: whoever asks meanwhile would take its time for a pause.
    await this.#following.restore();
    this.#phase = 'replaying';
    this.#following.run();
    this.#upkeep.start();
    this.#committer.run().catch((error: unknown) => this.#die(broken(error)));
    this.#membership.beat();
  }

  async stop(timeoutMs: number = NODE_LIMITS.shutdownTimeoutMs): Promise<void> {
    const { clock } = this.#options.world;
    const wasServing = this.#phase === 'serving';
    this.#phase = 'stopping';
    this.#upkeep.stop();
    this.#watches.stop();
    this.snapshots.stop();
    this.#membership.stop();
    if (wasServing) this.#committer.wantFirst(); // Says that it is not ready any more, so that another takes the duty.
    const deadlineAt = clock.monotonicMs() + timeoutMs;
    const isBusy = () => this.#writes.waiting + this.#reads.waiting > 0 || this.#committer.isBusy;
    while (!this.#isDead && isBusy() && clock.monotonicMs() < deadlineAt) {
      await new Promise<void>((resolve) => clock.after(NODE_LIMITS.stopPollMs, resolve));
    }
    this.#committer.stop();
    this.#pause.stop();
    this.#following.stop();
    this.#reads.interrupt();
    this.#writes.refuseAll('stopping');
    await Promise.all([this.#options.log.close(), this.#options.snapshots.store.close()]);
  }

  revision(): number {
    return this.#machine.state.revision;
  }

  lagMs(): number {
    return this.#heart.lagMs();
  }

  estimatedLogTime(): number {
    return this.#estimate.now();
  }

  refusal(kind: 'write' | 'eventual-read' | 'consistent-read'): Refusal | undefined {
    this.#pause.check();
    if (this.#phase === 'stopping' || this.#phase === 'quarantined') return this.#phase;
    if (this.#phase !== 'serving') return 'replaying';
    if (kind === 'eventual-read') return undefined;
    if (isInDoubt(this.#heart, this.#committer)) return 'paused';
    return kind === 'consistent-read' && this.#reads.waiting >= NODE_LIMITS.maxWaitingReads ? 'overloaded' : undefined;
  }

  get(key: Uint8Array): Entry | undefined {
    return this.#reads.eventual(key);
  }

  read(request: ReadRequest): Promise<ReadResult> {
    return this.#reads.read(request);
  }

  list(request: ListRequest): Promise<ListResult> {
    return this.#reads.list(request);
  }

  watch(request: WatchRequest) {
    return this.#watches.open(request);
  }

  submit(request: WriteRequest) {
    return this.#writes.submit(request);
  }

  status() {
    return nodeStatus(this.#phase, this.#heart, this.#committer, this.#following.progress);
  }

  tokens() {
    return this.#machine.state.tokens;
  }

  cluster() {
    return clusterView(this.#machine.state, {
      node: this.nodeId,
      incarnation: this.#incarnation,
      isReady: this.#isReady(),
      lagMs: this.lagMs(),
      snapshots: this.snapshots.view(),
      quarantines: this.#following.quarantines,
    });
  }

  checkDigests(timeoutMs: number): Promise<DigestCheck> {
    return checkDigests(this.#chores, timeoutMs);
  }

  metrics() {
    return nodeMetrics({
      ...this.#chores,
      estimate: this.#estimate,
      reads: this.#reads,
      watches: this.#watches,
      following: this.#following,
      pause: this.#pause,
      snapshots: this.snapshots,
    });
  }

  /** The majority reports another digest than this node: what waits here is refused, and the state dropped. */
  #differed(offset: number): void {
    if (!this.#isReady() || !this.#following.drop(offset)) return;
    this.#phase = 'quarantined';
    this.#heart.doubt();
    this.#watches.stop();
    this.#reads.interrupt();
    this.#writes.refuseAll('quarantined');
  }

  #applied(record: LogRecord, disposition: Disposition, own: Frame | undefined): void {
    const { state, nextOffset } = this.#machine;
    this.#estimate.hear(state.time.now, this.#following.progress.isOver);
    this.#options.world.fault('after-apply-before-answer');
    this.#reads.advance(state.revision, nextOffset);
    this.#watches.applied(this.#following.progress.left);
    this.#upkeep.applied();
    this.snapshots.applied(record, own !== undefined);
    if (own?.commands[0]?.command.type === 'heartbeat') this.#ownHeartbeatApplied(own.n);
    if (disposition === 'applied') this.#membership.frameApplied();
  }

  #proveFresh(): void {
    void this.#heart.demandFresh(this.#options.world.socketsEmptied()).then(() => this.#committer.wantFirst());
  }

  #ownHeartbeatApplied(n: number): void {
    const wasReady = this.#isReady();
    this.#heart.applied(n);
    this.snapshots.look();
    if (!this.#heart.isFresh || wasReady || this.#phase === 'stopping') return;
    this.#phase = 'serving';
    this.#options.logger.info({ revision: this.revision() }, 'became ready');
    this.#committer.wantFirst(); // The others learn of it by the next heartbeat: no need to wait a second for that.
  }

  #paused(pausedMs: number): void {
    this.#options.logger.warn({ pausedMs: Math.round(pausedMs) }, 'was stopped for a while');
    if (!this.#following.progress.isOver) return;
    this.#proveFresh();
    this.#writes.refuseWaiting('paused');
    this.#reads.interrupt();
  }

  #die(error: FatalError): void {
    if (this.#isDead || this.#following.isStopped) return;
    this.#isDead = true;
    this.#phase = 'stopping';
    this.#options.onFatal(error);
  }

  #isReady(): boolean {
    return this.#phase === 'serving' && this.#heart.isFresh;
  }
}
