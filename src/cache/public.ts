// The one door of the library `chorus/cache`; each driver has its own, such as `chorus/cache/tiers/redis`.
//
// It works without any Chorus node: caches in front of a database, in this process, in Redis, in Memcached, or in several at
// once. docs/caching.md helps to choose a pattern. This is the only file that may gather exports of others: what stands here
// is what users build on; all else may change.
export { type Answer, type AsideCache, type CacheOptions, cacheAside, type KeysOf, type Load } from './aside.ts';
export { type Codec, json } from './codec.ts';
export type { Duration } from './duration.ts';
export { CacheError, type CacheErrorCode, type Refusal } from './errors.ts';
export type { CacheEvent, Observe } from './events.ts';
export { type Flusher, type FlusherOptions, startFlusher } from './flusher.ts';
export type { PolicyOptions } from './policy.ts';
export type {
  AtomicStore,
  CacheEntry,
  CacheSource,
  CacheStore,
  CallOptions,
  Change,
  ConsumeOptions,
  Delivery,
  Fence,
  FlushableSource,
  Flushed,
  FlushGuard,
  HoldOptions,
  Invalidation,
  Looked,
  ManySource,
  Note,
  QueueMessage,
  Stored,
  Version,
  WritableSource,
  WriteQueue,
} from './ports.ts';
export { type Cache, type CacheHealth, type ReadThroughOptions, readThrough } from './read-through.ts';
export { type SlottedOptions, slotted } from './slotted.ts';
export type { SqlDatabase, SqlResult, SqlRow, SqlValue } from './sql.ts';
export type { TierHealth, TierOptions } from './tier.ts';
export { type MemoryOptions, memory } from './tiers/memory.ts';
export { type TieredStore, type TiersOptions, tiers } from './tiers.ts';
export type { CacheWorld } from './world.ts';
export { type WriteBehindCache, type WriteBehindOptions, writeBehind } from './write-behind.ts';
export {
  type OwnWritesCache,
  type OwnWritesOptions,
  type WriteThroughCache,
  type WriteThroughOptions,
  writeThrough,
} from './write-through.ts';
