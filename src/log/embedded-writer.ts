// The worker's writer: puts all append groups that wait into one transaction, and trims in slices between them.
import { setTimeout as sleep } from 'node:timers/promises';
import { InvariantBroken, invariant } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import { LOG_LIMITS } from '../base/limits.ts';
import { isBusy, isDamage, isFull, type LogFile, retryWhileBusy } from './embedded-file.ts';
import { type AppendGroup, decide, type FromWorker } from './embedded-protocol.ts';

export type WriterEvents = {
  post(message: FromWorker): void;
  /** Something was committed: the write lock is free. */
  onCommitted(): void;
  /** The file can be used no longer. */
  onFatal(error: unknown): void;
};

export class Writer {
  readonly #file: LogFile;
  readonly #events: WriterEvents;
  #waiting: AppendGroup[] = [];
  #isScheduled = false;
  /** Set while another process holds the write lock. */
  #retry: NodeJS.Timeout | undefined;

  constructor(file: LogFile, events: WriterEvents) {
    this.#file = file;
    this.#events = events;
  }

  add(group: AppendGroup): void {
    this.#waiting.push(group);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After all messages that are here already: they share the transaction.
    setImmediate(() => this.#commitWaiting());
  }

  /** Somebody committed: the lock may be free. */
  onNudge(): void {
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    this.#commitWaiting();
  }

  /** Refuses what has not begun. */
  close(): void {
    this.#answerNot(this.#waiting.splice(0), false, 'the log was closed');
  }

  /** Drops all records below `before`, which is not beyond the end, letting writers of all processes in between the slices. */
  async trim(before: number): Promise<void> {
    while (await retryWhileBusy(() => this.#file.deleteSlice(before), LOG_LIMITS.openTimeoutMs)) {
      this.#events.onCommitted();
      await sleep(1);
    }
  }

  #commitWaiting(): void {
    this.#isScheduled = false;
    this.#retry = undefined;
    if (this.#waiting.length === 0) return;
    try {
      this.#file.begin();
    } catch (error) {
      if (isBusy(error)) this.#scheduleRetry();
      else this.#giveUp(this.#waiting.splice(0), false, error);
      return;
    }
    const groups = this.#takeGroups();
    const firstOffsets: number[] = [];
    try {
      const timestamp = Date.now();
      let next: number | undefined;
      for (const group of groups) {
        let from = 0;
        for (const [n, end] of group.ends.entries()) {
          const offset = this.#file.insert(timestamp, group.bytes.subarray(from, end));
          invariant('L1', next === undefined || offset === next, `offset ${offset} follows ${next}`);
          if (n === 0) firstOffsets.push(offset);
          next = offset + 1;
          from = end;
        }
      }
    } catch (error) {
      this.#rollBack(groups, false, error);
      return;
    }
    try {
      this.#file.commit();
    } catch (error) {
      // A full disk or a lock leaves no whole commit in the WAL; after any other error it may be there after a crash.
      this.#rollBack(groups, !(isFull(error) || isBusy(error)), error);
      return;
    }
    for (const [n, { group }] of groups.entries()) {
      this.#events.post({ kind: 'appended', group, firstOffset: firstOffsets[n] ?? -1 });
    }
    if (groups.length > 0) this.#events.onCommitted();
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** As many groups as one transaction may hold; those whose callers gave up are left out. From here on their fate is the file's. */
  #takeGroups(): AppendGroup[] {
    const taken: AppendGroup[] = [];
    let records = 0;
    let bytes = 0;
    let seen = 0;
    for (const group of this.#waiting) {
      if (records >= LOG_LIMITS.maxCommitRecords || bytes >= LOG_LIMITS.maxCommitBytes) break;
      seen += 1;
      if (!decide(group.state, 'begun')) continue;
      taken.push(group);
      records += group.ends.length;
      bytes += group.bytes.length;
    }
    this.#waiting = this.#waiting.slice(seen);
    return taken;
  }

  #rollBack(groups: AppendGroup[], isUnknown: boolean, error: unknown): void {
    try {
      this.#file.rollback();
    } catch (rollbackError) {
      this.#answerNot(groups, isUnknown, messageOf(error));
      this.#events.onFatal(rollbackError);
      return;
    }
    this.#giveUp(groups, isUnknown, error);
  }

  #giveUp(groups: AppendGroup[], isUnknown: boolean, error: unknown): void {
    this.#answerNot(groups, isUnknown, messageOf(error));
    if (isDamage(error) || error instanceof InvariantBroken) this.#events.onFatal(error);
    else if (this.#waiting.length > 0) this.#schedule();
  }

  #answerNot(groups: readonly AppendGroup[], isUnknown: boolean, reason: string): void {
    for (const { group } of groups) this.#events.post({ kind: 'not-appended', group, isUnknown, reason });
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => this.#commitWaiting());
  }

  /** Another process writes: at its nudge, or some ms later, with jitter, so that two waiting writers do not meet in step. */
  #scheduleRetry(): void {
    this.#isScheduled = true;
    this.#retry = setTimeout(() => this.#commitWaiting(), 1 + 2 * Math.random());
  }
}
