// The row about snapshots: the worst stall of the event loop under 100,000 updates/s while one is taken, beside the same without.
import type { BenchOptions, Contest, Row } from './contest.ts';
import { SnapshotScene } from './snapshot-scene.ts';

const STALL = { unit: 'ms', better: 'less' } as const;

export const snapshotRow: Row = {
  name: 'snapshot',
  help: 'the worst stall under 100,000 updates/s while a snapshot of all keys is taken, by the clock and by processor time, beside none taken',
  needs: [],
  figures: { 'worst stall': STALL, 'of it running': STALL },
  warmsUp: true,
  async open({ keys, seconds }: BenchOptions): Promise<Contest> {
    const scene = await SnapshotScene.open({ keys, outcomes: 0, updatesPerSecond: 100_000 });
    return {
      contestants: [
        { name: 'while one is taken', measure: async () => stallsOf(await scene.taken()) },
        { name: 'none taken', measure: async () => stallsOf(await scene.quiet(seconds * 1000)) },
      ],
      close: () => scene.close(),
    };
  },
};

function stallsOf({ stallMs, processorMs }: { readonly stallMs: number; readonly processorMs: number }) {
  return { 'worst stall': stallMs, 'of it running': processorMs };
}
