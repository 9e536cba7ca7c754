// This node's part in the cluster: its heartbeats, the cluster's name, and whether the cluster takes it for who it says it is.
import type { FatalError } from '../base/errors.ts';
import { NODE_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Cancel, World } from '../base/world.ts';
import type { StateLimits } from '../core/commands/command.ts';
import { FEATURE_LEVEL } from '../core/commands/table.ts';
import type { Machine } from '../core/machine.ts';
import { agreementOf } from './agreement.ts';
import { encodeChore } from './chores.ts';
import { lostLog, newerCluster, nodeIdInUse, otherCluster, unsavedIdentity } from './fatal.ts';
import type { Heart } from './heart.ts';

/** Where the id of the cluster that a data directory belongs to is kept. */
export type Identity = { load(): Promise<string | undefined>; save(cluster: string): Promise<void> };

export type MembershipOptions = {
  readonly author: { readonly node: string; readonly incarnation: string };
  readonly address: string;
  readonly pid: number;
  readonly version: string;
  readonly limits: StateLimits;
  /** Default: FEATURE_LEVEL. */
  readonly featureLevel?: number;
  readonly identity: Identity;
  readonly machine: Machine;
  readonly heart: Heart;
  readonly world: World;
  readonly logger: Logger;
  isReady(): boolean;
  /** Everything that the log held when this node started is applied. */
  isCaughtUp(): boolean;
  /** Asks the committer to begin its next frame with what `composeFirst` answers. */
  wantFirst(): void;
  /** The majority of the live ready members reports another digest than this node, at `offset`. */
  onMinority(offset: number): void;
  onFatal(error: FatalError): void;
};

export class Membership {
  readonly #options: MembershipOptions;
  readonly #featureLevel: number;
  /** The cluster that this node's data directory belongs to. */
  #cluster: string | undefined;
  #knownDisagreements = 0;
  #stopBeating: Cancel = () => {};

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#featureLevel = options.featureLevel ?? FEATURE_LEVEL;
  }

  /**
   * To be called before the log is followed; rejects where it cannot be this data directory's log. The cluster that the
   * directory belongs to; undefined if to none yet.
   */
  async load(logEnd: number): Promise<string | undefined> {
    this.#cluster = await this.#options.identity.load();
    if (this.#cluster !== undefined && logEnd === 0) throw lostLog(this.#cluster);
    return this.#cluster;
  }

  /** Sends a heartbeat now and every second from now on. */
  beat(): void {
    const { wantFirst, world } = this.#options;
    wantFirst();
    this.#stopBeating = world.clock.after(NODE_LIMITS.heartbeatMs, () => this.beat());
  }

  stop(): void {
    this.#stopBeating();
  }

  /** The heartbeat that begins frame n, or, where nobody has named the cluster yet, a proposal to do so. */
  composeFirst(n: number): Uint8Array | undefined {
    const { machine, heart, world, limits, onFatal } = this.#options;
    world.fault('before-heartbeat');
    if (machine.state.cluster !== '') {
      heart.handed(n);
      return this.#composeHeartbeat();
    }
    if (!this.#options.isCaughtUp()) return undefined;
    if (this.#cluster !== undefined) {
      onFatal(lostLog(this.#cluster));
      return undefined;
    }
    return encodeChore({ type: 'create-cluster', cluster: world.newId(), limits });
  }

  /** To be called after each applied frame; throws FatalError where this node must end. */
  frameApplied(): void {
    const { state } = this.#options.machine;
    if (state.cluster !== this.#cluster && state.cluster !== '') this.#meet(state.cluster);
    this.refuseNewer();
    if (state.members.isOusted(this.#options.author)) throw nodeIdInUse(this.#options.author.node);
    if (state.members.disagreements !== this.#knownDisagreements) this.#reportDisagreement(state.members.disagreements);
  }

  /** To be called when a snapshot was restored too; throws FatalError where the cluster uses what this program does not know. */
  refuseNewer(): void {
    const { limits } = this.#options.machine.state;
    if ((limits?.featureLevel ?? 0) > this.#featureLevel) throw newerCluster();
  }

  isOnDuty(): boolean {
    const duty = this.#options.machine.state.members.duty();
    return duty?.incarnation === this.#options.author.incarnation && this.#options.isReady();
  }

  #composeHeartbeat(): Uint8Array {
    const { address, pid, version, machine, heart, isReady } = this.#options;
    const { state, notes } = machine;
    return encodeChore({
      type: 'heartbeat',
      cluster: state.cluster,
      address,
      pid,
      version,
      featureLevel: this.#featureLevel,
      isReady: isReady(),
      revision: state.revision,
      lagMs: Math.round(heart.lagMs()),
      keys: state.keyspace.keys,
      bytes: state.keyspace.bytes,
      report: notes.at(-1),
    });
  }

  #meet(cluster: string): void {
    const { identity, onFatal, wantFirst } = this.#options;
    if (this.#cluster !== undefined) throw otherCluster(this.#cluster, cluster);
    this.#cluster = cluster;
    identity.save(cluster).catch((error: unknown) => onFatal(unsavedIdentity(error)));
    wantFirst();
  }

  #reportDisagreement(disagreements: number): void {
    this.#knownDisagreements = disagreements;
    const { machine, author, logger, isCaughtUp, onMinority } = this.#options;
    if (!isCaughtUp()) return;
    const agreement = agreementOf(machine.state.members.liveReady());
    logger.error({ disagreements, minority: agreement?.minority }, 'replicas reported different digests');
    if (agreement?.minority.includes(author.node)) onMinority(agreement.offset);
  }
}
