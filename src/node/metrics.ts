// A node's counters and gauges, gathered from its parts.
import type { Machine } from '../core/machine.ts';
import type { Committer } from './committer.ts';
import type { NodeMetrics } from './requests.ts';
import type { Snapshots } from './snapshots.ts';
import type { Watches } from './watches.ts';

export type MetricSources = {
  readonly machine: Machine;
  readonly committer: Committer;
  readonly pauses: number;
  readonly clockJumps: number;
  readonly waitingReads: number;
  readonly watches: Watches;
  readonly snapshots: Snapshots;
  /** As estimated now, ms. */
  readonly logTime: number;
};

export function nodeMetrics({
  machine,
  committer,
  pauses,
  clockJumps,
  waitingReads,
  watches,
  snapshots,
  logTime,
}: MetricSources): NodeMetrics {
  const { state, counters } = machine;
  return {
    ...committer.counters,
    ...snapshots.metrics(logTime),
    framesApplied: counters.framesApplied,
    commandsApplied: state.revision,
    copiesIgnored: counters.copies,
    garbageFrames: counters.garbage,
    pauses,
    disagreements: state.members.disagreements,
    repeats: counters.repeats,
    evictions: state.evictions,
    clockJumps,
    waitingCommands: committer.waitingCommands,
    waitingBytes: committer.waitingBytes,
    waitingReads,
    watchersCutOff: watches.cutOff,
    watchers: watches.count,
    keys: state.keyspace.keys,
    bytes: state.keyspace.bytes,
    maxKeys: state.limits?.maxKeys ?? 0,
    maxBytes: state.limits?.maxMemoryBytes ?? 0,
    rememberedOutcomes: state.recent.size,
  };
}
