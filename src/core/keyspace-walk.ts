// A walk through a keyspace in slices while commands go on changing it: what it gives is what stood there when it began.
//
// It goes in byte order of the keys. What is overwritten or deleted ahead of it is kept in its old form (copy on write), and
// what is created ahead of it is passed over. The memory for that is bounded: above the bound the walk gives up.
import { invariant } from '../base/assert.ts';
import { ByteWriter } from './bytes.ts';
import type { Entry, Keyspace } from './keyspace.ts';

export type WalkOptions = {
  /** Writes one entry as the caller's format wants it. */
  write(writer: ByteWriter, key: Uint8Array, entry: Entry): void;
  /** A run ends at the first entry that reaches either. */
  readonly maxRunBytes: number;
  readonly maxRunEntries: number;
  /** For old forms not yet given away, and for the names of changed keys. */
  readonly maxHeldBytes: number;
};

export type Run = { readonly entries: number; readonly bytes: Uint8Array };

/** More was changed during the walk than it may hold: try again later. */
export class WalkGivenUp extends Error {
  constructor(maxHeldBytes: number) {
    super(`more than ${maxHeldBytes} bytes were changed during a walk through the keyspace`);
    this.name = 'WalkGivenUp';
  }
}

/** What a changed key costs beside its bytes. */
const NAME_OVERHEAD_BYTES = 64;

/** Begins when it is made. At most one at a time through a keyspace; to be ended by `end`, or by its last run. */
export class KeyspaceWalk {
  readonly #keyspace: Keyspace;
  readonly #options: WalkOptions;
  /** Keys ahead of the cursor that were changed since the beginning; their old forms were written. */
  readonly #changed = new Set<string>();
  /** Full runs of old forms that nobody has taken yet. */
  readonly #full: Run[] = [];
  readonly #open = new ByteWriter();
  #openEntries = 0;
  #heldBytes = 0;
  /** The last key that was visited. */
  #cursor: Uint8Array | undefined;
  #phase: 'walking' | 'visited' | 'given-up' = 'walking';

  constructor(keyspace: Keyspace, options: WalkOptions) {
    invariant('S1', keyspace.beforeChange === undefined, 'two walks through one keyspace at once');
    this.#keyspace = keyspace;
    this.#options = options;
    keyspace.beforeChange = (key, old) => this.#keepOldForm(key, old);
  }

  /** The next entries, each once; undefined after the last. Throws WalkGivenUp. */
  next(): Run | undefined {
    if (this.#phase === 'given-up') throw new WalkGivenUp(this.#options.maxHeldBytes);
    const full = this.#full.shift();
    if (full !== undefined) {
      this.#heldBytes -= full.bytes.length;
      return full;
    }
    if (this.#phase === 'walking') this.#visit();
    return this.#openEntries === 0 ? undefined : this.#closeRun();
  }

  /** The keyspace is left alone from now on. */
  end(): void {
    if (this.#phase !== 'walking') return;
    this.#phase = 'visited';
    this.#keyspace.beforeChange = undefined;
    this.#changed.clear();
  }

  #visit(): void {
    let last: Uint8Array | undefined;
    this.#keyspace.visit(this.#cursor, (key, entry) => {
      last = key;
      // A changed key need not be remembered once the cursor is past it.
      if (this.#changed.size > 0 && this.#changed.delete(nameOf(key))) this.#heldBytes -= heldFor(key);
      else this.#write(key, entry);
      if (!this.#isRunFull) return true;
      this.#cursor = new Uint8Array(last);
      return false;
    });
    if (!this.#isRunFull) this.end();
  }

  #keepOldForm(key: Uint8Array, old: Entry | undefined): void {
    if (this.#cursor !== undefined && Buffer.compare(key, this.#cursor) <= 0) return;
    const name = nameOf(key);
    if (this.#changed.has(name)) return;
    this.#changed.add(name);
    this.#heldBytes += heldFor(key);
    if (old !== undefined) this.#write(key, old);
    if (this.#isRunFull) {
      const run = this.#closeRun();
      this.#heldBytes += run.bytes.length;
      this.#full.push(run);
    }
    if (this.#heldBytes + this.#open.length > this.#options.maxHeldBytes) this.#giveUp();
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
  }

  get #isRunFull(): boolean {
    const { maxRunBytes, maxRunEntries } = this.#options;
    return this.#open.length >= maxRunBytes || this.#openEntries >= maxRunEntries;
  }

  #closeRun(): Run {
    const run = { entries: this.#openEntries, bytes: this.#open.take() };
    this.#openEntries = 0;
    return run;
  }
}

function heldFor(key: Uint8Array): number {
  return key.length + NAME_OVERHEAD_BYTES;
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
