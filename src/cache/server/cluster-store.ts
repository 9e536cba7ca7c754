// The cluster as a store of the cache library: what `CacheStore` promises (ports.ts), by the commands of the state machine, for clients that come by HTTP.
//
// A store is a cache without a source: its clients load and write what is behind it, and their bytes mean nothing here. It is there when it
// is first named. A note is the revision of the latest thing that happened to the key, so all who look meanwhile have the same one; a
// hold's is the revision that began it. Each has the id of the cluster with it: in another cluster revisions say other things.
import { CacheError } from '../errors.ts';
import type { Note } from '../ports.ts';
import { CacheLog, type Invalidated, wireTags } from './cache-log.ts';
import type { Applied, Content, Replica } from './replica.ts';

export type StoredBytes = {
  readonly value: Uint8Array;
  /** 0: it does not expire. */
  readonly ttlMs: number;
  readonly tags: readonly string[];
};

/** Of no hold: the first command names the cluster. */
const NO_HOLD = 1;

/** What it is called in the log, and in scopes: no cache of config.ts has such a name. */
export function logNameOf(store: string): string {
  return `store:${store}`;
}

export class ClusterStore {
  readonly #log: CacheLog;

  constructor(store: string, replica: Replica) {
    this.#log = new CacheLog(logNameOf(store), replica);
  }

  /** By local state. Without a note while somebody holds the key. */
  get(key: Uint8Array): { readonly value: Uint8Array | undefined; readonly note: Note | undefined } {
    const { changedAt, isHeld, entry } = this.#log.look(key);
    return { value: entry?.value, note: isHeld ? undefined : this.#noteOf(changedAt) };
  }

  /** False: refused, because something happened since the note was taken. */
  async fill(key: Uint8Array, bytes: StoredBytes, since: Note, timeoutMs: number): Promise<boolean> {
    const revision = this.#revisionIn(since);
    if (revision === undefined) return false;
    return this.#isKept(await this.#log.fill(key, revision, this.#contentOf(bytes), timeoutMs));
  }

  /** Resolves with the note of the hold. */
  async hold(key: Uint8Array, forMs: number, timeoutMs: number): Promise<Note> {
    const held = await this.#log.send({ type: 'cache-hold', key, ttlMs: forMs }, timeoutMs);
    if (held.code === 'held') throw new CacheError('full', this.#log.name, 'too many hold this key');
    this.#log.mustBe(held, ['done']);
    return this.#noteOf(held.revision);
  }

  /** False: nothing is kept, or nothing was to be. Undefined bytes only end the hold, or remove. */
  async put(
    key: Uint8Array,
    bytes: StoredBytes | undefined,
    hold: Note | undefined,
    timeoutMs: number,
  ): Promise<boolean> {
    const id = hold === undefined ? 0 : this.#revisionIn(hold) || NO_HOLD;
    return this.#isKept(await this.#log.endHold(key, id, bytes && this.#contentOf(bytes), timeoutMs));
  }

  /** Resolves with the revision from which on it holds. */
  async invalidate(what: Invalidated, timeoutMs: number): Promise<number> {
    return (await this.#log.invalidate(what, timeoutMs)).revision;
  }

  #isKept(applied: Applied): boolean {
    this.#log.mustBe(applied, ['created', 'replaced', 'done', 'not-kept', 'stale']);
    return applied.code === 'created' || applied.code === 'replaced';
  }

  #contentOf({ value, ttlMs, tags }: StoredBytes): Content {
    return { value, contentType: '', ttlMs, tags: wireTags(this.#log.name, tags) };
  }

  #noteOf(revision: number): Note {
    return `${revision}.${this.#log.replica.cluster}`;
  }

  /** Undefined: of another cluster, or none of ours. */
  #revisionIn(note: Note): number | undefined {
    const point = note.indexOf('.');
    const revision = Number(note.slice(0, point));
    const isOurs =
      note.slice(point + 1) === this.#log.replica.cluster && Number.isSafeInteger(revision) && revision >= 0;
    return isOurs ? revision : undefined;
  }
}
