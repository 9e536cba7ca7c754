// What must hold of caches in front of a database, however many faults the run had.
import { readStored, recordKey } from '../../../src/core/cache-records.ts';
import { decodeFrame } from '../../../src/core/codec.ts';
import { Machine } from '../../../src/core/machine.ts';
import { isSuccess } from '../../../src/core/outcome.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';
import type { SimulatedCluster } from '../cluster.ts';
import { CACHES, type CacheHistory, KEYS, type ReadFact, type WriteFact } from './clients.ts';
import { BAD, type SimulatedDatabase } from './database.ts';

/** A state that a key had from `at` on, in the order that decides: of commits, or of the log. */
type Version = { readonly at: number; readonly value: string | undefined };

export function cacheFaults(cluster: SimulatedCluster, database: SimulatedDatabase, history: CacheHistory): string[] {
  const logged = loggedVersions(cluster);
  const faults: string[] = [];
  for (const cache of Object.keys(CACHES)) {
    for (const key of KEYS) {
      const isOf = (one: { cache: string; key: string }) => one.cache === cache && one.key === key;
      const commits = database.commits.filter(isOf);
      const writes = history.writes.filter(isOf);
      const reads = history.reads.filter(isOf);
      const versions = cache === 'behind' ? (logged.get(`${cache}/${key}`) ?? []) : commits;
      if (cache === 'mixed') faults.push(...overtaken(reads, writes, database.row(cache, key)));
      else for (const read of reads) faults.push(...staleness(read, versions, writes));
      if (cache === 'behind') faults.push(...disorder(cache, key, commits), ...loss(cache, key, versions, database));
    }
  }
  return [...faults, ...finalFaults(cluster, database)];
}

/** While somebody writes the source nothing is served; asked of every node all the time. */
export function servedUnderHold(cluster: SimulatedCluster): string[] {
  return cluster.slots.flatMap(({ nodeId, node }) =>
    Object.keys(CACHES).flatMap((cache) =>
      KEYS.flatMap((key) => {
        const { isHeld, entry } = node.caches.look(cache, Buffer.from(key));
        return isHeld && entry !== undefined ? [`${nodeId} served ${cache}/${key} while it was held`] : [];
      }),
    ),
  );
}

// Of all writes that had ended before the read began the latest, by the order that decides, is the oldest that it may see.
function staleness(read: ReadFact, versions: readonly Version[], writes: readonly WriteFact[]): string[] {
  const placeOf = (value: string) => versions.findIndex((version) => version.value === value);
  const lastRemoval = (until: number) =>
    versions.findLastIndex((version) => version.value === undefined && version.at <= until);
  const ended = writes.filter(({ endedAt }) => endedAt < read.startedAt);
  // A removal has no value by which to find it: the first one that its writer can have made.
  const places = ended.map(({ value, startedAt }) =>
    value === undefined
      ? versions.findIndex((version) => version.value === undefined && version.at >= startedAt)
      : placeOf(value),
  );
  const oldest = Math.max(-1, ...places);
  const seen = read.value === undefined ? lastRemoval(read.endedAt) : placeOf(read.value);
  if (read.value !== undefined && seen === -1) return [`a read of ${nameOf(read)} saw "${read.value}" out of nowhere`];
  if (seen >= oldest) return [];
  const { value } = versions[oldest] ?? {};
  return [`a read of ${nameOf(read)} (${read.how}) saw "${read.value}" after "${value}" had been written`];
}

// Where two orders meet real time alone decides: what ended before another write began is not seen after that one has ended.
function overtaken(reads: readonly ReadFact[], writes: readonly WriteFact[], row: string | undefined): string[] {
  const isOver = (value: string | undefined, at: number) => {
    const write = writes.find((one) => one.value === value && value !== undefined);
    return write !== undefined && writes.some((later) => later.startedAt > write.endedAt && later.endedAt < at);
  };
  const faults = reads
    .filter(({ value, startedAt }) => isOver(value, startedAt))
    .map((read) => `a read of ${nameOf(read)} (${read.how}) saw "${read.value}", which had been written over`);
  // What the source refuses may have taken the place of what it would have taken.
  const isRowOver = !writes.some(({ value }) => value?.startsWith(BAD)) && isOver(row, Number.POSITIVE_INFINITY);
  return isRowOver ? [...faults, `the row "${row}" had been written over`] : faults;
}

function disorder(cache: string, key: string, commits: readonly { revision: number }[]): string[] {
  return commits.flatMap(({ revision }, at) => {
    const before = commits[at - 1]?.revision ?? 0;
    return revision < before ? [`${cache}/${key} was flushed at ${revision} after ${before}`] : [];
  });
}

function loss(cache: string, key: string, versions: readonly Version[], database: SimulatedDatabase): string[] {
  const last = versions.at(-1);
  const row = database.row(cache, key);
  if (last === undefined || last.value === row || last.value?.startsWith(BAD)) return [];
  return [`the row of ${cache}/${key} is "${row}", and "${last.value}" was written last`];
}

// After all has come to rest what a cache serves is what the database has, and nothing waits.
function finalFaults(cluster: SimulatedCluster, database: SimulatedDatabase): string[] {
  const faults: string[] = [];
  for (const { nodeId, node } of cluster.slots) {
    for (const cache of Object.keys(CACHES)) {
      const waiting = node.caches.unsaved(cache, 'waiting', undefined, 10);
      if (waiting.length > 0) faults.push(`${nodeId} still has ${waiting.length} unsaved keys of ${cache}`);
      for (const key of KEYS) {
        const { entry } = node.caches.look(cache, Buffer.from(key));
        if (entry === undefined || entry.isUnsaved) continue;
        const value = entry.value === undefined ? undefined : JSON.parse(Buffer.from(entry.value).toString());
        const row = database.row(cache, key);
        if (value !== row) faults.push(`${nodeId} serves "${value}" for ${cache}/${key}, and the row is "${row}"`);
      }
    }
  }
  return faults;
}

/** What write-behind took, by the log. */
function loggedVersions(cluster: SimulatedCluster): Map<string, Version[]> {
  const machine = new Machine(new MapKeyspace());
  const versions = new Map<string, Version[]>();
  for (const { offset, timestamp, payload } of cluster.store.history()) {
    const decoded = decodeFrame(payload);
    if (decoded.kind === 'newer') throw new Error('the simulator wrote a newer frame');
    machine.apply(offset, timestamp, decoded, ({ command }, { code, isRepeat }) => {
      if (command.type !== 'cache-put' || command.maxUnsaved === 0 || isRepeat || !isSuccess(code)) return;
      const name = `${command.cache}/${Buffer.from(command.key)}`;
      const entry = machine.state.keyspace.get(recordKey('E', command.cache, command.key));
      const stored = entry === undefined ? undefined : readStored(entry).value;
      const value = stored === undefined ? undefined : JSON.parse(Buffer.from(stored).toString());
      const list = versions.get(name) ?? [];
      list.push({ at: cluster.landedAt[offset] ?? 0, value });
      versions.set(name, list);
    });
  }
  return versions;
}

function nameOf({ cache, key }: { readonly cache: string; readonly key: string }): string {
  return `${cache}/${key}`;
}
