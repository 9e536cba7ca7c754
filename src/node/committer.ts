// The committer: packs all waiting commands into one frame and appends it; what arrives meanwhile is the next frame. No timer.
import { FRAME_LIMITS, NODE_LIMITS } from '../base/limits.ts';
import type { World } from '../base/world.ts';
import { encodeCommand, encodeFrame, type FrameHead } from '../core/codec.ts';
import { AppendRefused, AppendUnknown, type CommitLog } from '../log/commit-log.ts';

/** A client's command, encoded. */
export type Waiting = {
  readonly attempt: number;
  readonly bytes: Uint8Array;
  /** Monotonic ms: after this nobody waits for it any more. */
  readonly deadlineAt: number;
};

export type CommitterOptions = {
  readonly author: Omit<FrameHead, 'n'>;
  readonly log: CommitLog;
  readonly world: World;
  /** The first command of frame n, if one is due: a heartbeat or create-cluster, filled in when the frame is packed. */
  composeFirst(n: number): Uint8Array | undefined;
  onAcknowledged(attempts: readonly number[]): void;
  /** The log will never take these bytes. `isUnknown`: an earlier append of them may have landed. */
  onPermanentlyRefused(attempts: readonly number[], isUnknown: boolean): void;
};

type Companion = { deadlineAt: number; readonly settle: (offset: number | undefined) => void };

type Frame = {
  readonly bytes: Uint8Array;
  readonly attempts: readonly number[];
  readonly companions: readonly Companion[];
  readonly lastDeadlineAt: number;
  isUnknown: boolean;
};

type Barrier = Companion & { readonly promise: Promise<number | undefined> };
type Chores = Companion & { readonly commands: readonly Uint8Array[] };

export class Committer {
  readonly counters = { framesAppended: 0, appendsRefused: 0, appendsUnknown: 0 };
  /** Sentence of the latest failed append; undefined while appends succeed. */
  trouble: string | undefined;
  readonly #options: CommitterOptions;
  #queue = new Map<number, Waiting>();
  #waitingBytes = 0;
  #barrier: Barrier | undefined;
  #chores: Chores[] = [];
  #isFirstWanted = false;
  #n = 0;
  #wake: (() => void) | undefined;
  #isAppending = false;
  #isStopped = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  get waitingCommands(): number {
    return this.#queue.size;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Something waits, or is in flight. */
  get isBusy(): boolean {
    return this.#isAppending || !this.#isIdle();
  }

  hasRoomFor(bytes: number): boolean {
    return (
      this.#queue.size < NODE_LIMITS.maxWaitingCommands && this.#waitingBytes + bytes <= NODE_LIMITS.maxWaitingBytes
    );
  }

  /** The caller has asked `hasRoomFor` and keeps to FRAME_LIMITS.maxFrameBytes. */
  enqueue(waiting: Waiting): void {
    this.#queue.set(waiting.attempt, waiting);
    this.#waitingBytes += waiting.bytes.length;
    this.#wake?.();
  }

  /** Takes a command out again; false if its frame was handed to the log: from then on its fate is the log's. */
  withdraw(attempt: number): boolean {
    const waiting = this.#queue.get(attempt);
    if (waiting === undefined) return false;
    this.#queue.delete(attempt);
    this.#waitingBytes -= waiting.bytes.length;
    return true;
  }

  /** Asks for `composeFirst` at the head of the next frame; asking twice is asking once. */
  wantFirst(): void {
    this.#isFirstWanted = true;
    this.#wake?.();
  }

  /**
   * Resolves with the offset after a frame whose append was sent after this call: what must be applied before a
   * linearizable read. Undefined when the time was up first. All who ask before that append share it.
   */
  barrier(deadlineAt: number): Promise<number | undefined> {
    if (this.#isStopped) return Promise.resolve(undefined);
    if (this.#barrier === undefined) {
      const { promise, resolve: settle } = Promise.withResolvers<number | undefined>();
      this.#barrier = { promise, settle, deadlineAt };
    }
    this.#barrier.deadlineAt = Math.max(this.#barrier.deadlineAt, deadlineAt);
    this.#wake?.();
    return this.#barrier.promise;
  }

  /** Appends a lot of the cluster's chores behind clients' commands; resolves like `barrier`. Undefined too when many lots wait. */
  addChores(commands: readonly Uint8Array[], deadlineAt: number): Promise<number | undefined> {
    if (this.#isStopped || this.#chores.length >= NODE_LIMITS.maxWaitingChores) return Promise.resolve(undefined);
    return new Promise((settle) => {
      this.#chores.push({ commands, deadlineAt, settle });
      this.#wake?.();
    });
  }

  /** Runs until `stop`; rejects only with what is no failure to append. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      if (this.#isIdle()) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      const frame = this.#pack();
      if (frame === undefined) continue;
      this.#isAppending = true;
      await this.#append(frame);
      this.#isAppending = false;
    }
  }

  /** No further frame is packed; the append in flight settles by itself. */
  stop(): void {
    this.#isStopped = true;
    this.#barrier?.settle(undefined);
    for (const chores of this.#chores) chores.settle(undefined);
    this.#barrier = undefined;
    this.#chores = [];
    this.#wake?.();
  }

  #isIdle(): boolean {
    return this.#queue.size === 0 && this.#barrier === undefined && this.#chores.length === 0 && !this.#isFirstWanted;
  }

  #pack(): Frame | undefined {
    const n = this.#n + 1;
    const commands: Uint8Array[] = [];
    const first = this.#isFirstWanted ? this.#options.composeFirst(n) : undefined;
    this.#isFirstWanted = false;
    if (first !== undefined) commands.push(first);
    const taken = this.#takeWaiting(commands);
    const companions = [...this.#takeBarrier(commands), ...this.#takeChores(commands)];
    if (commands.length === 0) return undefined;
    this.#n = n;
    return {
      bytes: encodeFrame({ ...this.#options.author, n }, commands),
      attempts: taken.map((waiting) => waiting.attempt),
      companions,
      // A heartbeat keeps no frame alive: the next one serves as well.
      lastDeadlineAt: Math.max(0, ...companions.map((c) => c.deadlineAt), ...taken.map((w) => w.deadlineAt)),
      isUnknown: false,
    };
  }

  #takeWaiting(commands: Uint8Array[]): Waiting[] {
    const taken: Waiting[] = [];
    let room = FRAME_LIMITS.maxFrameBytes - FRAME_LIMITS.headBytes;
    for (const waiting of this.#queue.values()) {
      room -= waiting.bytes.length;
      if (room < 0 || taken.length === FRAME_LIMITS.maxClientCommands) break;
      commands.push(waiting.bytes);
      taken.push(waiting);
    }
    // The whole queue at once in the common case: deleting one by one leaves a Map full of holes.
    if (taken.length === this.#queue.size) this.#queue = new Map();
    else for (const waiting of taken) this.#queue.delete(waiting.attempt);
    for (const waiting of taken) this.#waitingBytes -= waiting.bytes.length;
    return taken;
  }

  #takeBarrier(commands: Uint8Array[]): Companion[] {
    const barrier = this.#barrier;
    if (barrier === undefined) return [];
    this.#barrier = undefined;
    if (commands.length === 0) commands.push(BARRIER);
    return [barrier];
  }

  // Chores wait while clients' commands fill the frames; then one lot a frame.
  #takeChores(commands: Uint8Array[]): Companion[] {
    const chores = this.#chores[0];
    if (chores === undefined || this.#queue.size > 0) return [];
    const bytes = commands.reduce((sum, command) => sum + command.length, 0);
    const wanted = chores.commands.reduce((sum, command) => sum + command.length, 0);
    if (bytes + wanted > FRAME_LIMITS.maxFrameBytes - FRAME_LIMITS.headBytes) return [];
    this.#chores.shift();
    commands.push(...chores.commands);
    return [chores];
  }

  // The same bytes until they are acknowledged: a copy is a no-op by its frame number, wherever the first one landed.
  async #append(frame: Frame): Promise<void> {
    const { log, world } = this.#options;
    for (;;) {
      world.fault('before-append');
      try {
        const { offset } = await log.append(frame.bytes);
        this.#acknowledged(frame, offset);
        return;
      } catch (error) {
        if (!this.#isWorthAnother(frame, error)) return;
      }
      await this.#backoff();
      if (this.#isStopped || world.clock.monotonicMs() >= frame.lastDeadlineAt) return settleAll(frame, undefined);
    }
  }

  #acknowledged(frame: Frame, offset: number): void {
    this.counters.framesAppended++;
    this.trouble = undefined;
    this.#options.world.fault('after-append-before-acknowledged');
    this.#options.onAcknowledged(frame.attempts);
    settleAll(frame, offset + 1);
  }

  #isWorthAnother(frame: Frame, error: unknown): boolean {
    if (error instanceof AppendUnknown) {
      this.counters.appendsUnknown++;
      frame.isUnknown = true;
    } else if (error instanceof AppendRefused) {
      this.counters.appendsRefused++;
    } else {
      throw error;
    }
    this.trouble = error.message;
    if (!(error instanceof AppendRefused) || !error.isPermanent) return true;
    this.#options.onPermanentlyRefused(frame.attempts, frame.isUnknown);
    settleAll(frame, undefined);
    return false;
  }

  #backoff(): Promise<void> {
    const { clock, random } = this.#options.world;
    const span = NODE_LIMITS.backoffMaxMs - NODE_LIMITS.backoffMinMs;
    return new Promise((resolve) => {
      clock.after(NODE_LIMITS.backoffMinMs + random() * span, resolve);
    });
  }
}

const BARRIER = encodeCommand({ attempt: 0, id: '', caller: '', deadline: 0 }, { type: 'barrier' });

function settleAll(frame: Frame, offset: number | undefined): void {
  for (const companion of frame.companions) companion.settle(offset);
}
