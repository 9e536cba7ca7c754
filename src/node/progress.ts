// How far the replay at the start has come: counted in records of the log as it was when this node started.
import type { Clock } from '../base/world.ts';
import type { Progress } from './requests.ts';

export class ReplayProgress {
  readonly #clock: Clock;
  #startedAt: number;
  #from = 0;
  #to = 0;
  #next = 0;
  #bytes = 0;
  #endedAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.monotonicMs();
  }

  begin(from: number, to: number): void {
    this.#startedAt = this.#clock.monotonicMs();
    this.#from = from;
    this.#to = to;
    this.#next = from;
    this.#bytes = 0;
    this.#endedAt = from >= to ? this.#startedAt : undefined;
  }

  /** All that the log held at the start was applied. */
  get isOver(): boolean {
    return this.#endedAt !== undefined;
  }

  /** Records that the log held at the start and that are not applied yet. */
  get left(): number {
    return Math.max(0, this.#to - this.#next);
  }

  /** True for the record that ends the replay. */
  applied(offset: number, bytes: number): boolean {
    if (this.#endedAt !== undefined) return false;
    this.#next = offset + 1;
    this.#bytes += bytes;
    if (this.#next < this.#to) return false;
    this.#endedAt = this.#clock.monotonicMs();
    return true;
  }

  view(): Progress {
    const records = this.#next - this.#from;
    const seconds = ((this.#endedAt ?? this.#clock.monotonicMs()) - this.#startedAt) / 1000;
    const recordsPerSecond = seconds > 0 ? Math.round(records / seconds) : 0;
    return {
      records,
      bytes: this.#bytes,
      percent: this.isOver ? 100 : Math.floor((100 * records) / Math.max(1, this.#to - this.#from)),
      recordsPerSecond,
      secondsLeft: recordsPerSecond > 0 ? Math.ceil(this.left / recordsPerSecond) : 0,
    };
  }
}
