// Write-behind's flusher: the duty node brings the source what it has yet to take, in batches, each under a fence of its own.
//
// The queue is the replicated state, so nothing is lost with a node. A flush shows the revision at which it was cut, and the
// source takes it only where no flush that was cut later was there before: the late commit of a stopped node, or of a flush
// that timed out, cannot overwrite newer rows. What was committed is then told by `saved`, which clears only the revision that
// was flushed. Two nodes that both believe to be on duty do no harm.
import type { Cancel } from '../../base/world.ts';
import type { Codec } from '../codec.ts';
import { within } from '../deadline.ts';
import { asCacheError, CacheError } from '../errors.ts';
import type { Change, Fence, FlushableSource, Flushed } from '../ports.ts';
import type { CacheWorld } from '../world.ts';
import type { CacheLog } from './cache-log.ts';
import type { Duty, UnsavedWrite } from './replica.ts';

const FLUSH_TIMEOUT_MS = 5000;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 10_000;
const NEWS_MS = 1000;
/** Between looks for work, where writes are not to wait for each other. */
const IDLE_MS = 10;
const MAX_ERROR_LENGTH = 255;

export type FlusherOptions<Value> = {
  readonly log: CacheLog;
  readonly duty: Duty;
  readonly source: FlushableSource<string, Value>;
  readonly codec: Codec<Value>;
  readonly world: CacheWorld;
};

type FlusherView = {
  readonly flushes: number;
  readonly rows: number;
  /** Why the last flush failed; undefined: it did not. `fenced`: the source belongs to another cluster, or is ahead. */
  readonly trouble: CacheError | undefined;
  /** The fence that refused the last flush. */
  readonly fence: Fence | undefined;
};

export class Flusher<Value> {
  readonly #options: FlusherOptions<Value>;
  #cancel: Cancel = () => {};
  #isStopped = false;
  /** Of the last flush: the next brings a greater one. */
  #lastN = 0;
  #after: Uint8Array | undefined;
  /** Halved when the source refuses a batch, doubled when it takes one. */
  #limit = Number.MAX_SAFE_INTEGER;
  #failures = 0;
  /** By key, as often as the source refused it by itself. */
  readonly #refusals = new Map<string, number>();
  #flushes = 0;
  #rows = 0;
  #trouble: CacheError | undefined;
  #fence: FlusherView['fence'];

  constructor(options: FlusherOptions<Value>) {
    this.#options = options;
  }

  get view(): FlusherView {
    return { flushes: this.#flushes, rows: this.#rows, trouble: this.#trouble, fence: this.#fence };
  }

  start(): void {
    this.#later(0);
  }

  /**
   * Makes the fence that the source was found with this cluster's, and lifts the cluster's revision above it, so that its flushes pass
   * from then on. Only on an admin's word, after the other cluster has ended. False: the fence is another one. Harmless twice.
   */
  async adopt(found: Fence, timeoutMs: number): Promise<boolean> {
    const { log, source, world } = this.#options;
    const { cluster } = log.replica;
    const isOurs = await within(timeoutMs, source.name, world.clock, async (call) => {
      if (source.adopt === undefined) throw new CacheError('refused', source.name, 'it has no fence to adopt');
      // The second: it was adopted before, by an attempt that then failed.
      const ways = [found, { ...found, cluster }];
      for (const way of ways) if (await source.adopt(way, cluster, call)) return true;
      return false;
    });
    if (isOurs) await log.sendDone({ type: 'cache-adopt', n: found.n }, timeoutMs);
    return isOurs;
  }

  /** No flush begins any more; one that is under way ends by itself. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #later(ms: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.world.clock.after(ms, () => {
      this.#turn().then(
        (pauseMs) => this.#later(pauseMs),
        (error: unknown) => this.#later(this.#failed(asCacheError(error, this.#options.source.name, 'unknown'))),
      );
    });
  }

  /** One batch; answers how long to wait before the next. */
  async #turn(): Promise<number> {
    const { log, duty } = this.#options;
    const { pattern, maxBatch, maxDelayMs } = log.policy;
    const idleMs = Math.max(maxDelayMs, IDLE_MS);
    if (!duty.isOnDuty()) {
      this.#after = undefined;
      this.#refusals.clear();
      return idleMs;
    }
    const limit = Math.min(this.#limit, maxBatch);
    const batch = log.unsaved('waiting', this.#after, limit);
    const isRoundOver = batch.length < limit;
    const isDue = !isRoundOver || batch.some(({ ageMs }) => ageMs >= maxDelayMs);
    const { revision, isDrained } = log.replica.unsavedNumber(log.name);
    // Whoever leaves write-behind may write the source only when no flush that was given up can come after him.
    const isToDrain = pattern !== 'behind' && !isDrained && batch.length === 0 && this.#after === undefined;
    if (!isDue && !isToDrain) {
      this.#after = undefined;
      return idleMs;
    }
    const n = log.replica.revision;
    if (n <= this.#lastN) {
      // Revisions grow with each heartbeat.
      await log.replica.news(NEWS_MS);
      return 0;
    }
    this.#lastN = n;
    const pauseMs = await this.#flush(batch, n);
    if (isToDrain && this.#fence === undefined) await log.send({ type: 'cache-drained', revision });
    this.#failures = 0;
    if (isRoundOver) this.#after = undefined;
    return pauseMs ?? (isRoundOver ? idleMs : 0);
  }

  /** Undefined: go on. */
  async #flush(batch: readonly UnsavedWrite[], n: number): Promise<number | undefined> {
    const { log, source, world } = this.#options;
    const changes = batch.map((write) => this.#changeOf(write));
    const guard = { kind: 'fence', cluster: log.replica.cluster, n } as const;
    let flushed: Flushed;
    try {
      flushed = await within(FLUSH_TIMEOUT_MS, source.name, world.clock, (call) => source.flush(changes, guard, call));
    } catch (error) {
      if (!(error instanceof CacheError) || error.code !== 'refused') throw error;
      this.#lastN = n - 1; // Nothing came of it.
      return this.#refused(batch, error);
    }
    if (flushed.kind === 'fenced') return this.#fenced(flushed);
    this.#fence = undefined;
    this.#trouble = undefined;
    this.#flushes++;
    this.#rows += batch.length;
    this.#limit = Math.max(2 * this.#limit, batch.length);
    this.#after = batch.at(-1)?.key;
    for (const { key } of batch) this.#refusals.delete(nameOf(key));
    await log.send({ type: 'cache-settle', how: 'saved', error: '', writes: batch });
    return undefined;
  }

  // In the same turn in which the batch was cut: it is the value of this revision. None: the row is to go.
  #changeOf({ key, revision }: UnsavedWrite): Change<string, Value> {
    const name = nameOf(key);
    const value = this.#options.log.look(key).entry?.value;
    const row = value === undefined ? undefined : this.#options.codec.decode(value);
    return { id: `${revision}:${name}`, key: name, value: row, revision };
  }

  // A flush that was cut later was here: by another node, or by this one before it was stopped for a while.
  #fenced({ cluster, n }: Fence): number {
    const { log, source } = this.#options;
    this.#fence = { cluster, n };
    if (cluster === log.replica.cluster && n <= log.replica.revision) return 0;
    throw new CacheError('refused', source.name, `its fence stands at ${n} of cluster ${cluster}`);
  }

  // What is refused as a whole is tried in halves, until the one write is found that the source refuses; the rest goes on without it.
  async #refused(batch: readonly UnsavedWrite[], error: CacheError): Promise<number | undefined> {
    const { log } = this.#options;
    this.#limit = Math.max(1, batch.length >> 1);
    const [write] = batch;
    if (write === undefined || batch.length > 1) return 0;
    this.#after = write.key;
    const name = nameOf(write.key);
    const refusals = (this.#refusals.get(name) ?? 0) + 1;
    this.#refusals.set(name, refusals);
    if (refusals < log.policy.maxRefusals) return undefined;
    this.#refusals.delete(name);
    await log.send({ type: 'cache-settle', how: 'failed', error: latin1(error.message), writes: batch });
    return undefined;
  }

  /** Exponential, with full jitter. */
  #failed(error: CacheError): number {
    this.#trouble = error;
    this.#failures++;
    const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(this.#failures, 20));
    return this.#options.world.random() * most;
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString();
}

function latin1(text: string): string {
  return text.replace(/[^\x20-\xff]/g, '?').slice(0, MAX_ERROR_LENGTH);
}
