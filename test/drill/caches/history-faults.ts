// What must not be in the database after the drill: a lost row, one that is older than it was, one that is not as the cache has it.
import type { Change } from './kept-history.ts';

/** Of one key: the writes that were acknowledged, numbered from 1 on. */
export type WrittenKey = {
  /** Of the last write. */
  readonly version: number;
  /** The writes that removed the row. */
  readonly removals: ReadonlySet<number>;
};

export type Ended = {
  readonly written: ReadonlyMap<string, WrittenKey>;
  /** What the database has; no row: none. */
  readonly rows: ReadonlyMap<string, number>;
  /** What the cache of one node has; undefined: there is no such row. */
  readonly entries: ReadonlyMap<string, number | undefined>;
  readonly history: readonly Change[];
};

type Fault = { readonly kind: 'lost' | 'different' | 'older'; readonly fact: string };

/** `again`: changes that wrote what was there already; they do no harm. */
export function faultsOf(ended: Ended): { readonly faults: readonly Fault[]; readonly again: number } {
  const past = pastFaults(ended);
  return { faults: [...endFaults(ended), ...past.faults], again: past.again };
}

function endFaults({ written, rows, entries }: Ended): readonly Fault[] {
  const faults: Fault[] = [];
  for (const [id, { version, removals }] of written) {
    const expected = removals.has(version) ? undefined : version;
    const [row, entry] = [rows.get(id), entries.get(id)];
    if (row !== expected)
      faults.push({ kind: 'lost', fact: `${id} ended with ${said(expected)}, its row is ${said(row)}` });
    if (entry !== row)
      faults.push({ kind: 'different', fact: `${id} is ${said(entry)} in the cache and ${said(row)} in the database` });
  }
  for (const id of rows.keys()) if (!written.has(id)) faults.push({ kind: 'different', fact: `nobody wrote ${id}` });
  return faults;
}

function pastFaults({ written, history }: Ended): { readonly faults: readonly Fault[]; readonly again: number } {
  const faults: Fault[] = [];
  /** The least that each row was at. */
  const reached = new Map<string, number>();
  let again = 0;
  for (const { id, version } of history) {
    const before = reached.get(id) ?? 0;
    // A removal does not say which it was: the first that can have been meant.
    const now = version ?? firstAfter(written.get(id)?.removals ?? new Set(), before);
    if (now === before) again += 1;
    if (now === undefined || now < before) {
      faults.push({
        kind: 'older',
        fact: `${id} had come to ${before} and was ${version === undefined ? 'removed' : `${version} again`}`,
      });
    } else reached.set(id, now);
  }
  return { faults, again };
}

function firstAfter(versions: ReadonlySet<number>, before: number): number | undefined {
  const later = [...versions].filter((version) => version > before);
  return later.length === 0 ? undefined : Math.min(...later);
}

function said(version: number | undefined): string {
  return version === undefined ? 'absent' : `at ${version}`;
}
