// A walk through a keyspace in slices while commands go on changing it: what it gives is what stood there when it began.
//
// It goes in byte order of the keys. What is overwritten or deleted ahead of it is kept in its old form (copy on write). What
// was written since is known by its revision and passed over, so that changed keys need not be remembered: a set of hundreds
// of thousands of strings would have the garbage collector stop the node. The memory is bounded: above the bound it gives up.
import { invariant } from '../base/assert.ts';
import { ByteWriter } from '../base/bytes.ts';
import type { Entry, Keyspace } from '../core/keyspace.ts';

export type WalkOptions = {
  /** The latest command's: what is written from now on has a higher one. */
  readonly revision: number;
  /** Writes one entry as the caller's format wants it. */
  write(writer: ByteWriter, key: Uint8Array, entry: Entry): void;
  /** A run ends at the first entry that reaches either; it may have none where all that it came by was written since. */
  readonly maxRunBytes: number;
  readonly maxRunEntries: number;
  /** For old forms not yet given away. */
  readonly maxHeldBytes: number;
};

/** `bytes` may be a view that is good until the keyspace is changed, or the next run asked for. */
export type Run = { readonly entries: number; readonly bytes: Uint8Array };

/** More was changed during the walk than it may hold, or there are revisions ahead of the latest command's: try again later. */
export class WalkGivenUp extends Error {
  constructor(reason: string) {
    super(`a walk through the keyspace was given up: ${reason}`);
    this.name = 'WalkGivenUp';
  }
}

/** What a key's name costs beside its bytes. */
const NAME_OVERHEAD_BYTES = 64;

/** Begins when it is made. At most one at a time through a keyspace; to be ended by `end`, or by its last run. */
export class KeyspaceWalk {
  readonly #keyspace: Keyspace;
  readonly #options: WalkOptions;
  /** Keys that were written since, yet with an old revision: a transaction that failed has put their entries back. */
  readonly #putBack = new Set<string>();
  /** Full runs of old forms that nobody has taken yet. */
  readonly #full: Run[] = [];
  readonly #open = new ByteWriter();
  #openEntries = 0;
  #heldBytes = 0;
  /** The last key that was visited. */
  #cursor: Uint8Array | undefined;
  /** Entries still to be given. */
  #missing: number;
  #phase: 'walking' | 'visited' | 'given-up' = 'walking';

  constructor(keyspace: Keyspace, options: WalkOptions) {
    invariant('S1', keyspace.beforeChange === undefined, 'two walks through one keyspace at once');
    this.#keyspace = keyspace;
    this.#options = options;
    this.#missing = keyspace.keys;
    keyspace.beforeChange = (key, old, entry) => this.#keepOldForm(key, old, entry);
  }

  /** The next entries, each once; undefined after the last. Throws WalkGivenUp. Not to be called after `end`. */
  next(): Run | undefined {
    if (this.#phase === 'given-up') throw new WalkGivenUp('too much was changed meanwhile');
    const full = this.#full.shift();
    if (full !== undefined) {
      this.#heldBytes -= full.bytes.length;
      return full;
    }
    if (this.#phase === 'walking') this.#visit();
    if (this.#openEntries > 0 || this.#phase === 'walking') return this.#closeRun(this.#open.peek(0));
    if (this.#missing !== 0) throw new WalkGivenUp(`${this.#missing} entries have revisions that are still to come`);
    return undefined;
  }

  /** The keyspace is left alone from now on. */
  end(): void {
    if (this.#phase !== 'walking') return;
    this.#phase = 'visited';
    this.#keyspace.beforeChange = undefined;
    this.#putBack.clear();
  }

  #visit(): void {
    let seen = 0;
    let isAtEnd = true;
    this.#keyspace.visit(this.#cursor, (key, entry) => {
      if (this.#isAsItWas(key, entry)) this.#write(key, entry);
      // What is passed over costs time too.
      isAtEnd = ++seen < this.#options.maxRunEntries && !this.#isRunFull;
      if (!isAtEnd) this.#cursor = new Uint8Array(key);
      return isAtEnd;
    });
    if (isAtEnd) this.end();
  }

  #keepOldForm(key: Uint8Array, old: Entry | undefined, entry: Entry | undefined): void {
    if (this.#cursor !== undefined && Buffer.compare(key, this.#cursor) <= 0) return;
    // What is not as it was has been written in its old form already, if it had one.
    if (old !== undefined && this.#isAsItWas(key, old)) this.#write(key, old);
    if (entry !== undefined && entry.revision <= this.#options.revision) {
      this.#putBack.add(nameOf(key));
      this.#heldBytes += key.length + NAME_OVERHEAD_BYTES;
    }
    if (this.#isRunFull) {
      const run = this.#closeRun(this.#open.peek(0).slice());
      this.#heldBytes += run.bytes.length;
      this.#full.push(run);
    }
    if (this.#heldBytes + this.#open.length > this.#options.maxHeldBytes) this.#giveUp();
  }

  #isAsItWas(key: Uint8Array, { revision }: Entry): boolean {
    return revision <= this.#options.revision && !(this.#putBack.size > 0 && this.#putBack.has(nameOf(key)));
  }

  #giveUp(): void {
    this.end();
    this.#phase = 'given-up';
    this.#full.length = 0;
    this.#open.clear();
  }

  #write(key: Uint8Array, entry: Entry): void {
    this.#options.write(this.#open, key, entry);
    this.#openEntries++;
    this.#missing--;
  }

  get #isRunFull(): boolean {
    const { maxRunBytes, maxRunEntries } = this.#options;
    return this.#open.length >= maxRunBytes || this.#openEntries >= maxRunEntries;
  }

  #closeRun(bytes: Uint8Array): Run {
    const run = { entries: this.#openEntries, bytes };
    this.#openEntries = 0;
    this.#open.clear();
    return run;
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
