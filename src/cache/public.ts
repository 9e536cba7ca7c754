// The one door of the library `chorus/cache`; each driver has its own, such as `chorus/cache/tiers/redis`.
//
// It works without any Chorus node: caches in front of a database, in this process, in Redis, in Memcached, or in several at
// once. docs/caching.md helps to choose a pattern. This is the only file that may gather exports of others: what stands here
// is what users build on; all else may change.
export { CacheError, type CacheErrorCode, type Refusal } from './errors.ts';
export type {
  AtomicStore,
  CacheEntry,
  CacheSource,
  CacheStore,
  CallOptions,
  Change,
  ConsumeOptions,
  Delivery,
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
