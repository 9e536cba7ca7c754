// The simulated database behind the caches: rows, a fence per cache, slow reads, lost answers, late commits, and times when it is down.
import { CacheError } from '../../../src/cache/errors.ts';
import type { Change, FlushableSource, Flushed, FlushGuard, WritableSource } from '../../../src/cache/ports.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Scheduler } from '../scheduler.ts';

type Source = FlushableSource<string, string> & WritableSource<string, string>;

/** A row as it stood from then on; undefined: removed. */
type Commit = {
  readonly at: number;
  readonly cache: string;
  readonly key: string;
  readonly value: string | undefined;
  /** Of a flush; 0: it was written by somebody himself. */
  readonly revision: number;
};

/** Chances and bounds, drawn afresh for each seed. */
export type DatabaseFaults = {
  readonly lostAnswer: number;
  /** A flush commits long after its writer has given it up. */
  readonly lateFlush: number;
  readonly lateMs: number;
  /** From the read of a row to its arrival. */
  readonly slowReadMs: number;
  readonly downEvery: number;
};

export const NO_FAULTS: DatabaseFaults = { lostAnswer: 0, lateFlush: 0, lateMs: 0, slowReadMs: 0, downEvery: 0 };
/** What begins so is refused: a broken constraint. */
export const BAD = 'bad';

export class SimulatedDatabase {
  readonly commits: Commit[] = [];
  faults: DatabaseFaults;
  readonly #scheduler: Scheduler;
  readonly #rows = new Map<string, string>();
  readonly #fences = new Map<string, { cluster: string; n: number }>();
  #isDown = false;

  constructor(scheduler: Scheduler, faults: DatabaseFaults) {
    this.#scheduler = scheduler;
    this.faults = faults;
    if (faults.downEvery > 0) this.#goDownLater();
  }

  row(cache: string, key: string): string | undefined {
    return this.#rows.get(`${cache}/${key}`);
  }

  /** As a process sees it: what it is answered passes through the process. */
  source(cache: string, process: SimulatedProcess): Source {
    const scheduler = this.#scheduler;
    return {
      name: 'database',
      load: (key) => this.#call(process, () => this.row(cache, key), scheduler.random() * this.faults.slowReadMs),
      save: (key, value) =>
        this.#call(process, () => {
          refuseBad(value);
          this.commit(cache, key, value);
          return value;
        }),
      remove: (key) =>
        this.#call(process, () => {
          const isThere = this.row(cache, key) !== undefined;
          this.commit(cache, key, undefined);
          return isThere;
        }),
      flush: (changes, guard) => {
        const isLate = scheduler.random() < this.faults.lateFlush;
        if (!isLate) return this.#call(process, () => this.#flush(cache, changes, guard));
        scheduler.after(scheduler.random() * this.faults.lateMs, () => {
          if (!changes.some(({ value }) => isBad(value))) this.#flush(cache, changes, guard);
        });
        return new Promise<Flushed>(() => {});
      },
      ping: () => this.#call(process, () => undefined),
      close: async () => {},
    };
  }

  commit(cache: string, key: string, value: string | undefined, revision = 0): void {
    const name = `${cache}/${key}`;
    if (value === undefined) this.#rows.delete(name);
    else this.#rows.set(name, value);
    this.commits.push({ at: this.#scheduler.now, cache, key, value, revision });
  }

  #flush(cache: string, changes: readonly Change<string, string>[], guard: FlushGuard): Flushed {
    if (guard.kind !== 'fence') throw new Error('a flush without a fence');
    const { cluster, n } = guard;
    const fence = this.#fences.get(cache) ?? { cluster, n: 0 };
    if (fence.cluster !== cluster || fence.n >= n) return { kind: 'fenced', ...fence };
    for (const { value } of changes) refuseBad(value);
    this.#fences.set(cache, { cluster, n });
    for (const { key, value, revision } of changes) this.commit(cache, key, value, revision);
    return { kind: 'saved' };
  }

  /** A statement reaches the database, or not; it is done; its answer arrives after `answerMs`, or never. */
  #call<T>(process: SimulatedProcess, act: () => T, answerMs = 0): Promise<T> {
    const scheduler = this.#scheduler;
    const isLost = scheduler.random() < this.faults.lostAnswer;
    return new Promise((resolve, reject) => {
      const answer = (settle: () => void) => {
        if (!isLost) scheduler.after(answerMs + scheduler.between(0, 30), () => process.deliver('log', settle));
      };
      scheduler.after(scheduler.between(0, 30), () => {
        if (this.#isDown) return answer(() => reject(new CacheError('down', 'database', 'is down')));
        try {
          const result = act();
          answer(() => resolve(result));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  #goDownLater(): void {
    const scheduler = this.#scheduler;
    scheduler.after(this.faults.downEvery * (0.2 + scheduler.random()), () => {
      if (this.faults.downEvery === 0) return;
      this.#isDown = true;
      scheduler.after(scheduler.between(200, 4000), () => {
        this.#isDown = false;
        this.#goDownLater();
      });
    });
  }
}

function isBad(value: string | undefined): boolean {
  return value?.startsWith(BAD) === true;
}

function refuseBad(value: string | undefined): void {
  if (isBad(value)) throw new CacheError('refused', 'database', `"${value}" breaks a constraint`);
}
