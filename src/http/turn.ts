// How long the present turn of the event loop already takes: beyond a bound what still comes in it is refused, writes first and reads last.
import { TURN_LIMITS } from '../base/limits.ts';

export type TurnBounds = Readonly<Record<keyof typeof TURN_LIMITS, number>>;

/**
 * All sockets that have something to read are read in one turn. Where more comes than can be served, turns grow with the number of
 * connections, answers come ever later, and after a second the node must take itself for one that was stopped (docs/architecture.md, pause).
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
  isTooLongFor(kind: 'write' | 'read'): boolean {
    this.#requests++;
    if (this.#requests === 1) {
      this.#beganMs = performance.now();
      setImmediate(this.#end);
    }
    const { requests, writesMs, readsMs } = this.#bounds;
    return this.#requests > requests && performance.now() - this.#beganMs > (kind === 'write' ? writesMs : readsMs);
  }
}
