// The flusher: takes writes from a queue and brings them to the source in batches, newest value per key, each exactly once.
//
// A message is acknowledged only after the source has committed it; who dies in between gets it again, and the source knows
// its id. What a batch coalesced away has its id entered too: handed out again alone, it would else overwrite what came later.
import { CACHE_LIMITS } from '../base/limits.ts';
import { systemWorld } from '../base/system-world.ts';
import { decodeChange } from './change-message.ts';
import { type Codec, json } from './codec.ts';
import { within } from './deadline.ts';
import { type Duration, milliseconds } from './duration.ts';
import { asCacheError, CacheError } from './errors.ts';
import { type Observe, observeNothing } from './events.ts';
import type { Change, Delivery, FlushableSource, WriteQueue } from './ports.ts';
import type { CacheWorld } from './world.ts';

export type FlusherOptions<Key, Value> = {
  readonly queue: WriteQueue;
  readonly source: FlushableSource<Key, Value>;
  /** The same as the writers'. */
  readonly codec?: Codec<Value>;
  /** Writes of one batch; 500 unless given. */
  readonly maxBatch?: number;
  /** How long the first write of a batch waits for others; 50 ms unless given. */
  readonly maxDelay?: Duration;
  /** Of one flush; 5 s unless given. Not shorter than the source's own statement timeout. */
  readonly flushTimeout?: Duration;
  /** How often the source may refuse a write until it is buried; 3 unless given. */
  readonly maxRefusals?: number;
  readonly observe?: Observe;
  readonly world?: CacheWorld;
};

export type Flusher = {
  /** Taken from the queue and not flushed yet, and why the source does not take them. */
  health(): { readonly status: 'ok' | 'degraded'; readonly waiting: number; readonly reason?: string };
  /** Ends after the batch under way; what is left is given back. Closes neither queue nor source. */
  stop(): Promise<void>;
};

type Write<Key, Value> = { readonly delivery: Delivery; readonly change: Change<Key, Value> };

export function startFlusher<Key, Value>(options: FlusherOptions<Key, Value>): Flusher {
  const { queue, source, codec = json<Value>(), world = systemWorld, observe = observeNothing } = options;
  const { maxBatch = CACHE_LIMITS.flushWrites, maxRefusals = CACHE_LIMITS.maxRefusals } = options;
  const ms = (name: 'maxDelay' | 'flushTimeout', otherwise: number) => {
    const duration = options[name];
    return duration === undefined ? otherwise : milliseconds(duration, name);
  };
  const maxDelayMs = ms('maxDelay', CACHE_LIMITS.flushDelayMs);
  const timeoutMs = ms('flushTimeout', CACHE_LIMITS.saveTimeoutMs);

  const stopper = new AbortController();
  const refusals = new Map<string, number>();
  const waiting: Write<Key, Value>[] = [];
  let failures = 0;
  let reason: CacheError | undefined;
  let wake = () => {};

  const consuming = queue.consume({ maxUnended: maxBatch, onDelivery, signal: stopper.signal });
  const flushing = flushAll();

  function onDelivery(delivery: Delivery): void {
    try {
      waiting.push({ delivery, change: decodeChange<Key, Value>(delivery, codec) });
      wake();
    } catch (error) {
      void bury(delivery, `cannot be read: ${String(error)}`);
    }
  }

  async function flushAll(): Promise<void> {
    while (!stopper.signal.aborted) {
      if (waiting.length === 0) await woken(() => true);
      if (waiting.length < maxBatch) await woken(() => waiting.length >= maxBatch, maxDelayMs);
      const batch = waiting.slice(0, maxBatch);
      if (batch.length === 0 || stopper.signal.aborted) continue;
      await flush(batch);
      // Only now: until they are ended, they count as waiting.
      waiting.splice(0, batch.length);
    }
  }

  /** Until all of the batch are ended: committed, or given up one by one. */
  async function flush(batch: readonly Write<Key, Value>[]): Promise<void> {
    for (;;) {
      try {
        await commit(batch);
        return;
      } catch (cause) {
        const error = asCacheError(cause, source.name, 'unknown');
        observe({ kind: 'failed', part: source.name, error });
        if (error.code === 'refused') return await separate(batch, error);
        failures += 1;
        reason = error;
        await woken(never, backoffMs(failures, world.random()));
        if (stopper.signal.aborted) return await giveBack(batch);
      }
    }
  }

  async function commit(batch: readonly Write<Key, Value>[]): Promise<void> {
    const startMs = world.clock.monotonicMs();
    const changes = coalesced(batch.map(({ change }) => change));
    const guard = { kind: 'ids' } as const;
    const flushed = await within(timeoutMs, source.name, world.clock, (call) => source.flush(changes, guard, call));
    if (flushed.kind !== 'saved') throw new CacheError('refused', source.name, 'is fenced by another');
    failures = 0;
    reason = undefined;
    const tookMs = world.clock.monotonicMs() - startMs;
    observe({ kind: 'flushed', writes: batch.length, rows: changes.length, tookMs });
    for (const { change } of batch) refusals.delete(change.id);
    await Promise.all(batch.map(({ delivery }) => settled(delivery.acknowledge())));
  }

  /** One of them is to blame: by halves, in their order, each half by itself. */
  async function separate(batch: readonly Write<Key, Value>[], error: CacheError): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) return await refuse(first, error);
    const half = Math.ceil(batch.length / 2);
    await flush(batch.slice(0, half));
    await flush(batch.slice(half));
  }

  async function refuse({ delivery, change }: Write<Key, Value>, error: CacheError): Promise<void> {
    const count = (refusals.get(change.id) ?? 0) + 1;
    refusals.set(change.id, count);
    if (count >= maxRefusals) {
      refusals.delete(change.id);
      return await bury(delivery, error.message);
    }
    await woken(never, backoffMs(count, world.random()));
    await flush([{ delivery, change }]);
  }

  async function bury(delivery: Delivery, why: string): Promise<void> {
    observe({ kind: 'buried', id: delivery.id, reason: why });
    await settled(delivery.bury(why));
  }

  /** The last first: each is put before the others. */
  async function giveBack(batch: readonly Write<Key, Value>[]): Promise<void> {
    for (const { delivery } of batch.toReversed()) await settled(delivery.giveBack());
  }

  /** Where the queue cannot be told it will hand the message out again, and the source knows the id. */
  async function settled(told: Promise<void>): Promise<void> {
    try {
      await told;
    } catch (cause) {
      observe({ kind: 'failed', part: queue.name, error: asCacheError(cause, queue.name, 'unknown') });
    }
  }

  /** Until a write comes that makes it enough, the flusher is stopped, or `ms` have passed. */
  async function woken(isEnough: () => boolean, ms?: number): Promise<void> {
    if (stopper.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = ms === undefined ? () => {} : world.clock.after(ms, resolve);
      wake = () => {
        if (!stopper.signal.aborted && !isEnough()) return;
        cancel();
        resolve();
      };
    });
  }

  return {
    health: () => ({
      status: reason === undefined ? 'ok' : 'degraded',
      waiting: waiting.length,
      ...(reason && { reason: reason.message }),
    }),
    async stop() {
      stopper.abort();
      wake();
      await flushing;
      await giveBack(waiting.splice(0));
      await consuming;
    },
  };
}

/** The newest of each key, in the order of the newest; with the ids of those it stands for. */
function coalesced<Key, Value>(changes: readonly Change<Key, Value>[]): readonly Change<Key, Value>[] {
  const newest = new Map<string, Change<Key, Value>>();
  for (const change of changes) {
    const name = JSON.stringify(change.key);
    const older = newest.get(name);
    newest.delete(name);
    newest.set(name, older ? { ...change, coalesced: [...(older.coalesced ?? []), older.id] } : change);
  }
  return [...newest.values()];
}

/** Doubling, with full jitter: between nothing and 50, 100, 200, … ms, at most 5 s. */
function backoffMs(failures: number, random: number): number {
  const ceiling = Math.min(CACHE_LIMITS.flushBackoffMs * 2 ** (failures - 1), CACHE_LIMITS.flushBackoffMaxMs);
  return random * ceiling;
}

function never(): boolean {
  return false;
}
