// The worker's readers: fetch batches for followers, never more than two ahead of what each has taken.

import { OffsetOutOfRange } from './commit-log.ts';
import { isBusy, type LogFile } from './embedded-file.ts';
import type { FromWorker } from './embedded-protocol.ts';

/** One batch is being applied, the next is fetched meanwhile. */
const BATCHES_AHEAD = 2;

type Follower = { next: number; mayFetch: number };

export type ReaderEvents = {
  post(message: FromWorker, transfer: ArrayBuffer[]): void;
  /** The file can be used no longer. */
  onFatal(error: unknown): void;
};

export class Readers {
  readonly #file: LogFile;
  readonly #events: ReaderEvents;
  readonly #followers = new Map<number, Follower>();
  #isScheduled = false;

  constructor(file: LogFile, events: ReaderEvents) {
    this.#file = file;
    this.#events = events;
  }

  follow(id: number, from: number): void {
    this.#followers.set(id, { next: from, mayFetch: BATCHES_AHEAD });
    this.look();
  }

  taken(id: number): void {
    const follower = this.#followers.get(id);
    if (follower === undefined) return;
    follower.mayFetch += 1;
    if (follower.mayFetch === 1) this.#schedule();
  }

  unfollow(id: number): void {
    this.#followers.delete(id);
  }

  close(): void {
    this.#followers.clear();
  }

  /** Fetches one batch for every follower that can take it and has something to read; goes on in the next turn while there is more. */
  look(): void {
    if (this.#followers.size === 0) return;
    try {
      const end = this.#file.end();
      let isMoreWaiting = false;
      for (const [id, follower] of this.#followers) {
        if (follower.mayFetch === 0 || follower.next === end) continue;
        this.#fetch(id, follower);
        isMoreWaiting ||= follower.mayFetch > 0 && follower.next < end;
      }
      if (isMoreWaiting) this.#schedule();
    } catch (error) {
      // Locked while another process recovers the file after a crash: the next look will do.
      if (isBusy(error)) setTimeout(() => this.#schedule(), 1);
      else this.#events.onFatal(error);
    }
  }

  #fetch(id: number, follower: Follower): void {
    try {
      const records = this.#file.readFrom(follower.next);
      if (records === undefined) return;
      follower.next += records.ends.length;
      follower.mayFetch -= 1;
      const { buffer } = records.bytes;
      this.#events.post({ kind: 'records', follower: id, ...records }, buffer instanceof ArrayBuffer ? [buffer] : []);
    } catch (error) {
      if (!(error instanceof OffsetOutOfRange)) throw error;
      const { wanted, start, end } = error;
      this.#followers.delete(id);
      this.#events.post({ kind: 'out-of-range', follower: id, wanted, range: { start, end } }, []);
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.look();
    });
  }
}
