// How long to wait before the next try: doubling from backoffMinMs to backoffMaxMs, half of it by chance so that nodes do not march in step.
import { setTimeout as delay } from 'node:timers/promises';
import { NODE_LIMITS } from '../base/limits.ts';

/** Milliseconds before try `attempt` + 1; the first try is number 0. */
export function backoffMs(attempt: number, random: () => number): number {
  const whole = Math.min(NODE_LIMITS.backoffMaxMs, NODE_LIMITS.backoffMinMs * 2 ** attempt);
  return whole / 2 + (whole / 2) * random();
}

/** Waits; resolves early when the signal aborts. */
export async function pauseFor(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => {});
}
