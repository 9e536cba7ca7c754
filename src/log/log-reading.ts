// Reads a stretch of a log that is there already, record by record, at the reader's pace.
import type { CommitLog, LogRecord } from './commit-log.ts';

/**
 * The records from `from` up to, not including, `until`, all of which the log must hold. Throws OffsetOutOfRange. Ends its
 * follower when it is left early. A payload is good until the next record is asked for. Waits for a log that cannot be reached until the log is closed; then it throws.
 */
export async function* recordsBetween(log: CommitLog, from: number, until: number): AsyncGenerator<LogRecord> {
  if (from >= until) return;
  const stop = new AbortController();
  let batch = newBatch();
  let release = () => {};
  const onRecords = (records: readonly LogRecord[]) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    release = resolve;
    batch.resolve(records);
    return promise;
  };
  const following = log.follow({ from, onRecords, payloads: 'passing', signal: stop.signal });
  following.then(
    () => batch.reject(new Error('the log was closed while it was read')),
    (error: unknown) => batch.reject(error),
  );
  try {
    for (;;) {
      const records = await batch.promise;
      batch = newBatch();
      for (const record of records) {
        if (record.offset < until) yield record;
        if (record.offset + 1 >= until) return;
      }
      release();
    }
  } finally {
    stop.abort();
    release();
    await following.catch(() => {});
  }
}

/** A rejection that nobody waits for any more is no fault. */
function newBatch(): PromiseWithResolvers<readonly LogRecord[]> {
  const batch = Promise.withResolvers<readonly LogRecord[]>();
  batch.promise.catch(() => {});
  return batch;
}
