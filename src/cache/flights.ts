// Single flight: many callers who want the same thing at the same time share one load.
import type { Note } from './ports.ts';

type Work<T> = () => Promise<T>;
type Flight<T> = {
  readonly note: Note | undefined;
  readonly result: Promise<T>;
  next?: { note: Note | undefined; work: Work<T>; readonly result: Promise<T> };
};

/**
 * Who may share a load that is under way: only who took the same note as the one who began it, for then nothing was written
 * in between. All others wait for the next load, which begins when this one has ended and is shared by all who wait for it by
 * then: a read that began after a write has ended never gets the answer of a load that began before.
 */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /** `isShared`: the load had been asked for by another. */
  run(key: string, note: Note | undefined, work: Work<T>): { readonly result: Promise<T>; readonly isShared: boolean } {
    const flight = this.#flights.get(key);
    if (flight === undefined) return { result: this.#start(key, note, work), isShared: false };
    if (note !== undefined && flight.note === note) return { result: flight.result, isShared: true };
    const { next } = flight;
    if (next === undefined) return { result: this.#queue(key, flight, note, work), isShared: false };
    // The latest to come took the newest note: the one most likely to be worth something when the load has ended.
    next.note = note;
    next.work = work;
    return { result: next.result, isShared: true };
  }

  /** A load for this key is under way or waits. */
  has(key: string): boolean {
    return this.#flights.has(key);
  }

  #start(key: string, note: Note | undefined, work: Work<T>): Promise<T> {
    const result = work();
    const flight: Flight<T> = { note, result };
    this.#flights.set(key, flight);
    const land = () => {
      // With somebody waiting, the next one starts and takes this place; see #queue.
      if (flight.next === undefined) this.#flights.delete(key);
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
