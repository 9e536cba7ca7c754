// A call that ends in time, whatever its callee does.
import type { Clock } from '../base/world.ts';
import { CacheError } from './errors.ts';

/**
 * The call's result, or `timeout` after `ms`: then the call's signal is aborted, and what it does later is ignored. A call that
 * gives no heed to its signal costs its caller no more than one that does.
 */
export function within<T>(
  ms: number,
  part: string,
  clock: Clock,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      const error = new CacheError('timeout', part, `no answer within ${ms} ms`);
      reject(error);
      controller.abort(error);
    });
    call(controller.signal).then(resolve, reject).finally(cancel);
  });
}
