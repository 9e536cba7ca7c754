// A simulated process: everything that reaches a node, timers, the log's answers and requests, passes through it, so that it can be stopped or killed.
import type { FaultPoint, World } from '../../src/base/world.ts';
import type { CommitLog, LogRecord } from '../../src/log/commit-log.ts';
import type { SnapshotStore } from '../../src/log/snapshot-store.ts';
import type { Scheduler } from './scheduler.ts';
import { frameText } from './transcript.ts';

class SimulatedCrash extends Error {}

type ProcessOptions = {
  readonly name: string;
  readonly scheduler: Scheduler;
  /** Offset of this process's wall clock from simulated time; asked at every look at it. */
  wallOffset(): number;
  /** Whether to crash at this point now. */
  crashesAt(point: FaultPoint): boolean;
  onCrash(): void;
};

type LogObserver = {
  onAcknowledged(payload: Uint8Array): void;
  onTrim(before: number): void;
  /** The record as this process is given it; undefined: it is not given it. */
  seen(record: LogRecord): LogRecord | undefined;
  /** As on Kafka, only an append of its own can tell the process how far a linearizable read must have come. */
  readonly isBarrierAppended: boolean;
};

type Input = 'request' | 'log' | 'timer';
type Held = { readonly input: Input; readonly task: () => void };
/** What waits in a stopped process runs in this order when it goes on: what is in the sockets runs before the late timers. */
const ORDER: readonly Input[] = ['request', 'log', 'timer'];
/** But connections that wait to be accepted come in one after another, while all else goes on. */
const ACCEPTED_WITHIN_MS = 100;

export class SimulatedProcess {
  readonly name: string;
  readonly world: World;
  isDead = false;
  readonly #options: ProcessOptions;
  readonly #startedAt: number;
  #isPaused = false;
  #held: Held[] = [];
  /** Requests that waited while the process was stopped and that it has not read yet, however often it was stopped again. */
  readonly #unread = new Set<Held>();
  #ids = 0;

  constructor(options: ProcessOptions) {
    const { scheduler } = options;
    this.name = options.name;
    this.#options = options;
    this.#startedAt = scheduler.now;
    this.world = {
      clock: {
        monotonicMs: () => scheduler.now - this.#startedAt,
        wallMs: () => scheduler.now + options.wallOffset(),
        after: (ms, task) => scheduler.after(ms, () => this.deliver('timer', task)),
        nextTurn: () => new Promise((resolve) => scheduler.after(0, () => this.deliver('timer', resolve))),
      },
      random: () => scheduler.random(),
      newId: () => `${options.name}.${++this.#ids}`,
      fault: (point) => this.#fault(point),
      socketsEmptied: () => new Promise((resolve) => this.#whenRead([...this.#unread], resolve)),
    };
  }

  get isRunning(): boolean {
    return !this.isDead && !this.#isPaused;
  }

  /** Hands something in from outside. */
  deliver(input: Input, task: () => void): void {
    this.#take({ input, task });
  }

  pause(): void {
    if (this.isRunning) this.#tell(() => 'is stopped');
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.isDead) this.#tell(() => `goes on, ${this.#held.length} things having waited`);
    const { scheduler } = this.#options;
    const late = this.#held.filter(({ input }) => input === 'request' && scheduler.random() < 0.3);
    const held = this.#held.filter((one) => !late.includes(one));
    this.#held = [];
    for (const one of late) scheduler.after(scheduler.between(0, ACCEPTED_WITHIN_MS), () => this.#take(one));
    for (const input of ORDER) {
      for (const one of held.filter((other) => other.input === input)) {
        // Each in an event of its own, as an event loop would run them.
        scheduler.after(0, () => this.#take(one));
      }
    }
  }

  kill(): void {
    if (this.isDead) return;
    this.#tell(() => 'is killed');
    this.isDead = true;
    this.#held = [];
    this.#unread.clear();
    this.#options.onCrash();
  }

  #tell(what: () => string): void {
    this.#options.scheduler.tell(this.name, what);
  }

  /** The log as this process sees it: nothing comes back while it is stopped, and nothing ever after it died. */
  wrap(log: CommitLog, { onAcknowledged, onTrim, seen, isBarrierAppended }: LogObserver): CommitLog {
    return {
      append: (payload) =>
        new Promise((resolve, reject) => {
          this.#tell(() => `appends ${frameText(payload)}`);
          const acknowledge = (appended: { offset: number }) => {
            onAcknowledged(payload);
            this.#tell(() => `was told that ${frameText(payload)} is at offset ${appended.offset}`);
            resolve(appended);
          };
          log.append(payload).then(
            (appended) => this.deliver('log', () => acknowledge(appended)),
            (error: Error) => {
              this.#tell(() => `cannot know of ${frameText(payload)}: ${error.message}`);
              this.deliver('log', () => reject(error));
            },
          );
        }),
      start: () => this.#back(log.start()),
      end: () => this.#back(log.end()),
      barrier: () => this.#back(isBarrierAppended ? Promise.resolve('append' as const) : log.barrier()),
      trim: (before) => {
        onTrim(before);
        this.#tell(() => `trims the log below offset ${before}`);
        return this.#back(log.trim(before));
      },
      close: () => log.close(),
      follow: ({ from, onRecords, signal }) => {
        const deliver = (records: readonly LogRecord[]) =>
          new Promise<void>((resolve, reject) => {
            this.deliver('log', () => onRecords(records.flatMap((record) => seen(record) ?? [])).then(resolve, reject));
          });
        return this.#back(log.follow({ from, signal, onRecords: deliver }));
      },
    };
  }

  /** The snapshot store as this process sees it: each chunk, written or read, takes up to `chunkDelay()` ms. */
  wrapSnapshots(store: SnapshotStore, chunkDelay: () => number): SnapshotStore {
    const { scheduler } = this.#options;
    const moment = () =>
      new Promise<void>((resolve) => scheduler.after(chunkDelay(), () => this.deliver('log', resolve)));
    async function* slowly(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        yield chunk;
        await moment();
      }
    }
    return {
      save: (snapshot, chunks) => {
        this.#tell(() => `saves a snapshot of revision ${snapshot.revision}`);
        return this.#back(store.save(snapshot, slowly(chunks)));
      },
      list: () => this.#back(store.list()),
      open: async (id) => {
        this.#tell(() => `reads snapshot ${id}`);
        const opened = await this.#back(store.open(id));
        return { ...opened, chunks: slowly(opened.chunks) };
      },
      remove: (id) => this.#back(store.remove(id)),
      close: () => store.close(),
    };
  }

  #take(one: Held): void {
    if (this.isDead) return;
    if (this.#isPaused) {
      this.#held.push(one);
      if (one.input === 'request') this.#unread.add(one);
      return;
    }
    this.#unread.delete(one);
    try {
      one.task();
    } catch (error) {
      // A crash out of a timer has nobody else to catch it.
      if (!(error instanceof SimulatedCrash)) throw error;
    }
  }

  // The process itself looks: while it is stopped it finds nothing out.
  #whenRead(requests: readonly Held[], resolve: () => void): void {
    const { scheduler } = this.#options;
    const look = () => {
      if (requests.some((one) => this.#unread.has(one))) scheduler.after(1, () => this.deliver('timer', look));
      else resolve();
    };
    scheduler.after(0, () => this.deliver('timer', look));
  }

  #back<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.deliver('log', () => resolve(value)),
        (error: unknown) => this.deliver('log', () => reject(error)),
      );
    });
  }

  #fault(point: FaultPoint): void {
    if (this.isDead) throw new SimulatedCrash();
    if (!this.#options.crashesAt(point)) return;
    this.kill();
    throw new SimulatedCrash();
  }
}
