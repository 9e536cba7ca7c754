// Which cluster a log is of, by the log itself: for a node whose data directory belongs to none yet.
import { decodeFrame } from '../core/codec.ts';
import type { CommitLog, LogRecord } from '../log/commit-log.ts';

/**
 * Named by the first frame of all or, where that was trimmed, by each heartbeat. Reads the records from `from` to before `to`,
 * up to the first that says it; undefined when none does. Rejects with the log's failure.
 */
export async function clusterOfLog(log: CommitLog, from: number, to: number): Promise<string | undefined> {
  const enough = new AbortController();
  let cluster: string | undefined;
  const onRecords = async (records: readonly LogRecord[]) => {
    for (const { offset, payload } of records) {
      cluster ??= clusterNamedIn(payload, from === 0);
      if (cluster !== undefined || offset >= to - 1) enough.abort();
    }
  };
  if (from < to) await log.follow({ from, onRecords, signal: enough.signal });
  return cluster;
}

/** A proposal of a cluster that came too late names none; only where the log is whole the first is the one that counts. */
function clusterNamedIn(payload: Uint8Array, isWhole: boolean): string | undefined {
  const decoded = decodeFrame(payload);
  if (decoded.kind !== 'frame') return undefined;
  for (const { command } of decoded.frame.commands) {
    if (command.type === 'heartbeat' || (isWhole && command.type === 'create-cluster')) return command.cluster;
  }
  return undefined;
}
