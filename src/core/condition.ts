// What must hold of an entry for a command to act (RFC 9110 §13.1, judged in apply): If-Match and If-None-Match.
import type { ByteReader, ByteWriter } from '../base/bytes.ts';

/** No demand; any entry; or an entry with one of these revisions. */
export type RevisionSet = 'none' | 'any' | readonly number[];

export type Condition = {
  /** The entry must exist and be in the set ('any': if-present). */
  readonly match: RevisionSet;
  /** The entry must be absent or not in the set ('any': if-absent). */
  readonly noneMatch: RevisionSet;
};

export const ALWAYS: Condition = { match: 'none', noneMatch: 'none' };

/** `revision` is the entry's, or undefined when it is absent or expired. */
export function holds(condition: Condition, revision: number | undefined): boolean {
  return isMatched(condition.match, revision) && isUnmatched(condition.noneMatch, revision);
}

function isMatched(set: RevisionSet, revision: number | undefined): boolean {
  if (set === 'none') return true;
  if (revision === undefined) return false;
  return set === 'any' || set.includes(revision);
}

function isUnmatched(set: RevisionSet, revision: number | undefined): boolean {
  if (set === 'none' || revision === undefined) return true;
  return set !== 'any' && !set.includes(revision);
}

const ANY = 255;

// condition = match:revisions noneMatch:revisions; revisions = 0:u8 (none) | 255:u8 (any) | n:u8 revision:varint{n}
export function writeCondition(writer: ByteWriter, condition: Condition): void {
  writeRevisions(writer, condition.match);
  writeRevisions(writer, condition.noneMatch);
}

export function readCondition(reader: ByteReader): Condition {
  const match = readRevisions(reader);
  const noneMatch = readRevisions(reader);
  return match === 'none' && noneMatch === 'none' ? ALWAYS : { match, noneMatch };
}

function writeRevisions(writer: ByteWriter, set: RevisionSet): void {
  if (typeof set === 'string') {
    writer.u8(set === 'none' ? 0 : ANY);
    return;
  }
  writer.u8(set.length);
  for (const revision of set) writer.varint(revision);
}

function readRevisions(reader: ByteReader): RevisionSet {
  const count = reader.u8();
  if (count === 0) return 'none';
  if (count === ANY) return 'any';
  const revisions: number[] = [];
  for (let i = 0; i < count; i++) revisions.push(reader.varint());
  return revisions;
}
