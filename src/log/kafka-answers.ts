// Puts a broker's answers together as its socket brings them: what is large goes from the kernel straight to where it stays.
//
//   answer = length:i32 correlation:i32 payload            big-endian; the length counts what follows it
import { KAFKA_LIMITS } from '../base/limits.ts';

export type Answer = { readonly correlationId: number; readonly payload: Buffer };

/** Where large answers are put. By itself each has memory of its own, for good. */
export type AnswerMemory = { take(length: number): Buffer };

export const LASTING_MEMORY: AnswerMemory = { take: (length) => Buffer.allocUnsafeSlow(length) };

/**
 * Memory that is used again once it was given back: of new memory the kernel hands out each page only when it is touched, which
 * costs more than copying it full. What is never given back is nobody's any more, and collected.
 */
export class ReusedMemory implements AnswerMemory {
  readonly #lent = new WeakSet<ArrayBufferLike>();
  readonly #free: Buffer[] = [];

  take(length: number): Buffer {
    const found = this.#free.findIndex((one) => one.length >= length);
    const [whole = Buffer.allocUnsafeSlow(length)] = found < 0 ? [] : this.#free.splice(found, 1);
    this.#lent.add(whole.buffer);
    return whole.subarray(0, length);
  }

  /** All of the memory that these bytes lie in, if it was taken here: the next answer may be written over it. */
  give({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    if (this.#free.length === KAFKA_LIMITS.answersKept) this.#free.shift();
    this.#free.push(Buffer.from(buffer));
  }
}

const LENGTH_BYTES = 4;
const CORRELATION_BYTES = 4;

/** For one connection. Ask for the room, put bytes there, say how many, and again. */
export class AnswerReader {
  readonly #memory: AnswerMemory;
  readonly #onAnswer: (answer: Answer) => void;
  /** Small answers, several at once, and what large ones begin with; of it `#kept` bytes are an incomplete length. */
  readonly #mixed = Buffer.allocUnsafeSlow(KAFKA_LIMITS.mixedAnswersBytes);
  #kept = 0;
  /** The one that is under way, and how much of it is there. */
  #large: Buffer | undefined;
  #got = 0;

  constructor(memory: AnswerMemory, onAnswer: (answer: Answer) => void) {
    this.#memory = memory;
    this.#onAnswer = onAnswer;
  }

  /** Where the next bytes belong; never empty. */
  room(): Buffer {
    return this.#large === undefined ? this.#mixed.subarray(this.#kept) : this.#large.subarray(this.#got);
  }

  /** So many were put there. Throws RangeError where they are no answer: nothing that follows can be read. */
  took(length: number): void {
    if (this.#large === undefined) {
      this.#split(this.#kept + length);
      return;
    }
    this.#got += length;
    if (this.#got < this.#large.length) return;
    this.#answered(this.#large);
    this.#large = undefined;
  }

  #split(end: number): void {
    let at = 0;
    while (end - at >= LENGTH_BYTES) {
      const length = this.#mixed.readInt32BE(at);
      if (length < CORRELATION_BYTES || length > KAFKA_LIMITS.maxAnswerBytes)
        throw new RangeError(`an answer of ${length} bytes`);
      at += LENGTH_BYTES;
      const next = at + length;
      if (next > end) {
        this.#large = this.#memory.take(length);
        this.#got = this.#mixed.copy(this.#large, 0, at, end);
        this.#kept = 0;
        return;
      }
      this.#answered(Buffer.from(this.#mixed.subarray(at, next)));
      at = next;
    }
    this.#kept = this.#mixed.copy(this.#mixed, 0, at, end);
  }

  #answered(bytes: Buffer): void {
    this.#onAnswer({ correlationId: bytes.readInt32BE(0), payload: bytes.subarray(CORRELATION_BYTES) });
  }
}
