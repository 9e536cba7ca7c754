// Snapshots in a node: when one is cut, and that it is told, verified, and followed by a trim. What nodes know of each other's is state.
import { InvariantBroken } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import { SNAPSHOT_LIMITS } from '../base/limits.ts';
import { featureLevelOf } from '../core/commands/table.ts';
import type { SnapshotMark, SnapshotMarks } from '../core/snapshot-marks.ts';
import type { LogRecord } from '../log/commit-log.ts';
import { writeChores } from './chores.ts';
import { LogTrimmer } from './log-trimmer.ts';
import { Positions } from './positions.ts';
import type { NodeMetrics, SnapshotMarkView, SnapshotsView } from './requests.ts';
import type { SnapshotsOptions } from './snapshot-options.ts';
import type { SavedSnapshot, SnapshotResult } from './snapshot-requests.ts';
import { saveSnapshot } from './snapshot-saving.ts';
import { SnapshotVerifier } from './snapshot-verifier.ts';

type SnapshotMetrics = Pick<NodeMetrics, Extract<keyof NodeMetrics, `snapshot${string}` | 'logTrims'>>;
type Request = PromiseWithResolvers<SavedSnapshot | undefined>;

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #verifier: SnapshotVerifier;
  readonly #trimmer: LogTrimmer;
  readonly #stopping = new AbortController();
  /** Waits for the revision of the newest verified snapshot. */
  readonly #verified: Positions;
  /** As they were last looked at, and since when (monotonic ms). */
  #marks: SnapshotMarks | undefined;
  #marksSince = 0;
  /** Bytes of the log that were applied since a verified snapshot was last heard of. */
  #bytes = 0;
  /** Monotonic ms before which none is cut by the policy. */
  #notBefore = 0;
  #isSaving = false;
  /** Those who ask for a snapshot before it is cut share it. */
  #request: Request | undefined;
  #last: SavedSnapshot | undefined;
  #saved = 0;
  #failures = 0;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#verifier = new SnapshotVerifier(options);
    this.#trimmer = new LogTrimmer(options);
    this.#verified = new Positions(options.world.clock);
  }

  /** To be called after each record, in the turn in which it was applied. `isOwn`: this node wrote the frame. */
  applied({ offset, payload }: LogRecord, isOwn: boolean): void {
    const { machine, isReady } = this.#options;
    this.#bytes += payload.length;
    if (machine.state.snapshots !== this.#marks) this.#remember(machine.state.snapshots);
    // Where a heartbeat of the duty node or a checkpoint was, every node notes its digest, by which it can judge the snapshot.
    const isNoted = isOwn && machine.notes.at(-1)?.offset === offset;
    if (isNoted && isReady() && !this.#isSaving && (this.#request !== undefined || this.#isDue())) this.#save();
  }

  /** To be called now and then: sees whether this node is to verify or to trim. */
  look(): void {
    if (!this.#options.isReady()) return;
    this.#attempt('a snapshot was not verified', this.#verifier.look(this.#marksSince));
    this.#attempt('the log was not trimmed', this.#trimmer.look());
  }

  /** Saves one now, whatever the policy says, and waits until it is verified; several who ask together share it. */
  async take(timeoutMs: number): Promise<SnapshotResult> {
    const { world, machine, refusal } = this.#options;
    const reason = refusal();
    if (reason !== undefined) return { kind: 'refused', reason };
    if (!this.#isEnabled()) return { kind: 'refused', reason: 'feature-not-enabled' };
    const deadlineAt = world.clock.monotonicMs() + timeoutMs;
    const saved = await this.#inTime(this.#shared().promise, deadlineAt);
    if (this.#stopping.signal.aborted) return { kind: 'refused', reason: 'stopping' };
    if (saved === 'timed-out') return { kind: 'timed-out' };
    if (saved === undefined) return { kind: 'failed' };
    await this.#verified.reach(saved.revision, deadlineAt);
    const isVerified = machine.state.snapshots.verified.some(({ id }) => id === saved.id);
    return { kind: 'saved', snapshot: saved, isVerified };
  }

  view(): SnapshotsView {
    const { candidate, verified } = this.#options.machine.state.snapshots;
    return {
      verified: verified.map(markView),
      candidate: candidate === undefined ? null : markView(candidate),
      trimmedBelow: this.#trimmer.trimmedBelow,
    };
  }

  /** `logTime`: as estimated now, ms. */
  metrics(logTime: number): SnapshotMetrics {
    const verified = this.#options.machine.state.snapshots.verified.at(-1);
    return {
      snapshotsSaved: this.#saved,
      snapshotsVerified: this.#verifier.verified,
      snapshotFailures: this.#failures,
      logTrims: this.#trimmer.trims,
      snapshotRevision: verified?.revision ?? 0,
      snapshotAgeSeconds: verified === undefined ? 0 : Math.max(0, logTime - verified.at) / 1000,
      snapshotBytes: this.#last?.bytes ?? 0,
      snapshotSeconds: (this.#last?.tookMs ?? 0) / 1000,
    };
  }

  /** Gives up what is under way; nothing is begun any more. */
  stop(): void {
    this.#stopping.abort(new Error('the node stops'));
    this.#request?.resolve(undefined);
    this.#verified.interrupt();
  }

  #remember(marks: SnapshotMarks): void {
    const newest = marks.verified.at(-1);
    if (newest?.revision !== this.#marks?.verified.at(-1)?.revision) this.#bytes = 0;
    this.#marks = marks;
    this.#marksSince = this.#options.world.clock.monotonicMs();
    this.#verified.advance(newest?.revision ?? 0);
  }

  #isEnabled(): boolean {
    return (this.#options.machine.state.limits?.featureLevel ?? 0) >= featureLevelOf('snapshot-saved');
  }

  #isDue(): boolean {
    const { machine, policy, world, isOnDuty } = this.#options;
    const { snapshots, keyspace } = machine.state;
    const now = world.clock.monotonicMs();
    if (!isOnDuty() || !this.#isEnabled() || now < this.#notBefore) return false;
    const isAwaited = snapshots.candidate !== undefined && now < this.#marksSince + SNAPSHOT_LIMITS.verifiedWithinMs;
    if (isAwaited) return false;
    const records = machine.nextOffset - (snapshots.verified.at(-1)?.offset ?? 0);
    return records >= policy.everyRecords || this.#bytes >= Math.max(policy.everyBytes, keyspace.bytes);
  }

  #shared(): Request {
    if (this.#request !== undefined) return this.#request;
    this.#request = Promise.withResolvers();
    if (!this.#isSaving) this.#makePlace(this.#request);
    return this.#request;
  }

  // A checkpoint of its own is a place to cut at, whoever is on duty.
  #makePlace(request: Request): void {
    const deadlineAt = this.#options.world.clock.monotonicMs() + SNAPSHOT_LIMITS.tellWithinMs;
    void writeChores(this.#options, [{ type: 'checkpoint' }], deadlineAt).then((reached) => {
      if (reached === 'reached' || this.#request !== request) return;
      this.#request = undefined;
      request.resolve(undefined);
    });
  }

  #save(): void {
    const request = this.#request;
    this.#request = undefined;
    this.#isSaving = true;
    const { store, slices = SNAPSHOT_LIMITS } = this.#options.policy;
    // It is cut before this call returns.
    const saving = saveSnapshot({ ...this.#options, store, slices, signal: this.#stopping.signal });
    const told = saving.then((saved) => this.#tell(saved, request));
    const ended = told.finally(() => this.#saveEnded(request));
    this.#attempt('a snapshot was not saved', ended);
  }

  async #tell(saved: SavedSnapshot, request: Request | undefined): Promise<void> {
    const { world, logger } = this.#options;
    const { id, revision, offset } = saved;
    this.#last = saved;
    this.#saved++;
    logger.info(saved, 'saved a snapshot');
    request?.resolve(saved);
    world.fault('before-snapshot-told');
    const deadlineAt = world.clock.monotonicMs() + SNAPSHOT_LIMITS.tellWithinMs;
    const reached = await writeChores(this.#options, [{ type: 'snapshot-saved', id, revision, offset }], deadlineAt);
    if (reached !== 'reached') throw new Error('the log did not take the announcement in time');
  }

  #saveEnded(request: Request | undefined): void {
    request?.resolve(undefined);
    this.#isSaving = false;
    this.#notBefore = this.#options.world.clock.monotonicMs() + SNAPSHOT_LIMITS.retryMs;
    if (this.#request !== undefined) this.#makePlace(this.#request);
  }

  /** What fails is tried again later: the state says what is left to do. */
  #attempt(failure: string, job: Promise<void> | undefined): void {
    job?.catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      if (error instanceof InvariantBroken) return this.#options.onBroken(error);
      this.#failures++;
      this.#options.logger.warn({ reason: messageOf(error) }, failure);
    });
  }

  #inTime<T>(promise: Promise<T>, deadlineAt: number): Promise<T | 'timed-out'> {
    const { clock } = this.#options.world;
    const { promise: first, resolve, reject } = Promise.withResolvers<T | 'timed-out'>();
    const cancel = clock.after(Math.max(0, deadlineAt - clock.monotonicMs()), () => resolve('timed-out'));
    promise.then(resolve, reject).finally(cancel);
    return first;
  }
}

function markView({ revision, offset, by, at }: SnapshotMark): SnapshotMarkView {
  return { revision, offset, by, at: new Date(at).toISOString() };
}
