// What a cache tells those who watch it: one event for each fact, for metrics, logs and pages.
import type { CacheError } from './errors.ts';

export type CacheEvent =
  /** A read was answered. `from` is a tier's name, or the source's. */
  | {
      readonly kind: 'answered';
      readonly key: string;
      readonly from: string;
      readonly isStale: boolean;
      readonly isFound: boolean;
    }
  /** The source was asked once; `error` if it failed. */
  | { readonly kind: 'loaded'; readonly key: string; readonly tookMs: number; readonly error?: unknown }
  /** A loaded or written value was not kept by the tier: something had happened to the key meanwhile. */
  | { readonly kind: 'refused'; readonly key: string; readonly tier: string }
  /** A kept value could not be decoded: it is loaded anew. */
  | { readonly kind: 'undecodable'; readonly key: string; readonly error: unknown }
  /** A call of a tier failed; the cache went on without it. */
  | { readonly kind: 'failed'; readonly part: string; readonly error: CacheError }
  /** Writes of the queue were committed in the source: so many of them in so many rows. */
  | { readonly kind: 'flushed'; readonly writes: number; readonly rows: number; readonly tookMs: number }
  /** A write that can never be done was put with the dead letters. */
  | { readonly kind: 'buried'; readonly id: string; readonly reason: string }
  /** A breaker opened (with the error) or closed. */
  | { readonly kind: 'breaker'; readonly part: string; readonly reason: CacheError | undefined };

/** Must not throw; is called synchronously. */
export type Observe = (event: CacheEvent) => void;

export const observeNothing: Observe = () => {};
