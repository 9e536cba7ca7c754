// Every bound of the program in one place, but for those of `npm start` (start-limits.ts); those that `apply` judges are only defaults here, the log's first frame fixes them.

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Bounds of what a client may send. */
export const REQUEST_LIMITS = {
  maxKeyBytes: 1024,
  maxIdLength: 255,
  maxContentTypeLength: 255,
  maxConditionRevisions: 16,
  maxTtlMs: 3650 * 24 * 60 * MINUTE,
  defaultTimeoutMs: 5 * SECOND,
  maxTimeoutMs: 60 * SECOND,
  maxHeaderBytes: 16 * KIB,
  maxConnections: 10_000,
  /** The listening socket's queue; a process that stood still accepts one of them each turn of its event loop. */
  maxUnacceptedConnections: 511,
  headersTimeoutMs: 10 * SECOND,
  requestTimeoutMs: 60 * SECOND,
  keepAliveTimeoutMs: 75 * SECOND,
  /** An answer that its client has not taken by then is cut off; what has no known length is asked for progress instead. */
  takeTimeoutMs: 60 * SECOND,
  /** Bytes of answers that clients have not taken, all connections together; beyond it the longest answers are refused. */
  maxAnswersInFlightBytes: 256 * MIB,
  /** How often the files of certificates are looked at. */
  certificatesEveryMs: SECOND,
  /** Bodies being read at once, all requests together. */
  maxBodiesInFlightBytes: 256 * MIB,
} as const;

/** What a node does in one turn of its event loop (http/turn.ts). */
export const TURN_LIMITS = {
  /** Beyond the first no more writes are taken, beyond the second no lists and other reads, beyond the third no reads of one key … */
  writesMs: 50,
  readsMs: 150,
  keyReadsMs: 500,
  /** … but always so many requests in all. */
  requests: 128,
} as const;

/** Defaults of the limits that are state (core/cluster.ts). */
export const STATE_LIMITS = {
  maxValueBytes: MIB,
  maxKeys: 16_000_000,
  maxMemoryBytes: 4096 * MIB,
  maxOutcomes: 1_000_000,
  outcomeWindowMs: 5 * MINUTE,
  eviction: 'none',
} as const;

/** Bounds of one frame: below the topic's max.message.bytes of 2 MiB. */
export const FRAME_LIMITS = {
  maxFrameBytes: MIB + 512 * KIB,
  maxFrameCommands: 20_000,
  /** What clients may fill of it; the rest is for chores and the heartbeat. */
  maxClientCommands: 10_000,
  maxChoresPerFrame: 1_000,
  /** Room kept for the frame's head and a heartbeat. */
  headBytes: 2 * KIB,
} as const;

export const MEMBER_LIMITS = {
  maxMembers: 64,
  forgottenAfterMs: 60 * MINUTE,
  reportsKept: 8,
  /** Digests noted by a node; a snapshot that was longer in the making cannot be verified. */
  notesKept: 1024,
  /** A member is dead once another has written this many heartbeats since its last one. */
  heartbeatsMissed: 4,
} as const;

export const NODE_LIMITS = {
  maxWaitingCommands: 10_000,
  maxWaitingBytes: 64 * MIB,
  maxWaitingReads: 10_000,
  /** Lots of chores: the upkeep's own, and checks of digests. */
  maxWaitingChores: 16,
  heartbeatMs: SECOND,
  tickMs: 100,
  pauseMs: SECOND,
  choresMs: 250,
  stopPollMs: 10,
  choreTimeoutMs: 5 * SECOND,
  /** For each part of a backup that is restored: longer than a broker takes to be replaced. */
  restoreTimeoutMs: MINUTE,
  applySliceMs: 8,
  backoffMinMs: 50,
  backoffMaxMs: 500,
  startTimeoutMs: 60 * SECOND,
  shutdownTimeoutMs: 10 * SECOND,
  drainDelayMs: 500,
  /** A lag above this is said as `degraded` in /readyz. */
  degradedLagMs: 5 * SECOND,
  /** The answer of a 503 or 429 asks the client to come again after this long. */
  retryAfterSeconds: 1,
} as const;

/** Bounds of caches; apply judges by them, like those of transactions. */
export const CACHED_STATE_LIMITS = {
  maxNameLength: 64,
  maxPolicyBytes: 16 * KIB,
  /** Writers of one key at once. */
  maxHolds: 64,
  /** Of a record of a cache: its head, the cache's name and the key. */
  maxRecordKeyBytes: 3 + 255 + KIB,
  /** Of one entry, and of one invalidation: what their encoding can say. */
  maxTags: 255,
  maxTagBytes: 255,
  maxInvalidatedKeys: 1_000,
  /** From a higher one there would be too few revisions left to go on. */
  maxAdopted: 2 ** 52,
} as const;

/** Bounds of tokens; apply judges by them. */
export const ACCESS_LIMITS = {
  maxTokens: 1_000,
  maxScopes: 64,
  /** What keys begin with, or a cache's name. */
  maxScopeBytes: KIB,
  /** Authorization headers that a node knows by heart; then it forgets them all. */
  maxKnownHeaders: 4_096,
} as const;

/** Bounds of listing keys. */
export const LIST_LIMITS = {
  defaultKeys: 100,
  maxKeys: 1000,
  /** Values of one page; a page has at least one entry, whatever its size. */
  maxValueBytes: MIB,
  /** Keys looked at for one page: more than its entries where many have expired but were not yet removed. */
  maxLookedAt: 4000,
} as const;

/** Bounds of commands over many keys. Apply judges by them: they belong to the commands' formats and cannot change without these. */
export const TRANSACTION_LIMITS = {
  /** Of compares, of `then` and of `else`. */
  maxItems: 1000,
  /** Of values, those that are replaced or read included, so that no transaction stops a node for long. */
  maxTouchedBytes: 16 * MIB,
  /** Of one prefix delete: keys, and logical bytes. */
  maxDeletedKeys: 10_000,
  maxDeletedBytes: 64 * MIB,
} as const;

/** Bounds of requests whose body is JSON. */
export const JSON_LIMITS = {
  /** Below what Nginx passes on (client_max_body_size). */
  maxBodyBytes: 1792 * KIB,
  maxBatchItems: 1000,
  /** Values read by one batch. */
  maxBatchReadBytes: 16 * MIB,
} as const;

/** Bounds of watching. */
export const WATCH_LIMITS = {
  /** Events that a node keeps for watchers that resume or are slow; a restarting node keeps those of as many last records. */
  maxEvents: 100_000,
  maxEventBytes: 64 * MIB,
  /** Given to one watcher at once. */
  maxBatchEvents: 1000,
  maxBatchBytes: 64 * KIB,
  /** Events looked at for one watcher before the next has its turn. */
  maxLookedAt: 20_000,
  maxWatchers: 5000,
  heartbeatMs: 15 * SECOND,
  /** A watcher that has taken nothing for so long is cut off. */
  stalledMs: 60 * SECOND,
  /** How long the last words to a watcher that was cut off may take. */
  farewellMs: 5 * SECOND,
  /** Encoded events kept for other watchers. */
  maxEncodedBytes: 8 * MIB,
} as const;

/** Bounds of the memory log and the embedded log; Kafka's stand with its settings. */
export const LOG_LIMITS = {
  maxPayloadBytes: 2 * MIB,
  maxWaitingAppends: 16_384,
  maxWaitingBytes: 64 * MIB,
  appendTimeoutMs: 2 * SECOND,
  openTimeoutMs: 10 * SECOND,
  /** A batch handed to a follower ends at the first record that reaches either. */
  maxBatchBytes: MIB,
  maxBatchRecords: 4_096,
  /** One transaction of the embedded log. */
  maxCommitBytes: 8 * MIB,
  maxCommitRecords: 4_096,
  trimSliceRecords: 1_000,
  trimSliceBytes: 8 * MIB,
  /** How often followers look by themselves, should a nudge of another process be lost. */
  pollMs: 100,
} as const;

export const KAFKA_LIMITS = {
  connectTimeoutMs: SECOND,
  /** Finding the leader: connecting, asking and connecting to it, all together. An append takes this and the next at most. */
  lookupTimeoutMs: 2 * SECOND,
  produceTimeoutMs: 2 * SECOND,
  /** How long the broker waits for its in-sync replicas: below the client's own patience, so that it is the one to answer. */
  replicationTimeoutMs: 1_500,
  fetchWaitMs: 250,
  fetchTimeoutMs: 2_500,
  fetchBytes: 8 * MIB,
  /** What comes at once of small answers, or of the beginning of a large one. */
  mixedAnswersBytes: 64 * KIB,
  /** A longer one is none: brokers take no request of more than 100 MiB either. */
  maxAnswerBytes: 128 * MIB,
  /** Memory of answers kept to be used again: a follower has one and fetches the next. */
  answersKept: 2,
  offsetsTimeoutMs: 2_500,
  /** start, end and trim look for an answer this long. */
  patienceMs: 8 * SECOND,
  adminTimeoutMs: 5 * SECOND,
  topicBytes: 2 * MIB,
  /** Brokers asked at once where the leader is. */
  brokersAsked: 5,
} as const;

/** How much the log grows between two snapshots. */
export const SNAPSHOT_DEFAULTS = {
  everyBytes: 256 * MIB,
  everyRecords: 1_000_000,
} as const;

/** Bounds of snapshots. */
export const SNAPSHOT_LIMITS = {
  /** A chunk ends at the first entry that reaches either: it is made, or restored, in one turn of the event loop. */
  chunkBytes: 256 * KIB,
  chunkRows: 2_000,
  /** What is overwritten or deleted while a snapshot is taken is held in its old form; above this the snapshot is given up. */
  maxHeldBytes: 64 * MIB,
  /** Longer ones are not believed in when they are read. */
  maxChunkBytes: 64 * MIB,
  maxManifestBytes: 64 * KIB,
  /** Of a file, read at once: a call to the file system costs more than a chunk. */
  blockBytes: 4 * MIB,
  /** A chunk lies in the log of snapshots in parts of at most so many bytes. */
  partBytes: MIB - KIB,
  /** After a snapshot, or the attempt at one, the next is not begun before this. */
  retryMs: 5 * SECOND,
  /** For an announcement to be in the log and applied. */
  tellWithinMs: 30 * SECOND,
  /** So long each node has for verifying before the next one begins, too. */
  verifyTurnMs: 10 * SECOND,
  /** A saved snapshot that nobody has verified by then is followed by another. */
  verifiedWithinMs: 60 * SECOND,
  /** How long one part is tried to be appended to the log of snapshots. */
  appendPatienceMs: 30 * SECOND,
} as const;

/** Bounds of the cache library. */
export const CACHE_LIMITS = {
  /** How long a load may take until its note of an absent key is forgotten, and it fills nothing. */
  noteMs: MINUTE,
  /** How long a tag is remembered after its last invalidation, or first use; forgotten, its entries become invalid. */
  tagMs: 7 * 24 * 60 * MINUTE,
  /** Swaps of one key lost in a row before a call gives up. */
  maxSwaps: 1_000,
  storeTimeoutMs: 250,
  /** Of one command to Redis or Memcached, and of one connection to them, where no tier asks for less. */
  commandTimeoutMs: SECOND,
  connectTimeoutMs: 2 * SECOND,
  /** A connection that answers nothing for so long, while calls wait for it, is given up and made anew. */
  maxSilenceMs: 10 * SECOND,
  /** Calls of one turn of the event loop that Redis gets as one command, and the bytes that one brings: it serves nobody else meanwhile. */
  maxTogether: 128,
  maxTogetherBytes: MIB,
  /** Messages of one publisher that the broker has not confirmed; more are turned away. */
  maxUnconfirmed: 10_000,
  maxMessageBytes: 8 * MIB,
  idsPerStatement: 1_000,
  /** The ids of flushed writes are kept for a week: longer than a queue may hold a message back. Old ones are removed hourly. */
  keepIdsMs: 7 * 24 * 60 * MINUTE,
  pruneIdsMs: 60 * MINUTE,
  /** Times in a row that another flush of the same writes may be faster, before a flush gives up. */
  maxOvertaken: 5,
  /** Calls that wait for one connection to Memcached; more are turned away. */
  maxPipelined: 10_000,
  loadTimeoutMs: 5 * SECOND,
  saveTimeoutMs: 5 * SECOND,
  /** A hold outlasts the source's timeout by this: more than the machines' clocks differ. */
  holdMarginMs: 5 * SECOND,
  probeMs: 500,
  probeMaxMs: 5 * SECOND,
  /** Invalidations that a tier missed, remembered by name; above this the whole tier is invalidated when it returns. */
  maxMissed: 10_000,
  flushWrites: 500,
  flushDelayMs: 50,
  flushBackoffMs: 50,
  flushBackoffMaxMs: 5 * SECOND,
  maxRefusals: 3,
  memoryBytes: 64 * MIB,
  memoryEntries: 100_000,
} as const;
