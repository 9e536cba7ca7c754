// A follower for tests: keeps what a log delivers and waits, with a deadline, until enough of it has come.
import type { CommitLog, LogRecord } from '../../src/log/commit-log.ts';

/** Rejects, naming what was waited for, when the promise has not settled in time. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

/** Follows a log from an offset and keeps copies of all records. `hold` may delay each batch. */
export class LogTail {
  readonly records: LogRecord[] = [];
  readonly batches: number[] = [];
  /** Settles as `follow` does. */
  readonly ended: Promise<void>;
  #waiters: { count: number; resolve: () => void }[] = [];
  #stopper = new AbortController();

  constructor(log: CommitLog, from: number, hold: (batch: number) => Promise<void> = async () => {}) {
    this.ended = log.follow({
      from,
      signal: this.#stopper.signal,
      onRecords: async (records) => {
        for (const record of records) this.records.push({ ...record, payload: Uint8Array.from(record.payload) });
        this.batches.push(records.length);
        this.#waiters = this.#waiters.filter((waiter) => {
          if (this.records.length >= waiter.count) waiter.resolve();
          return this.records.length < waiter.count;
        });
        await hold(this.batches.length);
      },
    });
    this.ended.catch(() => {});
  }

  get offsets(): number[] {
    return this.records.map((record) => record.offset);
  }

  /** Resolves when at least `count` records have come; rejects when the follower ended before or the deadline passed. */
  async received(count: number, deadlineMs?: number): Promise<readonly LogRecord[]> {
    if (this.records.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiters.push({ count, resolve });
      const early = this.ended.then(() => Promise.reject(new Error(`the follower ended before ${count} records came`)));
      await within(
        `${count} records, of which ${this.records.length} had come`,
        Promise.race([promise, early]),
        deadlineMs,
      );
    }
    return this.records;
  }

  abort(): void {
    this.#stopper.abort();
  }

  /** Aborts and waits for the end. */
  async stop(): Promise<void> {
    this.abort();
    await within('the follower to end', this.ended);
  }
}
