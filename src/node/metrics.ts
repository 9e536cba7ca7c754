// A node's counters and gauges, gathered from its parts.
import type { Machine } from '../core/machine.ts';
import type { Committer } from './committer.ts';
import type { EstimatedLogTime } from './estimate.ts';
import type { Following } from './following.ts';
import type { PauseDetector } from './pause.ts';
import type { Reads } from './reads.ts';
import type { NodeMetrics } from './requests.ts';
import type { Snapshots } from './snapshots.ts';
import type { Watches } from './watches.ts';

export type MetricSources = {
  readonly machine: Machine;
  readonly committer: Committer;
  readonly pause: PauseDetector;
  readonly estimate: EstimatedLogTime;
  readonly reads: Reads;
  readonly watches: Watches;
  readonly snapshots: Snapshots;
  readonly following: Following;
};

export function nodeMetrics(sources: MetricSources): NodeMetrics {
  const { machine, committer, pause, estimate, reads, watches, snapshots, following } = sources;
  const { state, counters } = machine;
  return {
    ...committer.counters,
    ...snapshots.metrics(estimate.now()),
    framesApplied: counters.framesApplied,
    commandsApplied: state.revision,
    copiesIgnored: counters.copies,
    garbageFrames: counters.garbage,
    pauses: pause.count,
    quarantines: following.quarantines,
    disagreements: state.members.disagreements,
    repeats: counters.repeats,
    evictions: state.evictions,
    clockJumps: estimate.jumps,
    waitingCommands: committer.waitingCommands,
    waitingBytes: committer.waitingBytes,
    waitingReads: reads.waiting,
    watchersCutOff: watches.cutOff,
    watchers: watches.count,
    keys: state.keyspace.keys,
    bytes: state.keyspace.bytes,
    maxKeys: state.limits?.maxKeys ?? 0,
    maxBytes: state.limits?.maxMemoryBytes ?? 0,
    rememberedOutcomes: state.recent.size,
  };
}
