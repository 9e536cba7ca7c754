// What must hold of snapshots: each that was stored as it was saved is a cut, from which the log's tail leads to the same end, and no trim goes beyond two verified ones.
import { decodeFrame } from '../../src/core/codec.ts';
import { Machine } from '../../src/core/machine.ts';
import type { SnapshotMark } from '../../src/core/snapshot-marks.ts';
import type { LogRecord } from '../../src/log/commit-log.ts';
import type { OpenSnapshot, SnapshotStore } from '../../src/log/snapshot-store.ts';
import { decodeManifest } from '../../src/snapshot/manifest.ts';
import { SnapshotReader } from '../../src/snapshot/reader.ts';
import { MapKeyspace } from '../model/map-keyspace.ts';
import type { Replay } from './replay.ts';

/** A trim, and how many records the log had then. */
export type Trim = { readonly before: number; readonly landed: number };

type Saved = {
  readonly store: SnapshotStore;
  /** Ids of those that the store spoilt. */
  isSpoilt(id: string): boolean;
  /** Saved by a process that differed: where it is left alone it verifies its own (decisions/0008). */
  isFalse(id: string): boolean;
  /** Removed by a process that differed, which took them for wrong (decisions/0008), with how many records the log had then. */
  readonly wronglyRemoved: ReadonlyMap<string, number>;
  readonly trims: readonly Trim[];
  readonly history: readonly LogRecord[];
};

/** One sentence for each violation. */
export async function snapshotFaults(saved: Saved, truth: Replay): Promise<string[]> {
  const faults: string[] = [];
  const verified = verifiedAfter(truth, saved.history.length);
  const kept = new Set<string>();
  for (const { id } of await saved.store.list()) {
    kept.add(id);
    if (saved.isFalse(id)) continue;
    const mark = verified.find((one) => one.id === id);
    const opened = await saved.store.open(id);
    const fault = faultOfMark(mark, opened.manifest) ?? (await faultOf(opened, saved.history, truth));
    if (fault !== undefined && mark !== undefined) faults.push(`snapshot ${id} was verified, and ${fault}`);
    else if (fault !== undefined && !saved.isSpoilt(id)) faults.push(`snapshot ${id}: ${fault}`);
  }
  for (const { id } of verified)
    if (!kept.has(id) && !saved.wronglyRemoved.has(id)) faults.push(`snapshot ${id} was verified, and is gone`);
  for (const { before, landed } of saved.trims) {
    const isThere = ({ id }: SnapshotMark) => (saved.wronglyRemoved.get(id) ?? landed) >= landed;
    const [older, newer] = verifiedAfter(truth, landed).filter(isThere);
    const bound = older === undefined || newer === undefined ? 0 : older.offset;
    if (before > bound) faults.push(`the log was trimmed below ${before} when it could be below ${bound} (S2)`);
  }
  return faults;
}

function faultOfMark(mark: SnapshotMark | undefined, manifest: Uint8Array): string | undefined {
  const { revision, offset } = decodeManifest(manifest);
  const isIt = mark === undefined || (mark.revision === revision && mark.offset === offset);
  return isIt ? undefined : `what the store has under its id is of revision ${revision}`;
}

/** S1: what is restored is the state that all had there, and with the rest of the log becomes the state that all have. */
export async function faultOf(
  { manifest: bytes, chunks }: Pick<OpenSnapshot, 'manifest' | 'chunks'>,
  history: readonly LogRecord[],
  truth: Replay,
): Promise<string | undefined> {
  try {
    const manifest = decodeManifest(bytes);
    const machine = new Machine(new MapKeyspace(), manifest.offset);
    const reader = new SnapshotReader(manifest, machine.state);
    for await (const chunk of chunks) reader.read(chunk);
    reader.finish();
    if (truth.digests.get(manifest.revision) !== manifest.digest) return "no node ever had this state at a frame's end";
    for (const { offset, timestamp, payload } of history.slice(manifest.offset)) {
      const decoded = decodeFrame(payload);
      if (decoded.kind === 'newer') throw new Error('the simulator wrote a newer frame');
      machine.apply(offset, timestamp, decoded);
    }
    return machine.state.digest() === truth.digest ? undefined : 'the rest of the log leads elsewhere from it';
  } catch (error) {
    return `it cannot be restored: ${error}`;
  }
}

/** The verified snapshots by the first so many records of the log. */
function verifiedAfter(truth: Replay, records: number): readonly SnapshotMark[] {
  return truth.verified.findLast(({ offset }) => offset < records)?.marks ?? [];
}
