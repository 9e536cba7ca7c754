// The last events of this node, in order: what its watchers have yet to be given, and what one that comes back has missed.
import { WATCH_LIMITS } from '../base/limits.ts';
import type { Change } from '../core/journal.ts';
import type { Entry } from '../core/keyspace.ts';

/**
 * A place among the events: after `place` (0, 1, …) of the command with this revision. Infinity: after all of the
 * command. An event's place counts all events of its command, whoever watches them.
 */
export type Position = { readonly revision: number; readonly place: number };

export type ChangeEvent = Position & {
  readonly change: Change;
  /** The key's bytes, a character each. */
  readonly name: string;
  /** Of put and touch. */
  readonly expiresAt: number;
  /** Of put, and of invalidate: the tags. */
  readonly contentType: string;
  readonly value: Uint8Array | undefined;
};

export type HistoryBounds = { readonly maxEvents: number; readonly maxBytes: number };

/** What an event takes beside its key, type and value. */
const EVENT_BYTES = 150;

export class History {
  readonly #bounds: HistoryBounds;
  /** Dropped ones are undefined until the list is cut off. */
  #events: (ChangeEvent | undefined)[] = [];
  /** Index of the first event that is kept. */
  #first = 0;
  /** Number of the event at `#events[0]`: events are numbered from 0 since the start. */
  #base = 0;
  #bytes = 0;
  #before: Position = { revision: 0, place: Number.POSITIVE_INFINITY };
  #last: Position = { revision: 0, place: 0 };

  constructor({
    maxEvents = WATCH_LIMITS.maxEvents,
    maxBytes = WATCH_LIMITS.maxEventBytes,
  }: Partial<HistoryBounds> = {}) {
    this.#bounds = { maxEvents, maxBytes };
  }

  /** Forgets all; events after `revision` will be noted. */
  begin(revision: number): void {
    this.#base += this.#events.length;
    this.#events = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#before = { revision, place: Number.POSITIVE_INFINITY };
    // What was noted last may come again, now from a state that is led on anew.
    this.#last = { revision: 0, place: 0 };
  }

  note(revision: number, change: Change, key: Uint8Array, entry: Entry | undefined): void {
    const place = this.#last.revision === revision ? this.#last.place + 1 : 0;
    const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
    const { expiresAt = 0, contentType = '' } = entry ?? {};
    const value = change === 'put' || change === 'invalidate' ? copyOf(entry?.value) : undefined;
    const event = { revision, place, change, name, expiresAt, contentType, value };
    this.#last = { revision, place };
    this.#events.push(event);
    this.#bytes += bytesOf(event);
    while (this.#bytes > this.#bounds.maxBytes || this.size > this.#bounds.maxEvents) this.#dropFirst();
  }

  get maxEvents(): number {
    return this.#bounds.maxEvents;
  }

  /** All events after this position are kept: the oldest from which a watcher can go on. */
  get before(): Position {
    return this.#before;
  }

  get size(): number {
    return this.#events.length - this.#first;
  }

  /** Number of the oldest event that is kept, and of the next that comes. */
  get firstNumber(): number {
    return this.#base + this.#first;
  }

  get nextNumber(): number {
    return this.#base + this.#events.length;
  }

  /** The event with this number; undefined when it is dropped or not there yet. */
  event(number: number): ChangeEvent | undefined {
    return number < this.firstNumber ? undefined : this.#events[number - this.#base];
  }

  /** Number of the first event after `position`, which is not before `before`. */
  numberAfter(position: Position): number {
    let low = this.firstNumber;
    let high = this.nextNumber;
    while (low < high) {
      const middle = (low + high) >> 1;
      const event = this.event(middle);
      if (event !== undefined && isAfter(event, position)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #dropFirst(): void {
    const event = this.#events[this.#first];
    if (event === undefined) return;
    this.#events[this.#first] = undefined;
    this.#first++;
    this.#bytes -= bytesOf(event);
    this.#before = { revision: event.revision, place: event.place };
    // Cutting the list off at each event would move the whole list each time.
    if (this.#first <= this.size) return;
    this.#base += this.#first;
    this.#events = this.#events.slice(this.#first);
    this.#first = 0;
  }
}

export function isAfter(a: Position, b: Position): boolean {
  return a.revision > b.revision || (a.revision === b.revision && a.place > b.place);
}

// `slice` of a Buffer would be a view of the whole frame.
function copyOf(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : Buffer.from(value);
}

function bytesOf({ name, contentType, value }: ChangeEvent): number {
  return EVENT_BYTES + name.length + contentType.length + (value?.length ?? 0);
}
