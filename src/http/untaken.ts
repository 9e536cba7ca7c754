// Answers that their clients have not taken yet: bounded all together, and each is cut off when it is not taken in time.
import type { ServerResponse } from 'node:http';

export class UntakenAnswers {
  readonly #maxBytes: number;
  readonly #takeTimeoutMs: number;
  #bytes = 0;

  constructor(maxBytes: number, takeTimeoutMs: number) {
    this.#maxBytes = maxBytes;
    this.#takeTimeoutMs = takeTimeoutMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes;
  }

  /** To be told of an answer that was written whole. Most are in the kernel's hands by then, and no more is done. */
  watch(response: ServerResponse): void {
    const bytes = response.writableLength;
    if (bytes === 0 || response.destroyed) return;
    this.#bytes += bytes;
    const cutting = setTimeout(() => response.destroy(), this.#takeTimeoutMs).unref();
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      this.#bytes -= bytes;
      clearTimeout(cutting);
    };
    response.once('finish', over);
    response.once('close', over);
  }
}
