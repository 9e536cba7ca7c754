// Write-through: hold the key, write the source, keep what was written; who reads after a write has ended sees it.
//
// The hold drops the old entry and keeps fills out while the source is being written, so no reader ever meets the old value
// after the write is done, also if this process dies in between: the hold ends by its time, and the next read loads. It
// outlasts the source's own timeout. What is left: the source commits after the hold has ended (it hung, and so long), and
// the writer died or was cut off: then a value loaded before the commit may live until its TTL.
import { CACHE_LIMITS } from '../base/limits.ts';
import { type Duration, milliseconds } from './duration.ts';
import { CacheError } from './errors.ts';
import { type Policy, policyOf } from './policy.ts';
import type { CacheSource, WritableSource } from './ports.ts';
import { type Cache, guardOf, type ReadThroughOptions, readThroughGuarded } from './read-through.ts';
import { asTiers } from './tiers.ts';

export type OwnWritesOptions<Key, Value> = ReadThroughOptions<Key, Value> & {
  /** Of one write; 5 s unless given. Not shorter than the source's own statement timeout. */
  readonly saveTimeout?: Duration;
};

export type WriteThroughOptions<Key, Value> = OwnWritesOptions<Key, Value> & {
  readonly source: WritableSource<Key, Value>;
};

export type OwnWritesCache<Key, Value> = Cache<Key, Value> & {
  /**
   * A write of your own to the source, under the hold: what it resolves with is kept; undefined: there is no such row now.
   * `tags` are invalidated after it (lists, counts). To give up without an effect throw CacheError `refused`; after any other
   * error the key is not cached until its hold ends.
   */
  write<Written extends Value | undefined>(
    key: Key,
    write: (signal: AbortSignal) => Promise<Written>,
    options?: { readonly tags?: readonly string[] },
  ): Promise<Written>;
};

export type WriteThroughCache<Key, Value> = OwnWritesCache<Key, Value> & {
  /** Saved in the source when it resolves; with the row as the source now keeps it. Rejects with CacheError; nothing is cached then. */
  put(key: Key, value: Value): Promise<Value>;
  /** True if there was such a row. */
  remove(key: Key): Promise<boolean>;
};

export function writeThrough<Key, Value>(options: WriteThroughOptions<Key, Value>): WriteThroughCache<Key, Value>;
/** Of a source that cannot save by itself: all writes are your own. */
export function writeThrough<Key, Value>(options: OwnWritesOptions<Key, Value>): OwnWritesCache<Key, Value>;
export function writeThrough<Key, Value>(options: OwnWritesOptions<Key, Value>): OwnWritesCache<Key, Value> {
  const policy: Policy<Key, Value> = policyOf(options);
  const guarded = guardOf(options);
  const store = asTiers(options.store, policy);
  const cache = readThroughGuarded({ ...options, store }, guarded);
  const { source } = options;
  const saveTimeoutMs =
    options.saveTimeout === undefined ? CACHE_LIMITS.saveTimeoutMs : milliseconds(options.saveTimeout, 'saveTimeout');
  const forMs = saveTimeoutMs + CACHE_LIMITS.holdMarginMs;

  /** `keptOf` says what of a result is to be kept. */
  async function underHold<Result>(
    key: Key,
    write: (signal: AbortSignal) => Promise<Result>,
    keptOf: (result: Result) => Value | undefined,
    tags: readonly string[] = [],
  ): Promise<Result> {
    const text = policy.textOf(key);
    const hold = await store.hold(text, { forMs });
    let result: Result;
    try {
      result = await guarded.call(saveTimeoutMs, ({ signal }) => write(signal));
    } catch (error) {
      if (error instanceof CacheError && error.isWithoutEffect) await store.put(text, undefined, hold);
      // Else it may have committed, or may yet: the hold stays until its time is over, and nothing old is cached before.
      else if (tags.length > 0) await store.invalidate({ tags });
      throw error;
    }
    if (tags.length > 0) await store.invalidate({ tags });
    await store.put(text, policy.entryOf(key, keptOf(result)), hold);
    return result;
  }

  const own: OwnWritesCache<Key, Value> = {
    ...cache,
    write: (key, write, { tags } = {}) => underHold(key, write, itself, tags),
  };
  if (!isWritable(source)) return own;
  const whole: WriteThroughCache<Key, Value> = {
    ...own,
    put: (key, value) => underHold(key, (signal) => source.save(key, value, { signal }), itself),
    remove: (key) => underHold(key, (signal) => source.remove(key, { signal }), nothing),
  };
  return whole;
}

function isWritable<Key, Value>(source: CacheSource<Key, Value>): source is WritableSource<Key, Value> {
  return 'save' in source && 'remove' in source;
}

function itself<T>(value: T): T {
  return value;
}

function nothing(): undefined {
  return undefined;
}
