// The upkeep: the cluster's chores, done by whichever node is on duty; each is harmless twice: expire what has passed, evict what is too much.
import { FRAME_LIMITS, NODE_LIMITS } from '../base/limits.ts';
import type { Cancel, World } from '../base/world.ts';
import type { Command } from '../core/commands/command.ts';
import type { Machine } from '../core/machine.ts';
import { encodeChore } from './chores.ts';
import type { Committer } from './committer.ts';
import { dueEvictions, isToEvict } from './eviction.ts';
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
  /** It rests until the next look. */
  #isResting = false;
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

  /** To be called after each applied record: while writes go on, evictions cannot wait for the next look. */
  applied(): void {
    if (!this.#isResting || !isToEvict(this.#options.machine.state)) return;
    this.#stopTimer();
    this.#next(0);
  }

  #next(ms: number): void {
    if (this.#isStopped) return;
    this.#isResting = ms > 0;
    this.#stopTimer = this.#options.world.clock.after(ms, () => {
      this.#isResting = false;
      const goOn = (isMoreDue: boolean) => this.#next(isMoreDue ? 0 : NODE_LIMITS.choresMs);
      this.#propose().then(goOn).catch(this.#options.onBroken);
    });
  }

  /** Proposes one lot and waits until it is applied, so that nothing is proposed twice; true if more is due. */
  async #propose(): Promise<boolean> {
    const { machine, committer, offsets, world, isOnDuty } = this.#options;
    if (!isOnDuty()) return false;
    const due = this.#due();
    if (due.length === 0) return false;
    world.fault('before-chores');
    const deadlineAt = world.clock.monotonicMs() + NODE_LIMITS.choreTimeoutMs;
    const commands = due.map(encodeChore);
    const offset = await committer.addChores(commands, deadlineAt);
    if (offset === undefined) return false;
    await offsets.reach(offset, deadlineAt);
    return due.length === FRAME_LIMITS.maxChoresPerFrame || isToEvict(machine.state);
  }

  // What has passed makes room too.
  #due(): readonly Command[] {
    const { state } = this.#options.machine;
    const passed = state.keyspace.expired(state.time.now, FRAME_LIMITS.maxChoresPerFrame);
    if (passed.length === 0) return dueEvictions(state, FRAME_LIMITS.maxChoresPerFrame);
    return passed.map(({ key, revision }) => ({ type: 'expire', key, revision }));
  }
}
