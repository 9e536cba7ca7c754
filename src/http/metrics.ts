// Prometheus metrics of one server: its requests, its node's counters, and the process; a registry of its own.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { figuresOf, type ServedCache, type ServedCaches } from '../cache/server/served-caches.ts';
import type { NodeApi } from '../node/node-api.ts';
import type { NodeMetrics } from '../node/requests.ts';

/** The resource that served a request, for metrics. */
export type Route =
  | 'keys'
  | 'list'
  | 'batch'
  | 'transactions'
  | 'watch'
  | 'caches'
  | 'stores'
  | 'cluster'
  | 'snapshots'
  | 'backup'
  | 'restore'
  | 'livez'
  | 'readyz'
  | 'metrics'
  | 'tokens'
  | 'openapi'
  | 'console'
  | 'pycache'
  | 'other';

export type HttpMetrics = {
  /** One answered request. */
  observe(route: Route, method: string, status: number, seconds: number): void;
  /** The text exposition and its content type. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
};

type Row = readonly [field: keyof NodeMetrics, name: string, help: string];

const COUNTERS: readonly Row[] = [
  ['framesApplied', 'chorus_frames_applied_total', 'Frames applied to the state'],
  ['commandsApplied', 'chorus_commands_applied_total', 'Commands applied to the state, rejected ones included'],
  ['copiesIgnored', 'chorus_frame_copies_ignored_total', 'Frames that were copies of applied ones'],
  ['garbageFrames', 'chorus_garbage_frames_total', 'Records of the log that could not be decoded'],
  ['framesAppended', 'chorus_frames_appended_total', 'Frames of this node that the log acknowledged'],
  ['appendsRefused', 'chorus_appends_refused_total', 'Appends that the log refused'],
  ['appendsUnknown', 'chorus_appends_unknown_total', 'Appends whose fate was not known'],
  ['pauses', 'chorus_pauses_total', 'Times this process was found to have stood still'],
  ['quarantines', 'chorus_quarantines_total', 'Times this node differed from the majority and dropped its state'],
  ['disagreements', 'chorus_digest_disagreements_total', 'Times two members reported different digests at one offset'],
  ['repeats', 'chorus_repeats_total', 'Commands answered with the outcome of an earlier attempt'],
  ['evictions', 'chorus_evictions_total', 'Entries removed for want of memory'],
  ['watchersCutOff', 'chorus_watchers_cut_off_total', 'Watchers that were too slow'],
  ['snapshotsSaved', 'chorus_snapshots_saved_total', 'Snapshots that this node saved'],
  ['snapshotsVerified', 'chorus_snapshots_verified_total', 'Snapshots that this node read back and found right'],
  ['snapshotFailures', 'chorus_snapshot_failures_total', 'Failures to save or verify a snapshot, or to trim the log'],
  ['logTrims', 'chorus_log_trims_total', 'Times that this node trimmed the log'],
  ['clockJumps', 'chorus_clock_jumps_total', 'Jumps of the clock of the log'],
];

const GAUGES: readonly Row[] = [
  ['waitingCommands', 'chorus_waiting_commands', 'Commands waiting for the log or to be applied'],
  ['waitingBytes', 'chorus_waiting_bytes', 'Bytes of the waiting commands'],
  ['waitingReads', 'chorus_waiting_reads', 'Reads waiting for a revision or the log'],
  ['watchers', 'chorus_watchers', 'Watchers connected to this node'],
  ['keys', 'chorus_keys', 'Keys stored'],
  ['bytes', 'chorus_bytes', 'Logical bytes stored'],
  ['maxKeys', 'chorus_max_keys', 'Most keys, by limits.maxKeys; 110 % of it are reached while evictions lag'],
  [
    'maxBytes',
    'chorus_max_bytes',
    'Most logical bytes, by limits.maxMemory; 110 % of it are reached while evictions lag',
  ],
  ['rememberedOutcomes', 'chorus_remembered_outcomes', 'Outcomes remembered by id'],
  ['snapshotRevision', 'chorus_snapshot_revision', 'Revision of the newest verified snapshot'],
  ['snapshotAgeSeconds', 'chorus_snapshot_age_seconds', 'Time since the newest snapshot was verified'],
  ['snapshotBytes', 'chorus_snapshot_bytes', 'Size of the last snapshot that this node saved'],
  ['snapshotSeconds', 'chorus_snapshot_seconds', 'What the last snapshot that this node saved took'],
];

const CACHE_GAUGES: readonly [name: string, help: string, read: (served: ServedCache) => number][] = [
  ['chorus_cache_unsaved_keys', 'Keys that the source has yet to take', (served) => figuresOf(served).unsaved],
  ['chorus_cache_failed_keys', 'Keys that the source refused, up to 1000', (served) => figuresOf(served).failed],
  ['chorus_cache_oldest_unsaved_seconds', 'Age of the oldest', (served) => figuresOf(served).oldestUnsavedMs / 1000],
  ['chorus_cache_flushes', 'Batches that this node flushed', ({ flusher }) => flusher?.view.flushes ?? 0],
  ['chorus_cache_flushed_rows', 'Rows that this node flushed', ({ flusher }) => flusher?.view.rows ?? 0],
];

export function createMetrics(node: NodeApi, caches: ServedCaches, untaken: { readonly bytes: number }): HttpMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ node: node.nodeId });
  collectDefaultMetrics({ register: registry });
  addNodeMetrics(registry, node);
  addCacheMetrics(registry, caches);
  const requests = new Counter({
    name: 'chorus_http_requests_total',
    help: 'Answered requests',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  });
  addGauge(
    registry,
    'chorus_untaken_answer_bytes',
    'Bytes of answers that clients have not taken',
    () => untaken.bytes,
  );
  const durations = new Histogram({
    name: 'chorus_http_request_duration_seconds',
    help: 'From the head of a request to its answer',
    labelNames: ['route', 'status'],
    buckets: [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return {
    observe(route, method, status, seconds) {
      requests.inc({ route, method, status });
      durations.observe({ route, status }, seconds);
    },
    async text() {
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

function addNodeMetrics(registry: Registry, node: NodeApi): void {
  const registers = [registry];
  for (const [field, name, help] of COUNTERS) {
    let last = 0;
    new Counter({
      name,
      help,
      registers,
      collect() {
        const now = node.metrics()[field];
        this.inc(Math.max(0, now - last));
        last = now;
      },
    });
  }
  for (const [field, name, help] of GAUGES) addGauge(registry, name, help, () => node.metrics()[field]);
  addGauge(registry, 'chorus_revision', 'Commands applied here', () => node.revision());
  addGauge(
    registry,
    'chorus_lag_seconds',
    'Upper bound on how old what is read here can be',
    () => node.lagMs() / 1000,
  );
  addGauge(registry, 'chorus_ready', '1 when this node serves requests', () =>
    node.status().phase === 'ready' ? 1 : 0,
  );
}

function addCacheMetrics(registry: Registry, caches: ServedCaches): void {
  if (caches.size === 0) return;
  for (const [name, help, read] of CACHE_GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: ['cache'],
      registers: [registry],
      collect() {
        for (const served of caches.values()) this.set({ cache: served.name }, read(served));
      },
    });
  }
}

function addGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
