// A node's counters and gauges, gathered from its parts.
import type { Machine } from '../core/machine.ts';
import type { Committer } from './committer.ts';
import type { NodeMetrics } from './requests.ts';

export type MetricSources = {
  readonly machine: Machine;
  readonly committer: Committer;
  readonly pauses: number;
  readonly clockJumps: number;
  readonly waitingReads: number;
};

export function nodeMetrics({ machine, committer, pauses, clockJumps, waitingReads }: MetricSources): NodeMetrics {
  const { state, counters } = machine;
  return {
    ...committer.counters,
    framesApplied: counters.framesApplied,
    commandsApplied: state.revision,
    copiesIgnored: counters.copies,
    garbageFrames: counters.garbage,
    pauses,
    disagreements: state.members.disagreements,
    repeats: counters.repeats,
    clockJumps,
    waitingCommands: committer.waitingCommands,
    waitingBytes: committer.waitingBytes,
    waitingReads,
    keys: state.keyspace.keys,
    bytes: state.keyspace.bytes,
    rememberedOutcomes: state.recent.size,
  };
}
