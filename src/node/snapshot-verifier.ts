// Verifies snapshots that other nodes saved: reads one back whole, compares it with what this node noted itself at that place, and says so in the log.
import { SNAPSHOT_LIMITS } from '../base/limits.ts';
import type { SnapshotMark } from '../core/snapshot-marks.ts';
import { State } from '../core/state.ts';
import { TallyKeyspace } from '../snapshot/tally-keyspace.ts';
import { writeChores } from './chores.ts';
import type { SnapshotsOptions } from './snapshot-options.ts';
import { isUnusable, readSnapshot } from './snapshot-reading.ts';

export class SnapshotVerifier {
  verified = 0;
  readonly #options: SnapshotsOptions;
  /** The candidate that this node has judged. */
  #judged = '';
  #isBusy = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /**
   * Begins to verify the candidate if it is this node's turn; `since`: monotonic ms at which the candidate was heard of.
   * Undefined if there is nothing to do. Rejects with what is wrong with the snapshot, or with the store's failure.
   */
  look(since: number): Promise<void> | undefined {
    const { candidate } = this.#options.machine.state.snapshots;
    if (this.#isBusy || candidate === undefined || !this.#isTurn(candidate, since)) return undefined;
    this.#isBusy = true;
    return this.#verify(candidate).finally(() => {
      this.#isBusy = false;
    });
  }

  // Any live ready node but the one that saved it, the smallest id first; the next begins when those before it had their time.
  #isTurn(candidate: SnapshotMark, since: number): boolean {
    const { machine, author, world } = this.#options;
    if (this.#judged === candidate.id) return false;
    const ready = machine.state.members.liveReady();
    const others = ready.filter(({ node }) => node !== candidate.by);
    const line = others.length === 0 ? ready : others;
    const place = line.findIndex(({ incarnation }) => incarnation === author.incarnation);
    return place >= 0 && world.clock.monotonicMs() >= since + place * SNAPSHOT_LIMITS.verifyTurnMs;
  }

  async #verify(candidate: SnapshotMark): Promise<void> {
    const { policy, world, logger } = this.#options;
    const { id, revision, offset } = candidate;
    await this.#judge(candidate);
    // Another may have found it wrong meanwhile and removed it: one of the two differs, and what is gone must not count.
    const isThere = (await policy.store.list()).some((stored) => stored.id === id);
    if (!isThere) throw new Error(`snapshot ${id} was removed while it was read`);
    world.fault('before-verified');
    const deadlineAt = world.clock.monotonicMs() + SNAPSHOT_LIMITS.tellWithinMs;
    const reached = await writeChores(this.#options, [{ type: 'verified', id, revision, offset }], deadlineAt);
    if (reached !== 'reached') return;
    this.verified++;
    logger.info({ snapshot: id, revision, offset }, 'verified a snapshot');
  }

  async #judge({ id, revision, offset }: SnapshotMark): Promise<void> {
    const { machine, policy, world } = this.#options;
    // Kept from here on: by the end of the reading it may have been dropped from the ring.
    const own = machine.notes.find((note) => note.offset === offset - 1);
    try {
      if (own === undefined) throw new Error(`this node noted no digest before offset ${offset}`);
      const manifest = await readSnapshot(await policy.store.open(id), new State(new TallyKeyspace()), world);
      const isNamed = manifest.offset === offset && manifest.revision === revision;
      if (isNamed && manifest.revision === own.revision && manifest.digest === own.digest) return;
      this.#judged = id;
      // Nobody is to start from it; unless another node has found it right meanwhile.
      if (machine.state.snapshots.candidate?.id === id) await policy.store.remove(id);
      throw new Error(`snapshot ${id} is of another state than this node had there`);
    } catch (error) {
      // A failing store is asked again.
      const isFinal = own === undefined || isUnusable(error);
      if (isFinal) this.#judged = id;
      throw error;
    }
  }
}
