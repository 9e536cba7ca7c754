// Single flight: many callers who want the same thing at the same time share one load.
import type { Note } from './ports.ts';

type Work<T> = () => Promise<T>;
type Flight<T> = {
  readonly note: Note | undefined;
  readonly result: Promise<T>;
  next?: { note: Note | undefined; work: Work<T>; readonly result: Promise<T> };
  /** Its place among the beginnings and landings. */
  landed?: number;
};

/**
 * Who may share a load that is under way: only who took the same note as the one who began it, for then nothing was written
 * in between. All others wait for the next load, which begins when this one has ended and is shared by all who wait for it by
 * then: a read that began after a write has ended never gets the answer of a load that began before.
 */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  /** How many look into the store for a key, and may come with the note of a load that has landed meanwhile. */
  readonly #looking = new Map<string, number>();
  #places = 0;

  /** A load of the key that lands meanwhile is kept: who took its note before it landed must not load again, and says so by `since`. */
  whileLooking<R>(key: string, act: (since: number) => Promise<R>): Promise<R> {
    this.#looking.set(key, (this.#looking.get(key) ?? 0) + 1);
    const result = act(++this.#places);
    const end = () => {
      const others = (this.#looking.get(key) ?? 1) - 1;
      if (others > 0) this.#looking.set(key, others);
      else this.#looking.delete(key);
      if (others === 0 && this.#flights.get(key)?.landed !== undefined) this.#flights.delete(key);
    };
    result.then(end, end);
    return result;
  }

  /** `isShared`: the load had been asked for by another. */
  run(
    key: string,
    note: Note | undefined,
    work: Work<T>,
    since = 0,
  ): { readonly result: Promise<T>; readonly isShared: boolean } {
    const flight = this.#flights.get(key);
    if (flight === undefined) return { result: this.#start(key, note, work), isShared: false };
    const isKnown = flight.landed === undefined || since < flight.landed;
    if (isKnown && note !== undefined && flight.note === note) return { result: flight.result, isShared: true };
    if (flight.landed !== undefined) return { result: this.#start(key, note, work), isShared: false };
    const { next } = flight;
    if (next === undefined) return { result: this.#queue(key, flight, note, work), isShared: false };
    // The latest to come took the newest note: the one most likely to be worth something when the load has ended.
    next.note = note;
    next.work = work;
    return { result: next.result, isShared: true };
  }

  /** A load for this key is under way or waits. */
  has(key: string): boolean {
    const flight = this.#flights.get(key);
    return flight !== undefined && flight.landed === undefined;
  }

  #start(key: string, note: Note | undefined, work: Work<T>): Promise<T> {
    const result = work();
    const flight: Flight<T> = { note, result };
    this.#flights.set(key, flight);
    const land = () => {
      // With somebody waiting, the next one starts and takes this place; see #queue.
      if (flight.next !== undefined) return;
      flight.landed = ++this.#places;
      if (this.#flights.get(key) === flight && !this.#looking.has(key)) this.#flights.delete(key);
    };
    result.then(land, land);
    return result;
  }

  #queue(key: string, flight: Flight<T>, note: Note | undefined, work: Work<T>): Promise<T> {
    const start = () => {
      const { next } = flight;
      return next === undefined ? this.#start(key, note, work) : this.#start(key, next.note, next.work);
    };
    const result = flight.result.then(start, start);
    flight.next = { note, work, result };
    return result;
  }
}
