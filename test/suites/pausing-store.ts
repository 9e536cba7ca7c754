// A store that stops before each call, so that others may come in between.
import type { CacheStore } from '../../src/cache/ports.ts';
import type { Pause } from './schedules.ts';

/** Each call is then one step after `pause`. */
export function pausing(store: CacheStore, pause: Pause): CacheStore {
  const after =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args) => {
      await pause();
      return await call(...args);
    };
  return {
    ...store,
    get: after(store.get),
    fill: after(store.fill),
    hold: after(store.hold),
    put: after(store.put),
    invalidate: after(store.invalidate),
  };
}
