// A source with a breaker: one that fails again and again is asked no more until a ping of our own finds it well.
import { CACHE_LIMITS } from '../base/limits.ts';
import { Breaker } from './breaker.ts';
import { type TimedCall, within } from './deadline.ts';
import { CacheError } from './errors.ts';
import type { Observe } from './events.ts';
import type { CacheSource } from './ports.ts';
import type { CacheWorld } from './world.ts';

export type SourceHealth = { readonly name: string; readonly state: 'ok' | 'down'; readonly reason?: string };

export type GuardedSource = {
  /** Makes a call, in time. Rejects with `down` at once while the breaker is open. */
  call<T>(timeoutMs: number, call: (options: TimedCall) => Promise<T>): Promise<T>;
  health(): SourceHealth;
  close(): Promise<void>;
};

/** Failures in a row of `timeout`, `down` or `unknown` open it: one slow query says little of a database. */
const FAILURES = 3;

export function guardedSource(source: CacheSource<never, unknown>, world: CacheWorld, observe: Observe): GuardedSource {
  const breaker = new Breaker({
    failures: FAILURES,
    probeMs: CACHE_LIMITS.probeMs,
    probeMaxMs: CACHE_LIMITS.probeMaxMs,
    probe: () => within(CACHE_LIMITS.loadTimeoutMs, source.name, world.clock, (call) => source.ping(call)),
    changed: (reason) => observe({ kind: 'breaker', part: source.name, reason }),
    world,
  });
  return {
    async call(timeoutMs, call) {
      if (breaker.reason) {
        throw new CacheError('down', source.name, 'is not asked until it is back', { cause: breaker.reason });
      }
      try {
        const result = await within(timeoutMs, source.name, world.clock, call);
        breaker.succeeded();
        return result;
      } catch (error) {
        if (error instanceof CacheError) {
          observe({ kind: 'failed', part: source.name, error });
          breaker.failed(error);
        }
        throw error;
      }
    },
    health() {
      const { reason } = breaker;
      return { name: source.name, state: reason ? 'down' : 'ok', ...(reason && { reason: reason.message }) };
    },
    async close() {
      breaker.stop();
      await source.close();
    },
  };
}
