// A call that ends in time, whatever its callee does.
import type { Clock } from '../base/world.ts';
import { CacheError } from './errors.ts';
import type { CallOptions } from './ports.ts';

/** A call's signal, made for those who ask for it: few do. */
export type TimedCall = CallOptions & { readonly signal: AbortSignal };

/**
 * The call's result, or `timeout` after `ms`: then the call's signal is aborted, and what it does later is ignored. A call that
 * gives no heed to its signal costs its caller no more than one that does.
 */
export function within<T>(
  ms: number,
  part: string,
  clock: Clock,
  call: (options: TimedCall) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timed = new Timed();
    const cancel = clock.after(ms, () => {
      const error = new CacheError('timeout', part, `no answer within ${ms} ms`);
      reject(error);
      timed.abort(error);
    });
    call(timed).then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error) => {
        cancel();
        reject(error);
      },
    );
  });
}

class Timed implements TimedCall {
  #controller: AbortController | undefined;
  #reason: CacheError | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: CacheError): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
