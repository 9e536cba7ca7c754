// The appends of one process that the worker has not answered yet: gathered into groups, each group with one deadline.
import { LOG_LIMITS } from '../base/limits.ts';
import type { Cancel, Clock } from '../base/world.ts';
import { AppendRefused, AppendUnknown } from './commit-log.ts';
import { decide, type ToWorker } from './embedded-protocol.ts';

type Waiter = {
  readonly payload: Uint8Array;
  resolve(acknowledged: { readonly offset: number }): void;
  reject(error: AppendRefused | AppendUnknown): void;
};

type SentGroup = {
  readonly waiters: readonly Waiter[];
  readonly state: Int32Array;
  readonly bytes: number;
  readonly cancelTimer: Cancel;
};

export class Appends {
  readonly #post: (message: ToWorker, transfer: readonly ArrayBuffer[]) => void;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #sent = new Map<number, SentGroup>();
  #gathering: Waiter[] = [];
  #groups = 0;
  #waitingAppends = 0;
  #waitingBytes = 0;

  constructor(
    post: (message: ToWorker, transfer: readonly ArrayBuffer[]) => void,
    options: { clock: Clock; timeoutMs: number },
  ) {
    this.#post = post;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  add(payload: Uint8Array): Promise<{ readonly offset: number }> {
    if (payload.length > LOG_LIMITS.maxPayloadBytes) {
      const message = `a record of ${payload.length} bytes is above the log's ${LOG_LIMITS.maxPayloadBytes}`;
      return Promise.reject(new AppendRefused(message, { isPermanent: true }));
    }
    const bytes = this.#waitingBytes + payload.length;
    if (this.#waitingAppends >= LOG_LIMITS.maxWaitingAppends || bytes > LOG_LIMITS.maxWaitingBytes) {
      return Promise.reject(new AppendRefused('too many appends are waiting', { isPermanent: false }));
    }
    this.#waitingAppends += 1;
    this.#waitingBytes = bytes;
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly offset: number }>();
    if (this.#gathering.push({ payload, resolve, reject }) === 1) queueMicrotask(() => this.send());
    return promise;
  }

  /** Hands over what was gathered in this turn: one message, and one copy that lets the caller keep its buffers. */
  send(): void {
    const waiters = this.#gathering;
    this.#gathering = [];
    let first = 0;
    while (first < waiters.length) {
      let end = first;
      let bytes = 0;
      while (end < waiters.length && end - first < LOG_LIMITS.maxCommitRecords && bytes < LOG_LIMITS.maxCommitBytes) {
        bytes += waiters[end]?.payload.length ?? 0;
        end += 1;
      }
      this.#sendGroup(first === 0 && end === waiters.length ? waiters : waiters.slice(first, end), bytes);
      first = end;
    }
  }

  acknowledged(group: number, firstOffset: number): void {
    for (const [n, waiter] of (this.#take(group)?.waiters ?? []).entries()) waiter.resolve({ offset: firstOffset + n });
  }

  notAppended(group: number, isUnknown: boolean, reason: string): void {
    const error = isUnknown ? new AppendUnknown(reason) : new AppendRefused(reason, { isPermanent: false });
    for (const waiter of this.#take(group)?.waiters ?? []) waiter.reject(error);
  }

  /** Settles all that is left: refused where the worker has certainly not begun and never will. */
  giveUp(reason: string): void {
    this.send();
    for (const [group, { state }] of this.#sent) this.notAppended(group, !decide(state, 'cancelled'), reason);
  }

  #sendGroup(waiters: readonly Waiter[], byteLength: number): void {
    const group = this.#groups++;
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const bytes = new Uint8Array(byteLength);
    const ends: number[] = [];
    let end = 0;
    for (const { payload } of waiters) {
      bytes.set(payload, end);
      end += payload.length;
      ends.push(end);
    }
    const cancelTimer = this.#clock.after(this.#timeoutMs, () => this.#timeOut(group));
    this.#sent.set(group, { waiters, state, bytes: byteLength, cancelTimer });
    this.#post({ kind: 'append', group, state, bytes, ends }, [bytes.buffer]);
  }

  #timeOut(group: number): void {
    const state = this.#sent.get(group)?.state;
    if (state === undefined) return;
    const isUnknown = !decide(state, 'cancelled');
    this.notAppended(
      group,
      isUnknown,
      `not appended within ${this.#timeoutMs} ms: ${isUnknown ? 'the disk is slow' : 'the log is locked'}`,
    );
  }

  /** Undefined when the group was answered before, by its timeout. */
  #take(group: number): SentGroup | undefined {
    const sent = this.#sent.get(group);
    if (sent === undefined) return undefined;
    this.#sent.delete(group);
    sent.cancelTimer();
    this.#waitingAppends -= sent.waiters.length;
    this.#waitingBytes -= sent.bytes;
    return sent;
  }
}
