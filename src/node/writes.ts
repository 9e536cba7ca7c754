// The way of a write through this node: an attempt, a waiter for it, the committer, and one of three honest endings.
import { FRAME_LIMITS } from '../base/limits.ts';
import type { World } from '../base/world.ts';
import { encodeCommand } from '../core/codec.ts';
import type { Command } from '../core/commands/command.ts';
import { featureLevelOf } from '../core/commands/table.ts';
import type { Machine } from '../core/machine.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Committer } from './committer.ts';
import type { EstimatedLogTime } from './estimate.ts';
import type { Refusal, WriteRequest, WriteResult } from './requests.ts';
import { type Ending, Waiters, type WhyNot } from './waiters.ts';

export type WritesOptions = {
  readonly machine: Machine;
  readonly committer: Committer;
  readonly estimate: EstimatedLogTime;
  readonly world: World;
  /** Why no write can be taken now. */
  refusal(): Refusal | undefined;
};

export class Writes {
  readonly #options: WritesOptions;
  readonly #waiters = new Waiters();
  #attempts = 0;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiters.count;
  }

  submit(request: WriteRequest): Promise<WriteResult> {
    const id = request.id ?? this.#options.world.newId();
    const isOwnId = request.id === undefined || request.id === '';
    return new Promise((resolve) => {
      this.#submit(request, id, (ending) => resolve(resultOf(ending, id, isOwnId)));
    });
  }

  acknowledged(attempts: readonly number[]): void {
    for (const attempt of attempts) this.#waiters.acknowledged(attempt);
  }

  applied(attempt: number, outcome: Outcome): void {
    this.#waiters.applied(attempt, outcome);
  }

  permanentlyRefused(attempts: readonly number[], isUnknown: boolean): void {
    const kind = isUnknown ? 'uncertain' : 'not-appended';
    for (const attempt of attempts) this.#waiters.end(attempt, { kind, why: 'too-large' });
  }

  /** Ends the waits of all commands that no append holds yet. */
  refuseWaiting(why: Refusal): void {
    for (const attempt of this.#waiters.attempts()) {
      if (this.#options.committer.withdraw(attempt)) this.#waiters.end(attempt, { kind: 'not-appended', why });
    }
  }

  /** Ends all waits (W1). */
  refuseAll(why: Refusal): void {
    this.refuseWaiting(why);
    for (const attempt of this.#waiters.attempts()) this.#waiters.end(attempt, { kind: 'uncertain', why });
  }

  #submit(request: WriteRequest, id: string, end: (ending: Ending) => void): void {
    const { committer, estimate, world } = this.#options;
    const { command, caller, timeoutMs } = request;
    const attempt = ++this.#attempts;
    const deadline = Math.ceil(estimate.now() + timeoutMs);
    const bytes = encodeCommand({ attempt, id, caller, deadline }, command);
    const why = this.#whyNot(command, bytes.length);
    if (why !== undefined) {
      end({ kind: 'not-appended', why });
      return;
    }
    const stopTimer = world.clock.after(timeoutMs, () => this.#timeOut(attempt));
    this.#waiters.register(attempt, (ending) => {
      stopTimer();
      end(ending);
    });
    committer.enqueue({ attempt, bytes, deadlineAt: world.clock.monotonicMs() + timeoutMs });
  }

  #whyNot(command: Command, bytes: number): WhyNot | undefined {
    // A node that does not know the command would have to stop at it: it must not even come into the log.
    const { limits } = this.#options.machine.state;
    if (featureLevelOf(command.type) > (limits?.featureLevel ?? 1)) return 'feature-not-enabled';
    if (bytes > FRAME_LIMITS.maxFrameBytes - FRAME_LIMITS.headBytes) return 'too-large';
    return this.#options.refusal() ?? (this.#options.committer.hasRoomFor(bytes) ? undefined : 'overloaded');
  }

  // Taken out of the queue first, then answered: what is answered "not applied" must never be appended afterwards (N3).
  #timeOut(attempt: number): void {
    const isWithdrawn = this.#options.committer.withdraw(attempt);
    this.#waiters.end(attempt, { kind: isWithdrawn ? 'not-appended' : 'uncertain', why: 'time-up' });
  }
}

function resultOf(ending: Ending, id: string, isOwnId: boolean): WriteResult {
  if (ending.kind === 'applied') return { kind: 'applied', id, outcome: ending.outcome };
  const { why } = ending;
  // An id that came in may already have been appended by another node: what this node did not do proves nothing.
  const isUnknown = ending.kind === 'uncertain' || !isOwnId;
  return why === 'time-up' ? { kind: 'timed-out', id, isUnknown } : { kind: 'refused', id, reason: why, isUnknown };
}
