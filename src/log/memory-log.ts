// The memory log: a commit log for tests and the simulator; time and every fault come in by arguments, nothing in it is random.
import { invariant } from '../base/assert.ts';
import { LOG_LIMITS } from '../base/limits.ts';
import type { Cancel, Clock } from '../base/world.ts';
import {
  AppendRefused,
  AppendUnknown,
  type CommitLog,
  type FollowOptions,
  type LogRecord,
  OffsetOutOfRange,
} from './commit-log.ts';

/** What becomes of one append. Times are ms from the append on; each is kept by the injected clock. */
export type AppendFate =
  | { readonly kind: 'acknowledged'; readonly landsAfterMs: number; readonly answersAfterMs: number }
  /** Certainly not in the log. */
  | { readonly kind: 'refused'; readonly answersAfterMs: number; readonly isPermanent: boolean }
  /** A lost acknowledgement; landing after the answer it is a zombie append; undefined: it never lands. */
  | { readonly kind: 'unknown'; readonly landsAfterMs: number | undefined; readonly answersAfterMs: number };

/** The faults of a memory log, asked for at each operation. `handle` is the name given to `open`. */
export type MemoryLogFaults = {
  fateOfAppend(handle: string, payload: Uint8Array): AppendFate;
  /** ms between the reading of the batch that begins at `offset` and its delivery to a follower. */
  deliveryDelayMs(handle: string, offset: number): number;
  /** The timestamp of the record landing now: any whole number, also one before the last. */
  timestamp(): number;
};

export type MemoryLogStore = {
  /** A further handle, as another process would have one. */
  open(handle?: string): CommitLog;
  /** Every record that ever landed, trimmed or not: what oracles read. */
  history(): readonly LogRecord[];
};

/** A store without faults; each function may be replaced alone. */
export function noFaults(clock: Clock): MemoryLogFaults {
  return {
    fateOfAppend: () => ({ kind: 'acknowledged', landsAfterMs: 0, answersAfterMs: 0 }),
    deliveryDelayMs: () => 0,
    timestamp: () => Math.trunc(clock.wallMs()),
  };
}

/** A log shared by all handles opened on it. It lives as long as it is referenced. */
export function createMemoryLogStore(options: { clock: Clock; faults?: Partial<MemoryLogFaults> }): MemoryLogStore {
  const faults = { ...noFaults(options.clock), ...options.faults };
  const records = new Records(faults);
  return {
    open: (handle = 'log') => new MemoryLog(records, options.clock, faults, handle),
    history: () => records.history,
  };
}

/** The order itself: what landed, what of it is kept, and who waits for more. */
class Records {
  readonly history: LogRecord[] = [];
  start = 0;
  readonly #waiting = new Set<() => void>();
  readonly #faults: MemoryLogFaults;

  constructor(faults: MemoryLogFaults) {
    this.#faults = faults;
  }

  get end(): number {
    return this.history.length;
  }

  land(payload: Uint8Array): number {
    const offset = this.end;
    const timestamp = this.#faults.timestamp();
    invariant('L1', Number.isSafeInteger(timestamp), `a timestamp is a whole number, not ${timestamp}`);
    this.history.push({ offset, timestamp, payload });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    return offset;
  }

  onNextLanding(wake: () => void): Cancel {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  batchFrom(from: number): readonly LogRecord[] {
    if (from < this.start || from > this.end) throw new OffsetOutOfRange(from, this.start, this.end);
    const batch: LogRecord[] = [];
    let bytes = 0;
    while (batch.length < LOG_LIMITS.maxBatchRecords && bytes < LOG_LIMITS.maxBatchBytes) {
      const record = this.history[from + batch.length];
      if (record === undefined) break;
      batch.push(record);
      bytes += record.payload.length;
    }
    return batch;
  }
}

class MemoryLog implements CommitLog {
  readonly #records: Records;
  readonly #clock: Clock;
  readonly #faults: MemoryLogFaults;
  readonly #handle: string;
  readonly #closed = new AbortController();
  readonly #unanswered = new Set<(error: Error) => void>();

  constructor(records: Records, clock: Clock, faults: MemoryLogFaults, handle: string) {
    this.#records = records;
    this.#clock = clock;
    this.#faults = faults;
    this.#handle = handle;
  }

  async append(payload: Uint8Array): Promise<{ readonly offset: number }> {
    if (this.#isClosed) throw new AppendRefused('the log is closed', { isPermanent: false });
    if (payload.length > LOG_LIMITS.maxPayloadBytes) {
      throw new AppendRefused(`${payload.length} bytes are above ${LOG_LIMITS.maxPayloadBytes}`, { isPermanent: true });
    }
    const bytes = Uint8Array.from(payload);
    const fate = this.#faults.fateOfAppend(this.#handle, bytes);
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly offset: number }>();
    this.#unanswered.add(reject);
    switch (fate.kind) {
      case 'acknowledged':
        this.#after(fate.landsAfterMs, () => {
          const offset = this.#records.land(bytes);
          this.#after(fate.answersAfterMs - fate.landsAfterMs, () => resolve({ offset }));
        });
        break;
      case 'refused': {
        const { isPermanent } = fate;
        this.#after(fate.answersAfterMs, () =>
          reject(new AppendRefused('refused by a planned fault', { isPermanent })),
        );
        break;
      }
      case 'unknown':
        if (fate.landsAfterMs !== undefined) this.#after(fate.landsAfterMs, () => void this.#records.land(bytes));
        this.#after(fate.answersAfterMs, () => reject(new AppendUnknown('acknowledgement lost by a planned fault')));
        break;
    }
    return promise.finally(() => this.#unanswered.delete(reject));
  }

  async start(): Promise<number> {
    this.#assertOpen();
    return this.#records.start;
  }

  async end(): Promise<number> {
    this.#assertOpen();
    return this.#records.end;
  }

  async barrier(): Promise<number> {
    return this.end();
  }

  async follow({ from, onRecords, signal }: FollowOptions): Promise<void> {
    this.#assertOpen();
    const stop = AbortSignal.any([signal, this.#closed.signal]);
    let next = from;
    while (!stop.aborted) {
      const batch = this.#records.batchFrom(next);
      const first = batch[0];
      if (first === undefined) {
        await until(stop, (wake) => this.#records.onNextLanding(wake));
        continue;
      }
      await this.#pause(this.#faults.deliveryDelayMs(this.#handle, first.offset), stop);
      if (stop.aborted) return;
      await onRecords(batch);
      next += batch.length;
    }
  }

  async trim(before: number): Promise<void> {
    this.#assertOpen();
    const { start, end } = this.#records;
    if (before > end) throw new OffsetOutOfRange(before, start, end);
    this.#records.start = Math.max(start, before);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    // What was handed over lands as planned; who waited for the answer will not hear it.
    for (const reject of this.#unanswered)
      reject(new AppendUnknown('the log was closed before the acknowledgement came'));
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('the log is closed');
  }

  #after(ms: number, task: () => void): Cancel {
    return this.#clock.after(Math.max(0, ms), task);
  }

  #pause(ms: number, stop: AbortSignal): Promise<void> {
    return until(stop, (wake) => this.#after(ms, wake));
  }
}

/** Resolves when what `arm` was given is called, or when the signal aborts. */
async function until(stop: AbortSignal, arm: (wake: () => void) => Cancel): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  stop.addEventListener('abort', wake, { once: true });
  const disarm = arm(wake);
  if (stop.aborted) wake();
  await promise;
  disarm();
  stop.removeEventListener('abort', wake);
}
