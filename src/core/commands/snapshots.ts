// The commands that tell all nodes of snapshots: snapshot-saved, verified. What they say is state, so that every node knows how far the log may be trimmed.
import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { VERDICTS } from '../outcome.ts';
import type { SnapshotMark } from '../snapshot-marks.ts';
import type { State } from '../state.ts';
import type { SnapshotSaved, Verified } from './command.ts';
import type { CommandSpec, Place } from './spec.ts';

/** The first level with snapshots. */
const FEATURE_LEVEL = 5;

// snapshot-saved = id:text8 revision:varint offset:varint
export const snapshotSaved: CommandSpec<SnapshotSaved> = {
  number: 13,
  version: 1,
  featureLevel: FEATURE_LEVEL,
  write: writeNamed,
  read: (reader) => ({ type: 'snapshot-saved', ...readNamed(reader) }),
  apply(state, command, place) {
    if (!isNewer(state, command, place)) return VERDICTS.stale;
    if (command.revision <= (state.snapshots.candidate?.revision ?? 0)) return VERDICTS.stale;
    state.snapshots = { ...state.snapshots, candidate: markOf(state, command, place) };
    return VERDICTS.done;
  },
};

// verified = id:text8 revision:varint offset:varint
export const verified: CommandSpec<Verified> = {
  number: 14,
  version: 1,
  featureLevel: FEATURE_LEVEL,
  write: writeNamed,
  read: (reader) => ({ type: 'verified', ...readNamed(reader) }),
  apply(state, command, place) {
    if (!isNewer(state, command, place)) return VERDICTS.stale;
    const { candidate } = state.snapshots;
    state.snapshots = {
      verified: [...state.snapshots.verified, markOf(state, command, place)].slice(-2),
      candidate: candidate !== undefined && candidate.revision > command.revision ? candidate : undefined,
    };
    return VERDICTS.done;
  },
};

type Named = Pick<SnapshotMark, 'id' | 'revision' | 'offset'>;

// Two nodes may verify one snapshot, and a zombie may tell of one that lies behind: the marks only go forward.
function isNewer(state: State, { revision, offset }: Named, place: Place): boolean {
  const newest = state.snapshots.verified.at(-1);
  if (revision >= state.revision || offset > place.offset) return false;
  return newest === undefined || (revision > newest.revision && offset > newest.offset);
}

function markOf(state: State, { id, revision, offset }: Named, { node }: Place): SnapshotMark {
  return { id, revision, offset, by: node, at: state.time.now };
}

function writeNamed(writer: ByteWriter, { id, revision, offset }: Named): void {
  writer.text8(id);
  writer.varint(revision);
  writer.varint(offset);
}

function readNamed(reader: ByteReader): Named {
  return { id: reader.text8(), revision: reader.varint(), offset: reader.varint() };
}
