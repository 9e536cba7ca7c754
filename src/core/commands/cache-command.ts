// The commands of caches as values. Each carries the revision of the policy that its author went by; an old one is refused.

export type CacheContent = {
  /** Undefined: the source has no such row, or is to have none. */
  readonly value: Uint8Array | undefined;
  readonly contentType: string;
  /** 0: none. In write-behind it counts from when the source has it. */
  readonly ttlMs: number;
  readonly tags: readonly string[];
};

type OfCache = {
  readonly cache: string;
  /** 0: there is none yet. */
  readonly policy: number;
};
type OfKey = OfCache & { readonly key: Uint8Array };

/** The policy from now on, as the nodes write it. */
export type CachePolicy = OfCache & { readonly type: 'cache-policy'; readonly text: Uint8Array };

/** A write, of which the source knows already (`maxUnsaved` 0), or will be told by the duty node. */
export type CachePut = OfKey & {
  readonly type: 'cache-put';
  /** Revision of the `cache-hold` under which the source was written; 0: none. */
  readonly hold: number;
  /** Write-behind: refused where so many keys are unsaved. */
  readonly maxUnsaved: number;
  /** Undefined: nothing is to be kept. */
  readonly content: CacheContent | undefined;
};

/** What was loaded. `since`: applied where the load began, before it. */
export type CacheFill = OfKey & { readonly type: 'cache-fill'; readonly since: number; readonly content: CacheContent };

export type CacheHold = OfKey & { readonly type: 'cache-hold'; readonly ttlMs: number };

/** `since` as in CacheFill: an entry that is newer need not be loaded. */
export type CacheLease = OfKey & { readonly type: 'cache-lease'; readonly since: number; readonly ttlMs: number };

export type CacheInvalidate = OfCache & {
  readonly type: 'cache-invalidate';
  readonly keys: readonly Uint8Array[];
  readonly tags: readonly string[];
  readonly isAll: boolean;
};

/** `saved`, `failed`: what the source did with a write. `retry`, `drop`: what is to be done with one that failed. */
export const SETTLEMENTS = ['saved', 'failed', 'retry', 'drop'] as const;
export type Settlement = (typeof SETTLEMENTS)[number];

export type CacheSettle = OfCache & {
  readonly type: 'cache-settle';
  readonly how: Settlement;
  /** Of `failed`. */
  readonly error: string;
  /** Each with the revision of its record: of any other nothing is meant. */
  readonly writes: readonly { readonly key: Uint8Array; readonly revision: number }[];
};

/** Write-behind is over: nothing waits, and the source's fence stands above all flushes. `revision`: of the latest change of what is unsaved. */
export type CacheDrained = OfCache & { readonly type: 'cache-drained'; readonly revision: number };

/** Lifts the cluster's revision above n, that of the source's fence: a restored cluster would be fenced out for ever. */
export type CacheAdopt = OfCache & { readonly type: 'cache-adopt'; readonly n: number };

export type CacheCommand =
  | CachePolicy
  | CachePut
  | CacheFill
  | CacheHold
  | CacheLease
  | CacheInvalidate
  | CacheSettle
  | CacheDrained
  | CacheAdopt;
