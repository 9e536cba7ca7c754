// The policies of eviction: what goes above the limits of keys and memory.

/**
 * 'lru': the entries that were not used for longest, roughly. 'ttl': those that expire soonest, and none that lives for ever.
 * A policy's number in the log is its place: append only.
 */
export const EVICTIONS = ['none', 'lru', 'ttl'] as const;
export type Eviction = (typeof EVICTIONS)[number];
