// Trims the log below the older of two verified snapshots, and removes the snapshots before that one: a chore of the duty node.
import { invariant } from '../base/assert.ts';
import { trimBound } from '../core/snapshot-marks.ts';
import type { SnapshotsOptions } from './snapshot-options.ts';

export class LogTrimmer {
  trims = 0;
  /** Nothing is left to be trimmed below this offset. */
  trimmedBelow = 0;
  readonly #options: SnapshotsOptions;
  #isBusy = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** Begins to trim if that is due; undefined if not. Rejects with the failure of the log or of the store. */
  look(): Promise<void> | undefined {
    if (this.#isBusy || !this.#isDue()) return undefined;
    this.#isBusy = true;
    return this.#trim().finally(() => {
      this.#isBusy = false;
    });
  }

  // A node that lives but is behind would have to start again if the log were cut away under it.
  #isDue(): boolean {
    const { machine, isOnDuty } = this.#options;
    const { snapshots, members } = machine.state;
    if (trimBound(snapshots) <= this.trimmedBelow || !isOnDuty()) return false;
    const reached = Math.min(...members.live().map(({ latest }) => latest?.revision ?? 0));
    return reached >= (snapshots.verified[0]?.revision ?? 0);
  }

  async #trim(): Promise<void> {
    const { machine, policy, log, world, logger } = this.#options;
    const { verified } = machine.state.snapshots;
    const bound = trimBound(machine.state.snapshots);
    const stored = await policy.store.list();
    this.trimmedBelow = bound;
    if (!verified.every(({ id }) => stored.some((one) => one.id === id))) {
      throw new Error('a verified snapshot is gone from the store; the log stays until another two are verified');
    }
    world.fault('before-trim');
    invariant('S2', bound <= trimBound(machine.state.snapshots), `a trim below ${bound}, above a verified snapshot`);
    await log.trim(bound);
    const old = stored.filter(({ revision }) => revision < (verified[0]?.revision ?? 0));
    for (const { id } of old) await policy.store.remove(id);
    this.trims++;
    logger.info({ before: bound, removed: old.length }, 'trimmed the log');
  }
}
