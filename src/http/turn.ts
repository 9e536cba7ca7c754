// How long the present turn of the event loop already takes: beyond a bound what still comes in it is refused, writes first and reads of one key last.
import { TURN_LIMITS } from '../base/limits.ts';

/** `key-read`: of one key, which costs little more than to refuse it. */
export type TurnKind = 'write' | 'read' | 'key-read';

export type TurnBounds = Readonly<Record<keyof typeof TURN_LIMITS, number>>;

const BOUNDS: Readonly<Record<TurnKind, keyof TurnBounds>> = {
  write: 'writesMs',
  read: 'readsMs',
  'key-read': 'keyReadsMs',
};

/**
 * All sockets that have something to read are read in one turn. Where more comes than can be served, turns grow with the number of
 * connections, and answers come ever later.
 */
export class Turn {
  readonly #bounds: TurnBounds;
  readonly #end = () => {
    this.#requests = 0;
  };
  #requests = 0;
  #beganMs = 0;

  constructor(bounds: TurnBounds = TURN_LIMITS) {
    this.#bounds = bounds;
  }

  /** Counts a request; true: it is to be refused. A few are always served: a turn may also be long because the machine was busy elsewhere. */
  isTooLongFor(kind: TurnKind): boolean {
    this.#requests++;
    if (this.#requests === 1) {
      this.#beganMs = performance.now();
      setImmediate(this.#end);
    }
    return this.isOverFor(kind);
  }

  /** Whether one more would be refused; counts nothing. */
  isOverFor(kind: TurnKind): boolean {
    return this.#requests > this.#bounds.requests && performance.now() - this.#beganMs > this.#bounds[BOUNDS[kind]];
  }
}
