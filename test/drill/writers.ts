// The writing load: places over many connections, counters and one ever-changing key; unknown answers are repeated until known.
import { setTimeout as delay } from 'node:timers/promises';
import { ChorusClient, ChorusError } from '../../src/client/client.ts';
import type { CityEntry } from './city-entries.ts';
import type { FreshnessRecord } from './freshness.ts';
import { RESOLVE_WITHIN_MS, writeUntilKnown } from './known-write.ts';
import { keyPath, type Target } from './requests.ts';
import type { Tally } from './tally.ts';

const CLOCK_EVERY_MS = 10;
const COUNT_EVERY_MS = 2;

export const CLOCK_KEY = 'drill/clock';
export const counterKey = (n: number): string => `drill/counter/${n}`;

/** What the load leaves behind to be verified. */
export type Written = {
  readonly entries: readonly CityEntry[];
  /** By entry: the revision that its acknowledgement named; 0 while there is none. */
  readonly revisions: Float64Array;
  /** Indexes of the acknowledged entries, in that order. */
  readonly acknowledgedOrder: number[];
  /** By counter: its successful increments. */
  readonly counts: number[];
};

export function nothingWritten(entries: readonly CityEntry[], counters: number): Written {
  return {
    entries,
    revisions: new Float64Array(entries.length),
    acknowledgedOrder: [],
    counts: Array<number>(counters).fill(0),
  };
}

type EntryLoad = {
  readonly connections: number;
  /** After each write of a connection. */
  readonly pauseMs?: number;
  /** Ends it before all are written. */
  readonly signal: AbortSignal;
};

/** Writes all entries once, over `connections` at a time. */
export async function writeEntries(target: Target, written: Written, tally: Tally, load: EntryLoad): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < written.entries.length && !load.signal.aborted) {
      const index = next++;
      const entry = written.entries[index];
      if (entry === undefined) return;
      const headers = { 'content-type': 'application/json' };
      const answer = await writeUntilKnown(
        [target],
        { method: 'PUT', path: keyPath(entry.key), headers, body: entry.value },
        tally,
      );
      if (answer === undefined) continue;
      // The key is new: "replaced" could only be this very write, applied before.
      if (answer.status === 200)
        tally.fault('doubled', `${entry.key} was applied twice: its write was answered 200, not 201`);
      written.revisions[index] = answer.revision;
      written.acknowledgedOrder.push(index);
      if (load.pauseMs !== undefined) await delay(load.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: load.connections }, work));
}

/** Counts with the TypeScript client, one counter each, until the signal aborts. */
export async function count(port: number, written: Written, tally: Tally, signal: AbortSignal): Promise<void> {
  const client = new ChorusClient({ baseUrls: [`http://127.0.0.1:${port}`], deadlineMs: RESOLVE_WITHIN_MS });
  const work = async (n: number) => {
    while (!signal.aborted) {
      const beganAt = performance.now();
      try {
        const { value, attempts } = await client.increment(counterKey(n));
        written.counts[n] = (written.counts[n] ?? 0) + 1;
        tally.acknowledge(beganAt, attempts);
        for (let i = 1; i < attempts; i++) tally.fail('counter');
        tally.unknown += attempts - 1;
        if (value !== BigInt(written.counts[n] ?? 0)) {
          const kind = value > BigInt(written.counts[n] ?? 0) ? 'doubled' : 'lost';
          tally.fault(kind, `counter ${n} answered ${value} to its successful increment ${written.counts[n]}`);
        }
      } catch (error) {
        if (!(error instanceof ChorusError)) throw error;
        if (error.code === 'deadline') tally.unresolved += 1;
        else tally.fault('refused', `increment of counter ${n}: ${error.message}`);
        // Its count is not known any more.
        return;
      }
      await delay(COUNT_EVERY_MS);
    }
  };
  await Promise.all(written.counts.map((_, n) => work(n)));
  client.close();
}

/** Writes one key again and again and notes when each write was acknowledged, for judging how fresh reads are. */
export async function keepChanging(
  target: Target,
  record: FreshnessRecord,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  for (let tick = 1; !signal.aborted; tick++) {
    const answer = await writeUntilKnown(
      [target],
      { method: 'PUT', path: keyPath(CLOCK_KEY), body: String(tick) },
      tally,
    );
    if (answer !== undefined) record.acknowledge(performance.now(), answer.revision);
    await delay(CLOCK_EVERY_MS);
  }
}
