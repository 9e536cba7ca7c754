// Reads with a promise: session waits for the client's revision, linearizable for a barrier of the log; both go by log time itself.
import type { Clock } from '../base/world.ts';
import { type Entry, isExpired } from '../core/keyspace.ts';
import type { Machine } from '../core/machine.ts';
import type { CommitLog } from '../log/commit-log.ts';
import type { Committer } from './committer.ts';
import type { EstimatedLogTime } from './estimate.ts';
import { listPage, type PageFound } from './listing.ts';
import { Positions, type Reached } from './positions.ts';
import type { Consistency, ListRequest, ListResult, ReadRequest, ReadResult, Refusal } from './requests.ts';

export type ReadsOptions = {
  readonly machine: Machine;
  readonly estimate: EstimatedLogTime;
  readonly committer: Committer;
  readonly log: CommitLog;
  readonly clock: Clock;
  refusal(kind: 'write' | 'eventual-read' | 'consistent-read'): Refusal | undefined;
};

type Found =
  | { readonly kind: 'read'; readonly entry: Entry | undefined }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'interrupted' };

export class Reads {
  /** What is applied here: the next offset. */
  readonly offsets: Positions;
  readonly #revisions: Positions;
  readonly #options: ReadsOptions;
  /** The question to the log that reads arriving now may share: it has not been asked yet. */
  #nextQuestion: Promise<number | 'append'> | undefined;
  #question: Promise<unknown> = Promise.resolve();

  constructor(options: ReadsOptions) {
    this.#options = options;
    this.offsets = new Positions(options.clock);
    this.#revisions = new Positions(options.clock);
  }

  get waiting(): number {
    return this.#revisions.waiting + this.offsets.waiting;
  }

  /** To be called after each applied record. */
  advance(revision: number, nextOffset: number): void {
    this.#revisions.advance(revision);
    this.offsets.advance(nextOffset);
  }

  /** Ends all waits: this node cannot see them through. */
  interrupt(): void {
    this.#revisions.interrupt();
    this.offsets.interrupt();
  }

  /** By the estimate of log time: an entry whose time has passed is hidden before its expire comes. */
  eventual(key: Uint8Array): Entry | undefined {
    const { machine, estimate } = this.#options;
    const entry = machine.state.keyspace.use(key);
    if (entry === undefined || entry.expiresAt === 0) return entry;
    return isExpired(entry, estimate.now()) ? undefined : entry;
  }

  read(request: ReadRequest): Promise<ReadResult> {
    return this.#serve(request.consistency, () => this.#find(request));
  }

  list(request: ListRequest): Promise<ListResult> {
    return this.#serve(request.consistency, () => this.#findPage(request));
  }

  async #serve<T extends { readonly kind: string }>(
    consistency: Consistency,
    find: () => Promise<T | { readonly kind: 'interrupted' }>,
  ): Promise<Exclude<T, { readonly kind: 'interrupted' }> | { readonly kind: 'refused'; readonly reason: Refusal }> {
    const reason = this.#options.refusal(consistency === 'eventual' ? 'eventual-read' : 'consistent-read');
    if (reason !== undefined) return { kind: 'refused', reason };
    const found = await find();
    if (found.kind !== 'interrupted') return found as Exclude<T, { readonly kind: 'interrupted' }>;
    return { kind: 'refused', reason: this.#options.refusal('write') ?? 'paused' };
  }

  async #find(request: ReadRequest): Promise<Found> {
    if (request.consistency === 'eventual') return { kind: 'read', entry: copyOf(this.eventual(request.key)) };
    const deadlineAt = this.#options.clock.monotonicMs() + request.timeoutMs;
    const reached = await this.reach(request, deadlineAt);
    return reached === 'reached' ? this.#look(request.key, deadlineAt) : { kind: reached };
  }

  #findPage(request: ListRequest): Promise<PageFound> {
    return listPage(
      {
        ...this.#options,
        reach: (demand, deadlineAt) => this.reach(demand, deadlineAt),
        nextRecord: (deadlineAt) => this.#nextRecord(deadlineAt),
      },
      request,
    );
  }

  /** Waits until this replica may answer as `consistency` promises. */
  async reach(request: Pick<ReadRequest, 'consistency' | 'minRevision'>, deadlineAt: number): Promise<Reached> {
    // A linearizable read with a token keeps the token's promise too: it may come from a revision that this log lost.
    if (request.minRevision > 0) {
      const reached = await this.#revisions.reach(request.minRevision, deadlineAt);
      if (reached !== 'reached') return reached;
    }
    return request.consistency === 'linearizable' ? this.#passBarrier(deadlineAt) : 'reached';
  }

  #passBarrier(deadlineAt: number): Promise<Reached> {
    return this.offsets.reachTold(this.#offsetToReach(deadlineAt), deadlineAt);
  }

  async #offsetToReach(deadlineAt: number): Promise<number | undefined> {
    const { committer, clock } = this.#options;
    const answer = await this.#ask();
    if (answer !== 'append') return answer;
    return clock.monotonicMs() < deadlineAt ? committer.barrier(deadlineAt) : undefined;
  }

  // Reads that arrive before the question is sent share its answer; later ones need a new question.
  #ask(): Promise<number | 'append'> {
    this.#nextQuestion ??= this.#askNext();
    return this.#nextQuestion;
  }

  async #askNext(): Promise<number | 'append'> {
    await this.#question.catch(() => {});
    this.#nextQuestion = undefined;
    const question = this.#options.log.barrier();
    this.#question = question;
    return question;
  }

  // An entry that is expired by the estimate but not yet by log time: only a further record can tell.
  async #look(key: Uint8Array, deadlineAt: number): Promise<Found> {
    const { machine, estimate } = this.#options;
    for (;;) {
      const entry = machine.state.entry(key);
      if (entry === undefined || !isExpired(entry, estimate.now())) return { kind: 'read', entry: copyOf(entry) };
      const reached = await this.#nextRecord(deadlineAt);
      if (reached !== 'reached') return { kind: reached };
    }
  }

  #nextRecord(deadlineAt: number): Promise<Reached> {
    return this.offsets.reach(this.#options.machine.nextOffset + 1, deadlineAt);
  }
}

// The next record may be applied before the promise is heard, and the entry's bytes are only good until then.
function copyOf(entry: Entry | undefined): Entry | undefined {
  return entry === undefined ? undefined : { ...entry, value: new Uint8Array(entry.value) };
}
