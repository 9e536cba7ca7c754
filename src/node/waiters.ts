// The waiters of writes: each waits for its own attempt, never for an id, since two requests may carry one id.
import type { Outcome } from '../core/outcome.ts';
import type { CommandRefusal, Refusal } from './requests.ts';

/** Why a wait ended without an outcome. */
export type WhyNot = 'time-up' | Refusal | CommandRefusal;

export type Ending =
  | { readonly kind: 'applied'; readonly outcome: Outcome }
  /** No append ever held this attempt. */
  | { readonly kind: 'not-appended'; readonly why: WhyNot }
  /** An append held it, and it is not known what became of that. */
  | { readonly kind: 'uncertain'; readonly why: WhyNot };

type Waiter = {
  readonly end: (ending: Ending) => void;
  isAcknowledged: boolean;
  outcome: Outcome | undefined;
};

export class Waiters {
  readonly #byAttempt = new Map<number, Waiter>();

  get count(): number {
    return this.#byAttempt.size;
  }

  /** To be called before the command is handed to the committer: the record may arrive before its acknowledgement. */
  register(attempt: number, end: (ending: Ending) => void): void {
    this.#byAttempt.set(attempt, { end, isAcknowledged: false, outcome: undefined });
  }

  acknowledged(attempt: number): void {
    const waiter = this.#byAttempt.get(attempt);
    if (waiter === undefined) return;
    waiter.isAcknowledged = true;
    this.#settle(attempt, waiter);
  }

  applied(attempt: number, outcome: Outcome): void {
    const waiter = this.#byAttempt.get(attempt);
    if (waiter === undefined) return;
    waiter.outcome = outcome;
    this.#settle(attempt, waiter);
  }

  /** Ends the wait of an attempt in another way than by its outcome; nothing happens if it has ended. */
  end(attempt: number, ending: Ending): void {
    const waiter = this.#byAttempt.get(attempt);
    if (waiter === undefined) return;
    this.#byAttempt.delete(attempt);
    waiter.end(ending);
  }

  attempts(): number[] {
    return [...this.#byAttempt.keys()];
  }

  // N1: an answer is given when the log has the command and it was applied here, whichever comes first.
  #settle(attempt: number, waiter: Waiter): void {
    if (!waiter.isAcknowledged || waiter.outcome === undefined) return;
    this.end(attempt, { kind: 'applied', outcome: waiter.outcome });
  }
}
