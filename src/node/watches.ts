// The watchers of this node: each is given the events of its prefix, in order, as fast as it takes them, from one shared history.
import { NODE_LIMITS, WATCH_LIMITS } from '../base/limits.ts';
import type { Cancel, Clock } from '../base/world.ts';
import type { Machine } from '../core/machine.ts';
import type { State } from '../core/state.ts';
import { type ChangeEvent, History, type HistoryBounds, isAfter, type Position } from './history.ts';
import type { Refusal, WatchRequest, WatchResult, WatchSink } from './requests.ts';

/** What a visit sends is written when the turn ends, at some 20 µs a watcher: the clock does not see it during the visits. */
const VISITED_A_TURN = 100;

/** What the names of caches' records begin with, which no client's key does. */
const RECORDS = '\xff';

type Watcher = {
  readonly prefix: string;
  readonly sink: WatchSink;
  /** Number of the next event to be looked at. */
  next: number;
  /** All events of the prefix up to here were sent, or are not wanted. */
  position: Position;
  /** When it refused to take more; undefined: it takes. */
  fullSinceMs: number | undefined;
};

export type WatchesOptions = {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly history: Partial<HistoryBounds> | undefined;
  refusal(): Refusal | undefined;
};

export class Watches {
  cutOff = 0;
  readonly #options: WatchesOptions;
  readonly #history: History;
  readonly #watchers = new Set<Watcher>();
  #isPumping = false;
  #hasNews = false;
  #noted = 0;
  #cancelBeat: Cancel | undefined;

  constructor(options: WatchesOptions) {
    this.#options = options;
    this.#history = new History(options.history);
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** To be called after each record, with how many of the start's replay are left: older events would be dropped again anyway. */
  applied(recordsLeft: number): void {
    const { state } = this.#options.machine;
    if (state.onChange === undefined) {
      if (recordsLeft <= this.#history.maxEvents) this.#begin(state);
    } else if (this.#noted !== this.#history.nextNumber) {
      this.#noted = this.#history.nextNumber;
      if (this.count > 0) this.#wake();
    }
  }

  open({ prefix, since, sink }: WatchRequest): WatchResult {
    const { state } = this.#options.machine;
    const reason = this.#options.refusal();
    if (reason !== undefined) return { kind: 'refused', reason };
    if (this.count >= WATCH_LIMITS.maxWatchers) return { kind: 'refused', reason: 'overloaded' };
    const history = this.#history;
    const from = since ?? endOf(state.revision);
    if (isAfter(history.before, from)) return { kind: 'gone', revision: state.revision, oldest: history.before };
    const next = history.numberAfter(from);
    const name = Buffer.from(prefix).toString('latin1');
    const watcher: Watcher = { prefix: name, sink, next, position: from, fullSinceMs: undefined };
    this.#watchers.add(watcher);
    this.#cancelBeat ??= this.#beatLater();
    if (next < history.nextNumber) this.#wake();
    return {
      kind: 'watching',
      from,
      drained: () => {
        watcher.fullSinceMs = undefined;
        this.#wake();
      },
      close: () => this.#watchers.delete(watcher),
    };
  }

  /** Ends all that there are. */
  stop(): void {
    for (const watcher of this.#watchers) this.#end(watcher, 'stopping');
    this.#cancelBeat?.();
    this.#cancelBeat = undefined;
  }

  #begin(state: State): void {
    this.#history.begin(state.revision);
    state.onChange = (change, key, entry) => this.#history.note(state.revision, change, key, entry);
  }

  #wake(): void {
    this.#hasNews = true;
    if (this.#isPumping) return;
    this.#isPumping = true;
    void this.#pump();
  }

  // In a later turn: what was applied is answered first, and one write to a watcher carries what came together.
  async #pump(): Promise<void> {
    const { clock } = this.#options;
    while (this.#hasNews) {
      await clock.nextTurn();
      this.#hasNews = false;
      await this.#visitAll((watcher) => this.#serve(watcher));
    }
    this.#isPumping = false;
  }

  async #visitAll(visit: (watcher: Watcher) => void): Promise<void> {
    const { clock } = this.#options;
    let sliceStart = clock.monotonicMs();
    let visited = 0;
    for (const watcher of this.#watchers) {
      visit(watcher);
      visited++;
      if (visited % VISITED_A_TURN !== 0 && clock.monotonicMs() - sliceStart < NODE_LIMITS.applySliceMs) continue;
      await clock.nextTurn();
      sliceStart = clock.monotonicMs();
    }
  }

  /** Gives it one batch; the rest comes after the others had theirs. */
  #serve(watcher: Watcher): void {
    const history = this.#history;
    if (watcher.next < history.firstNumber) this.#end(watcher, 'slow');
    else if (watcher.fullSinceMs === undefined) this.#give(watcher);
  }

  #give(watcher: Watcher): void {
    const batch = this.#batch(watcher);
    if (batch.length > 0 && !watcher.sink.send(batch)) watcher.fullSinceMs = this.#options.clock.monotonicMs();
    if (watcher.next < this.#history.nextNumber) this.#hasNews = true;
  }

  #batch(watcher: Watcher): ChangeEvent[] {
    const { maxLookedAt, maxBatchEvents, maxBatchBytes } = WATCH_LIMITS;
    const batch: ChangeEvent[] = [];
    const end = Math.min(this.#history.nextNumber, watcher.next + maxLookedAt);
    let bytes = 0;
    while (watcher.next < end && batch.length < maxBatchEvents && bytes < maxBatchBytes) {
      const event = this.#history.event(watcher.next++);
      if (event === undefined || !isAfter(event, watcher.position)) continue;
      watcher.position = event;
      if (!isWatched(watcher.prefix, event)) continue;
      batch.push(event);
      bytes += event.value?.length ?? 0;
    }
    // Only positions are kept of what was given: an event with its value must not outlive the history.
    const { revision, place } = watcher.position;
    watcher.position = { revision, place };
    return batch;
  }

  #beatLater(): Cancel {
    return this.#options.clock.after(WATCH_LIMITS.heartbeatMs, () => {
      const now = endOf(this.#options.machine.state.revision);
      void this.#visitAll((watcher) => this.#beat(watcher, now));
      this.#cancelBeat = this.count === 0 ? undefined : this.#beatLater();
    });
  }

  #beat(watcher: Watcher, now: Position): void {
    const { clock } = this.#options;
    const { fullSinceMs } = watcher;
    if (fullSinceMs === undefined) {
      if (watcher.next === this.#history.nextNumber && isAfter(now, watcher.position)) watcher.position = now;
      if (!watcher.sink.rest(watcher.position)) watcher.fullSinceMs = clock.monotonicMs();
    } else if (clock.monotonicMs() - fullSinceMs > WATCH_LIMITS.stalledMs) this.#end(watcher, 'slow');
  }

  #end(watcher: Watcher, reason: 'slow' | 'stopping'): void {
    this.#watchers.delete(watcher);
    if (reason === 'slow') this.cutOff++;
    watcher.sink.end(reason, watcher.position);
  }
}

function isWatched(prefix: string, { change, name }: ChangeEvent): boolean {
  // It is of every key of its cache.
  if (change === 'invalidate') return prefix.startsWith(name);
  return name.startsWith(prefix) && (prefix !== '' || name < RECORDS);
}

/** After everything that this command did. */
function endOf(revision: number): Position {
  return { revision, place: Number.POSITIVE_INFINITY };
}
