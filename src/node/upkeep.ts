// The upkeep: the cluster's chores, done by whichever node is on duty; each is harmless twice. Now: expire what has passed.
import { FRAME_LIMITS, NODE_LIMITS } from '../base/limits.ts';
import type { Cancel, World } from '../base/world.ts';
import type { Machine } from '../core/machine.ts';
import { encodeChore } from './chores.ts';
import type { Committer } from './committer.ts';
import type { Positions } from './positions.ts';

export type UpkeepOptions = {
  readonly machine: Machine;
  readonly committer: Committer;
  readonly offsets: Positions;
  readonly world: World;
  isOnDuty(): boolean;
  /** A chore failed in a way that nobody foresaw. */
  onBroken(error: unknown): void;
};

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
      const goOn = (isMoreDue: boolean) => this.#next(isMoreDue ? 0 : NODE_LIMITS.choresMs);
      this.#expire().then(goOn).catch(this.#options.onBroken);
    });
  }

  /** Proposes one lot and waits until it is applied, so that nothing is proposed twice; true if more is due. */
  async #expire(): Promise<boolean> {
    const { machine, committer, offsets, world, isOnDuty } = this.#options;
    if (!isOnDuty()) return false;
    const { state } = machine;
    const due = state.keyspace.expired(state.time.now, FRAME_LIMITS.maxChoresPerFrame);
    if (due.length === 0) return false;
    world.fault('before-chores');
    const deadlineAt = world.clock.monotonicMs() + NODE_LIMITS.choreTimeoutMs;
    const commands = due.map(({ key, revision }) => encodeChore({ type: 'expire', key, revision }));
    const offset = await committer.addChores(commands, deadlineAt);
    if (offset === undefined) return false;
    await offsets.reach(offset, deadlineAt);
    return due.length === FRAME_LIMITS.maxChoresPerFrame;
  }
}
