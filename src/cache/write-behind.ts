// Write-behind: a write is done when the queue has it for good; the source gets it later, in batches (flusher.ts).
//
// First the queue, then the cache: a write that the queue did not take is not seen by anybody. Until it is flushed the cache
// is the only place to read it from: give it a TTL well above the time for which the source may be away, and a store that
// does not evict; an entry that leaves too soon is loaded from the source as it was before. Caches on a Chorus cluster keep
// an unsaved entry until it is saved; stores that know nothing of the queue cannot.
//
// Writes of one key are put in the order in which the queue took them, within this process. Of writes of one key by several
// processes at once the last in the queue wins in the source; the cache may keep another of them until its TTL is over.

import { CACHE_LIMITS } from '../base/limits.ts';
import { systemWorld } from '../base/system-world.ts';
import { encodeChange } from './change-message.ts';
import { within } from './deadline.ts';
import { type Duration, milliseconds } from './duration.ts';
import { CacheError } from './errors.ts';
import { ordered } from './ordered.ts';
import { policyOf } from './policy.ts';
import type { WriteQueue } from './ports.ts';
import { type Cache, type ReadThroughOptions, readThrough } from './read-through.ts';
import { asTiers } from './tiers.ts';

export type WriteBehindOptions<Key, Value> = ReadThroughOptions<Key, Value> & {
  readonly queue: WriteQueue;
  /** Of one publish, its confirmation included; 5 s unless given. */
  readonly publishTimeout?: Duration;
};

export type WriteBehindCache<Key, Value> = Cache<Key, Value> & {
  /**
   * Durable in the queue when it resolves; with the write's id. Rejects with CacheError: `down`, `refused` and `full` mean that
   * it is not queued, and nothing has changed; `timeout` and `unknown` that it may be: then the key is no longer cached.
   */
  put(key: Key, value: Value): Promise<string>;
  remove(key: Key): Promise<string>;
};

/** Reads are read-through. The queue is closed with the cache. */
export function writeBehind<Key, Value>(options: WriteBehindOptions<Key, Value>): WriteBehindCache<Key, Value> {
  const { queue, world = systemWorld } = options;
  const policy = policyOf<Key, Value>(options);
  const store = asTiers(options.store, policy);
  const cache = readThrough({ ...options, store });
  const timeoutMs =
    options.publishTimeout === undefined
      ? CACHE_LIMITS.saveTimeoutMs
      : milliseconds(options.publishTimeout, 'publishTimeout');
  const inOrder = ordered();
  let lastRevision = 0;

  async function write(key: Key, value: Value | undefined): Promise<string> {
    const text = policy.textOf(key);
    return await inOrder(text, async () => {
      // Microseconds of the wall clock, and growing: of two processes the later one's is greater as far as clocks agree.
      lastRevision = Math.max(lastRevision + 1, Math.floor(world.clock.wallMs() * 1000));
      const change = { id: world.newId(), key, value, revision: lastRevision };
      const message = encodeChange(change, policy.codec);
      try {
        await within(timeoutMs, queue.name, world.clock, (call) => queue.publish(message, call));
      } catch (error) {
        if (mayHaveHappened(error)) await store.invalidate({ keys: [text] });
        throw error;
      }
      // Without an entry the next read would load the old row; that a row is removed is remembered like a value.
      await store.put(text, value === undefined ? policy.removalOf(key) : policy.entryOf(key, value));
      return change.id;
    });
  }

  return {
    ...cache,
    put: write,
    remove: (key) => write(key, undefined),
    async close() {
      await Promise.all([cache.close(), queue.close()]);
    },
  };
}

function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof CacheError && error.isWithoutEffect);
}
