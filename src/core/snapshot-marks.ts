// What the state knows of snapshots: the newest that was saved and not yet verified, and the last two that were verified.
import type { Hasher } from '../base/hash.ts';

export type SnapshotMark = {
  /** In the snapshot store. */
  readonly id: string;
  readonly revision: number;
  /** Of the first record to be applied after it. */
  readonly offset: number;
  /** The node that saved it, or that verified it. */
  readonly by: string;
  /** Log time at which it was told; ms. */
  readonly at: number;
};

export type SnapshotMarks = {
  readonly candidate: SnapshotMark | undefined;
  /** At most two, the newer last. The log may be trimmed below the first of two (S2). */
  readonly verified: readonly SnapshotMark[];
};

export const NO_SNAPSHOTS: SnapshotMarks = { candidate: undefined, verified: [] };

/** The offset below which the log may be trimmed: two verified snapshots begin there or later. 0: nowhere. */
export function trimBound({ verified: [older, newer] }: SnapshotMarks): number {
  return older === undefined || newer === undefined ? 0 : older.offset;
}

export function hashMarks(hasher: Hasher, { candidate, verified }: SnapshotMarks): void {
  if (candidate !== undefined) hashMark(hasher.text('candidate'), candidate);
  for (const mark of verified) hashMark(hasher.text('verified'), mark);
}

function hashMark(hasher: Hasher, { id, revision, offset, by, at }: SnapshotMark): void {
  hasher.text(id).number(revision).number(offset).text(by).number(at);
}
