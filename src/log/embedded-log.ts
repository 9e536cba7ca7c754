// The embedded log: a durable commit log in one SQLite file that several node processes on one machine share.
import { Worker } from 'node:worker_threads';
import { invariant, unreachable } from '../base/assert.ts';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { LOG_LIMITS } from '../base/limits.ts';
import { systemWorld } from '../base/system-world.ts';
import type { Clock } from '../base/world.ts';
import { AppendRefused, type CommitLog, type FollowOptions, type LogRecord, OffsetOutOfRange } from './commit-log.ts';
import { Appends } from './embedded-appends.ts';
import type { FromWorker, PackedRecords, Range, ToWorker, WorkerOptions } from './embedded-protocol.ts';

export type EmbeddedLogOptions = {
  /** Holds `log.sqlite`; made when it is missing. It must be on a local disk. */
  readonly dir: string;
  readonly clock?: Clock;
  readonly appendTimeoutMs?: number;
};

/** Opens the log, making it when there is none. Rejects with FatalError when the file is damaged, foreign, or cannot be reached. */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<CommitLog> {
  const log = new EmbeddedLog(options);
  await log.opened;
  return log;
}

/**
 * A worker thread owns the file (embedded-worker.ts). The payloads given to followers are views of one buffer a batch: who keeps a small
 * one for long should copy it.
 */
class EmbeddedLog implements CommitLog {
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #appends: Appends;
  readonly #requests = new Map<number, PromiseWithResolvers<Range>>();
  readonly #followers = new Map<number, Inbox>();
  readonly #opening = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #nextNumber = 0;
  #isClosing = false;
  /** Why nothing works any more. */
  #failure: FatalError | undefined;

  constructor({ dir, clock = systemWorld.clock, appendTimeoutMs = LOG_LIMITS.appendTimeoutMs }: EmbeddedLogOptions) {
    this.opened = this.#opening.promise;
    this.#appends = new Appends((message, transfer) => this.#post(message, transfer), {
      clock,
      timeoutMs: appendTimeoutMs,
    });
    const workerData: WorkerOptions = { dir };
    this.#worker = new Worker(new URL('./embedded-worker.ts', import.meta.url), { workerData });
    this.#worker.on('message', (message: FromWorker) => this.#hear(message));
    this.#worker.on('error', (error) =>
      this.#fail(new FatalError(EXIT.brokenAssertion, `The log's thread broke: ${messageOf(error)}`)),
    );
    this.#worker.on('exit', () => this.#onExit());
  }

  async append(payload: Uint8Array): Promise<{ readonly offset: number }> {
    if (this.#isClosing || this.#failure !== undefined) {
      throw new AppendRefused(this.#failure?.message ?? 'the log is closed', { isPermanent: false });
    }
    return this.#appends.add(payload);
  }

  async start(): Promise<number> {
    return (await this.#ask((request) => ({ kind: 'range', request }))).start;
  }

  async end(): Promise<number> {
    return (await this.#ask((request) => ({ kind: 'range', request }))).end;
  }

  /** SQLite is one file: what any process was acknowledged is seen by a transaction that begins now. */
  async barrier(): Promise<number> {
    return this.end();
  }

  async follow({ from, onRecords, signal }: FollowOptions): Promise<void> {
    this.#assertOpen();
    const follower = this.#nextNumber++;
    const inbox = new Inbox();
    const stop = () => inbox.end();
    this.#followers.set(follower, inbox);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    this.#post({ kind: 'follow', follower, from });
    try {
      let next = from;
      for (;;) {
        const packed = await inbox.take();
        if (packed === undefined) return;
        invariant('L1', packed.firstOffset === next, `offset ${packed.firstOffset} came where ${next} was due`);
        next += packed.ends.length;
        await onRecords(unpack(packed));
        this.#post({ kind: 'taken', follower });
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#followers.delete(follower);
      this.#post({ kind: 'unfollow', follower });
    }
  }

  async trim(before: number): Promise<void> {
    const { start, end } = await this.#ask((request) => ({ kind: 'range', request }));
    if (before > end) throw new OffsetOutOfRange(before, start, end);
    await this.#ask((request) => ({ kind: 'trim', request, before }));
  }

  /** Appends already begun are finished, others refused; followers resolve. */
  async close(): Promise<void> {
    if (!this.#isClosing) {
      this.#appends.send();
      this.#post({ kind: 'close' });
      this.#isClosing = true;
      for (const inbox of this.#followers.values()) inbox.end();
    }
    await this.#ended.promise;
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosing) throw new Error('the log is closed');
  }

  async #ask(question: (request: number) => ToWorker): Promise<Range> {
    this.#assertOpen();
    const request = this.#nextNumber++;
    const answer = Promise.withResolvers<Range>();
    this.#requests.set(request, answer);
    this.#post(question(request));
    return answer.promise.finally(() => this.#requests.delete(request));
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#isClosing) this.#worker.postMessage(message, transfer);
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case 'opened':
        this.#opening.resolve();
        break;
      case 'appended':
        this.#appends.acknowledged(message.group, message.firstOffset);
        break;
      case 'not-appended':
        this.#appends.notAppended(message.group, message.isUnknown, message.reason);
        break;
      case 'range':
        this.#requests.get(message.request)?.resolve(message.range);
        break;
      case 'failed':
        this.#requests.get(message.request)?.reject(new Error(message.reason));
        break;
      case 'records':
        this.#followers.get(message.follower)?.put(message);
        break;
      case 'out-of-range': {
        const { wanted, range } = message;
        this.#followers.get(message.follower)?.fail(new OffsetOutOfRange(wanted, range.start, range.end));
        break;
      }
      case 'fatal':
        this.#fail(new FatalError(message.exitCode, message.reason));
        break;
      case 'closed':
        break;
      default:
        unreachable(message);
    }
  }

  #fail(failure: FatalError): void {
    this.#failure ??= failure;
    this.#opening.reject(failure);
    this.#appends.giveUp(failure.message);
    for (const inbox of this.#followers.values()) inbox.fail(failure);
    for (const request of this.#requests.values()) request.reject(failure);
  }

  #onExit(): void {
    if (!this.#isClosing) this.#fail(new FatalError(EXIT.brokenAssertion, "The log's thread ended by itself."));
    this.#isClosing = true;
    this.#appends.giveUp('the log was closed');
    for (const request of this.#requests.values()) request.reject(new Error('the log was closed'));
    this.#ended.resolve();
  }
}

/** The batches that came for one follower: at most two, since the worker fetches no more before one is taken. */
class Inbox {
  readonly #batches: PackedRecords[] = [];
  #isEnded = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  put(batch: PackedRecords): void {
    this.#batches.push(batch);
    this.#wake();
  }

  /** Nothing more will be taken. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** After the batches that came before. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** The next batch; undefined after the end. */
  async take(): Promise<PackedRecords | undefined> {
    for (;;) {
      if (this.#isEnded) return undefined;
      const batch = this.#batches.shift();
      if (batch !== undefined) return batch;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function unpack({ firstOffset, timestamps, ends, bytes }: PackedRecords): LogRecord[] {
  const records: LogRecord[] = [];
  let from = 0;
  for (let n = 0; n < ends.length; n++) {
    const end = ends[n] ?? from;
    records.push({ offset: firstOffset + n, timestamp: timestamps[n] ?? 0, payload: bytes.subarray(from, end) });
    from = end;
  }
  return records;
}
