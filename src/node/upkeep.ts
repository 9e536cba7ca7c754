// The upkeep: the cluster's chores, done by whichever node is on duty; each is harmless twice. Now: expire what has passed.
import { FRAME_LIMITS, NODE_LIMITS } from '../base/limits.ts';
import type { Cancel, World } from '../base/world.ts';
import { encodeCommand } from '../core/codec.ts';
import type { Keyspace } from '../core/keyspace.ts';
import type { State } from '../core/state.ts';
import type { Committer } from './committer.ts';
import type { Positions } from './positions.ts';

export type UpkeepOptions = {
  readonly state: State;
  readonly committer: Committer;
  readonly offsets: Positions;
  readonly world: World;
  isOnDuty(): boolean;
};

const CHORE = { attempt: 0, id: '', caller: '', deadline: 0 };

export class Upkeep {
  readonly #options: UpkeepOptions;
  #stopTimer: Cancel = () => {};
  #isStopped = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next(NODE_LIMITS.choresMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  #next(ms: number): void {
    if (this.#isStopped) return;
    this.#stopTimer = this.#options.world.clock.after(ms, () => {
      void this.#expire(this.#due()).then((isMoreDue) => this.#next(isMoreDue ? 0 : NODE_LIMITS.choresMs));
    });
  }

  /** One lot of what is this node's to expire now. */
  #due(): ReturnType<Keyspace['expired']> {
    const { state, world, isOnDuty } = this.#options;
    const due = isOnDuty() ? state.keyspace.expired(state.time.now, FRAME_LIMITS.maxChoresPerFrame) : [];
    if (due.length > 0) world.fault('before-chores');
    return due;
  }

  /** Proposes it and waits until it is applied, so that nothing is proposed twice; true if more is due. */
  async #expire(due: ReturnType<Keyspace['expired']>): Promise<boolean> {
    const { committer, offsets, world } = this.#options;
    if (due.length === 0) return false;
    const deadlineAt = world.clock.monotonicMs() + NODE_LIMITS.choreTimeoutMs;
    const commands = due.map(({ key, revision }) => encodeCommand(CHORE, { type: 'expire', key, revision }));
    const offset = await committer.addChores(commands, deadlineAt);
    if (offset === undefined) return false;
    await offsets.reach(offset, deadlineAt);
    return due.length === FRAME_LIMITS.maxChoresPerFrame;
  }
}
