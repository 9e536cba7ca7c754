// The witness: follows the commit log from its beginning, without any node, and applies it by a state machine of its own. What it saw is what happened.
import { messageOf } from '../../src/base/errors.ts';
import { decodeFrame, type FrameCommand } from '../../src/core/codec.ts';
import { Machine } from '../../src/core/machine.ts';
import { isRemembered, type Outcome } from '../../src/core/outcome.ts';
import type { CommitLog, LogRecord } from '../../src/log/commit-log.ts';
import { hexDigest } from '../../src/node/cluster-view.ts';
import { OffHeapKeyspace } from '../../src/store/off-heap-keyspace.ts';
import { until } from './faults.ts';
import type { Fate } from './history.ts';

/** A command of an applied frame. */
type Seen = { readonly node: string; readonly incarnation: string; readonly command: FrameCommand['command'] };

const CATCHES_UP_WITHIN_MS = 60_000;

export class Witness {
  readonly fates = new Map<string, Fate>();
  readonly #machine = new Machine(new OffHeapKeyspace(1));
  readonly #listeners = new Set<(seen: Seen) => void>();
  readonly #stop = new AbortController();
  readonly #log: CommitLog;
  readonly #following: Promise<void>;
  /** How far the last record's timestamp was ahead of this machine's clock when it came. */
  #aheadMs = 0;
  #trouble: string | undefined;

  /** Begins at once, with the log's first record. */
  constructor(log: CommitLog) {
    this.#log = log;
    const onRecords = async (records: readonly LogRecord[]) => {
      for (const record of records) this.#apply(record);
    };
    this.#following = log.follow({ from: 0, onRecords, signal: this.#stop.signal }).catch((error: unknown) => {
      this.#trouble = messageOf(error);
    });
  }

  get revision(): number {
    return this.#machine.state.revision;
  }

  get keys(): number {
    return this.#machine.state.keyspace.keys;
  }

  get counters(): Machine['counters'] {
    return this.#machine.counters;
  }

  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** Why it follows no more. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The value and revision of a key; undefined where there is none. */
  entry(key: string): { readonly value: string; readonly revision: number } | undefined {
    const entry = this.#machine.state.keyspace.get(Buffer.from(key));
    return entry === undefined
      ? undefined
      : { value: Buffer.from(entry.value).toString('utf8'), revision: entry.revision };
  }

  /** Of the state at this revision, if it was the end of a frame at which nodes note theirs. */
  digestAt(revision: number): string | undefined {
    const note = this.#machine.notes.findLast((one) => one.revision === revision);
    return note === undefined ? undefined : hexDigest(note.digest);
  }

  /** Hears every command as it is applied; answers what ends that. */
  hear(listener: (seen: Seen) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with the first command for which `isWanted` says yes. */
  async next(isWanted: (seen: Seen) => boolean, withinMs: number, what: string): Promise<Seen> {
    const { promise, resolve, reject } = Promise.withResolvers<Seen>();
    const timer = setTimeout(() => reject(new Error(`waited ${withinMs} ms in vain for ${what}`)), withinMs);
    const end = this.hear((seen) => isWanted(seen) && resolve(seen));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  /** Resolves when it has applied this revision. */
  reached(revision: number): Promise<void> {
    const isThere = () => this.#trouble !== undefined || this.revision >= revision;
    return until(isThere, CATCHES_UP_WITHIN_MS, `the witness at revision ${revision}, it is at ${this.revision}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await this.#log.close();
  }

  #apply({ offset, timestamp, payload }: LogRecord): void {
    this.#aheadMs = timestamp - Date.now();
    const decoded = decodeFrame(payload);
    if (decoded.kind === 'newer') throw new Error(`record ${offset} is newer than this program`);
    const author = decoded.kind === 'frame' ? decoded.frame : { node: '', incarnation: '' };
    this.#machine.apply(offset, timestamp, decoded, (command, outcome) => {
      if (command.id !== '') this.#note(command.id, outcome);
      const seen = { node: author.node, incarnation: author.incarnation, command: command.command };
      for (const listener of this.#listeners) listener(seen);
    });
  }

  #note(id: string, { code, revision, isRepeat }: Outcome): void {
    const fate = this.fates.get(id);
    const isFirst = !isRepeat && isRemembered(code);
    if (fate === undefined) {
      this.fates.set(id, { id, code, revision, applied: isFirst ? 1 : 0, repeats: 0 });
    } else if (isFirst) {
      fate.applied += 1;
      if (fate.applied > 1) return;
      fate.code = code;
      fate.revision = revision;
    } else {
      fate.repeats += 1;
    }
  }
}
