// How this replica follows the log: from a snapshot or the log's start, and from there anew when its state is not believed any more.
import type { FatalError } from '../base/errors.ts';
import type { SnapshotStore } from '../log/snapshot-store.ts';
import { logUnreachable } from './fatal.ts';
import { ReplayProgress } from './progress.ts';
import { Replica, type ReplicaOptions } from './replica.ts';
import { restoreNewest } from './restore.ts';

export type FollowingOptions = ReplicaOptions & {
  readonly store: SnapshotStore;
  /** The cluster that the data directory belongs to; rejects where a log that ends at this offset cannot be its log. */
  clusterOf(logEnd: number): Promise<string | undefined>;
  /** The state is restored; `progress` says what of the log is to be replayed. */
  onRestored(): void;
  /** All that the log held when the state was restored is applied. */
  onCaughtUp(): void;
  onFatal(error: FatalError): void;
};

export class Following {
  readonly progress: ReplayProgress;
  /** How often the state was dropped, because the majority had another. */
  quarantines = 0;
  readonly #options: FollowingOptions;
  readonly #replica: Replica;
  /** Of the replica that runs now. */
  #running = new AbortController();
  #isStopped = false;
  /** The state is that of this snapshot and what came after it; undefined: of the whole log. */
  #restoredFrom: string | undefined;
  /** Snapshots from which a state was restored that had to be dropped; after a second time they are believed no more than it was. */
  readonly #suspected = new Set<string>();
  readonly #distrusted = new Set<string>();
  /** What this node reported of offsets before this one was of a state that it has dropped. */
  #judgedFrom = 0;

  constructor(options: FollowingOptions) {
    this.#options = options;
    this.progress = new ReplayProgress(options.world.clock);
    this.#replica = new Replica({
      ...options,
      onApplied: (record, disposition, own) => {
        options.onApplied(record, disposition, own);
        if (!this.progress.applied(record.offset, record.payload.length)) return;
        options.logger.info(this.progress.view(), 'caught up with the log');
        options.onCaughtUp();
      },
    });
  }

  /** Restores the newest good snapshot, or begins at the log's start; rejects with FatalError. `run` goes on from there. */
  async restore(): Promise<void> {
    const { log, store, world, logger, machine, clusterOf, onRestored, onCaughtUp } = this.#options;
    const [from, to] = await Promise.all([log.start(), log.end()]).catch(logUnreachable);
    const cluster = await clusterOf(to);
    const options = { log, store, world, logger, from, to, cluster, distrusted: this.#distrusted };
    try {
      this.#restoredFrom = await restoreNewest(machine, options).catch((error: unknown) => {
        if (this.#distrusted.size === 0) throw error;
        // Better one that is in doubt, for the majority will judge it, than none.
        this.#distrusted.clear();
        return restoreNewest(machine, options);
      });
    } catch (error) {
      // Trimmed while this node read: all that it knew of may be removed since, and what took its place is there.
      if ((await log.start().catch(logUnreachable)) === from) throw error;
      return this.restore();
    }
    this.progress.begin(machine.nextOffset, to);
    logger.info({ from: machine.nextOffset, to }, 'began to follow the log');
    onRestored();
    if (this.progress.isOver) onCaughtUp();
  }

  run(): void {
    this.#replica
      .run(this.#running.signal)
      .then(() => (this.#isStopped ? undefined : this.#again()))
      .catch((error: FatalError) => this.#options.onFatal(error));
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /**
   * Nothing of the state is believed any more, for what this node reported of `offset` was wrong: it is dropped after the record
   * that is being applied, restored, and led on. False, and nothing done, where the report was of a state dropped already.
   */
  drop(offset: number): boolean {
    const { machine, logger } = this.#options;
    if (offset < this.#judgedFrom) return false;
    logger.error({ offset, revision: machine.state.revision }, 'drops its state, which differs from the majority');
    this.quarantines++;
    this.#judgedFrom = machine.nextOffset;
    if (this.#restoredFrom !== undefined) {
      if (this.#suspected.has(this.#restoredFrom)) this.#distrusted.add(this.#restoredFrom);
      this.#suspected.add(this.#restoredFrom);
    }
    this.#running.abort();
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#running.abort();
  }

  async #again(): Promise<void> {
    this.#running = new AbortController();
    await this.restore();
    if (!this.#isStopped) this.run();
  }
}
