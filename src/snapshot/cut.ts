// A snapshot: the whole state as it stood at the end of one frame, written in chunks while commands go on being applied.
//
//   snapshot = manifest chunk+                                        the manifest as manifest.ts says
//   chunk    = 'C' 'S' checksum:u32 version:u8 number:varint part     numbered from 0
//   part     = 1:u8 tables | 2:u8 entries | 3:u8 outcomes | 4:u8 outcomes | 5:u8
//              first the tables; the entries; the older generation's outcomes (3), the younger's (4); last the end (5)
//   tables   = revision:varint now:varint lastRaw:i64 ( 0:u8 | 1:u8 content ) earlyTurns:varint
//              younger:varint size:varint older:varint size:varint disagreements:varint count:varint member{count}
//              ( 0:u8 | 1:u8 backup:text8 next:varint )
//              ( 0:u8 | 1:u8 mark ) count:u8 mark{count}             the candidate, the verified snapshots
//              tokens                                                as core/access/tokens.ts says
//   content  = version:u8 length:u16 …                                as commands/cluster.ts writes create-cluster and heartbeat
//   member   = node:text8 incarnation:text8 firstRevision:varint lastFrame:varint lastSeen:varint superseded:u8
//              count:u8 heartbeat:varint{count} count:u8 report{count} ( 0:u8 | 1:u8 content )
//   mark     = id:text8 revision:varint offset:varint by:text8 at:varint
//   report   = offset:varint revision:varint digest:u64
//   entries  = count:varint entry{count}
//   entry    = keyLength:varint valueLength:varint ( 0:u8 | 1:u8 type:text8 ) revision:varint expiresAt:varint key value
//              without a type it has that of the entry before it in the chunk, or the empty one
//   outcomes = count:varint outcome{count}
//   outcome  = nameLength:varint valueLength:varint revision:varint name value      as recent.ts and outcome-bytes.ts write them

import { ByteWriter } from '../base/bytes.ts';
import { SNAPSHOT_LIMITS } from '../base/limits.ts';
import { writeTokens } from '../core/access/tokens.ts';
import { createCluster, heartbeat } from '../core/commands/cluster.ts';
import type { Command } from '../core/commands/command.ts';
import type { CommandSpec } from '../core/commands/spec.ts';
import type { Entry } from '../core/keyspace.ts';
import type { Member } from '../core/members.ts';
import type { KeptOutcome } from '../core/outcome-rows.ts';
import type { GenerationCut } from '../core/recent.ts';
import type { SnapshotMark } from '../core/snapshot-marks.ts';
import type { State } from '../core/state.ts';
import { seal } from './format.ts';
import { KeyspaceWalk } from './keyspace-walk.ts';
import type { SnapshotManifest } from './manifest.ts';

export const CHUNK_MAGIC = 0x4353;
export const PART = { tables: 1, entries: 2, older: 3, younger: 4, end: 5 } as const;

export type SnapshotLimits = {
  readonly chunkBytes: number;
  readonly chunkRows: number;
  readonly maxHeldBytes: number;
};

export type SnapshotCut = {
  readonly manifest: SnapshotManifest;
  /**
   * To be read once. Each step is one slice of work, between which commands may be applied; throws WalkGivenUp. A chunk is a
   * view that is good until the next step: chunks of their own would have the garbage collected all the time.
   */
  readonly chunks: Generator<Uint8Array>;
  /** To be called when it is not read to its end: changes are copied on write until then. */
  end(): void;
};

/** Cuts here: between two frames, with `offset` as the next record's. The small tables are copied now, the rest is read as the chunks are. */
export function cutSnapshot(state: State, offset: number, limits: SnapshotLimits = SNAPSHOT_LIMITS): SnapshotCut {
  const { cluster, revision, time, keyspace } = state;
  const manifest = { cluster, revision, offset, digest: state.digest(), logTime: time.now, keys: keyspace.keys };
  const tables = new ByteWriter();
  writeTables(tables, state);
  const [younger, older] = state.recent.cut();
  const walk = new KeyspaceWalk(keyspace, {
    revision,
    write: entryWriter(),
    maxRunBytes: limits.chunkBytes,
    maxRunEntries: limits.chunkRows,
    maxHeldBytes: limits.maxHeldBytes,
  });
  const chunks = numbered(parts(tables.take(), walk, older, younger, limits));
  return { manifest, chunks, end: () => walk.end() };
}

type Part = { readonly kind: number; readonly count?: number; readonly bytes?: Uint8Array };

function* parts(
  tables: Uint8Array,
  walk: KeyspaceWalk,
  older: GenerationCut,
  younger: GenerationCut,
  limits: SnapshotLimits,
): Generator<Part> {
  try {
    yield { kind: PART.tables, bytes: tables };
    for (let run = walk.next(); run !== undefined; run = walk.next()) {
      yield { kind: PART.entries, count: run.entries, bytes: run.bytes };
    }
  } finally {
    walk.end();
  }
  yield* outcomeParts(PART.older, older, limits);
  yield* outcomeParts(PART.younger, younger, limits);
  yield { kind: PART.end };
}

function* outcomeParts(kind: number, generation: GenerationCut, limits: SnapshotLimits): Generator<Part> {
  const writer = new ByteWriter();
  let count = 0;
  for (const row of generation.rows()) {
    writeOutcome(writer, row);
    count++;
    if (writer.length < limits.chunkBytes && count < limits.chunkRows) continue;
    yield { kind, count, bytes: writer.peek(0) };
    writer.clear();
    count = 0;
  }
  if (count > 0) yield { kind, count, bytes: writer.peek(0) };
}

function* numbered(all: Generator<Part>): Generator<Uint8Array> {
  const writer = new ByteWriter();
  let number = 0;
  for (const { kind, count, bytes } of all) {
    yield seal(CHUNK_MAGIC, writer, () => {
      writer.varint(number);
      writer.u8(kind);
      if (count !== undefined) writer.varint(count);
      if (bytes !== undefined) writer.raw(bytes);
    });
    number++;
  }
}

function writeTables(writer: ByteWriter, state: State): void {
  const { revision, time, cluster, limits, recent, members, snapshots, restoring } = state;
  writer.varint(revision);
  writer.varint(time.now);
  writer.i64(BigInt(time.lastRaw));
  const created = limits === undefined ? undefined : { type: 'create-cluster' as const, cluster, limits };
  writeContent(writer, createCluster, created);
  writer.varint(recent.earlyTurns);
  for (const { startedAt, size } of recent.cut()) {
    writer.varint(startedAt);
    writer.varint(size);
  }
  writer.varint(members.disagreements);
  writer.varint(members.all.length);
  for (const member of members.all) writeMember(writer, member);
  writer.u8(restoring === undefined ? 0 : 1);
  if (restoring !== undefined) {
    writer.text8(restoring.backup);
    writer.varint(restoring.next);
  }
  writer.u8(snapshots.candidate === undefined ? 0 : 1);
  if (snapshots.candidate !== undefined) writeMark(writer, snapshots.candidate);
  writer.u8(snapshots.verified.length);
  for (const mark of snapshots.verified) writeMark(writer, mark);
  writeTokens(writer, state.tokens);
}

function writeMark(writer: ByteWriter, { id, revision, offset, by, at }: SnapshotMark): void {
  writer.text8(id);
  writer.varint(revision);
  writer.varint(offset);
  writer.text8(by);
  writer.varint(at);
}

function writeMember(writer: ByteWriter, member: Member): void {
  writer.text8(member.node);
  writer.text8(member.incarnation);
  writer.varint(member.firstRevision);
  writer.varint(member.lastFrame);
  writer.varint(member.lastSeen);
  writer.u8(member.isSuperseded ? 1 : 0);
  writer.u8(member.heartbeats.length);
  for (const revision of member.heartbeats) writer.varint(revision);
  writer.u8(member.reports.length);
  for (const { offset, revision, digest } of member.reports) {
    writer.varint(offset);
    writer.varint(revision);
    writer.u64(digest);
  }
  writeContent(writer, heartbeat, member.latest);
}

/** As a command of the log, so that it has but one format. */
function writeContent<C extends Command>(writer: ByteWriter, spec: CommandSpec<C>, command: C | undefined): void {
  writer.u8(command === undefined ? 0 : 1);
  if (command === undefined) return;
  const content = new ByteWriter();
  spec.write(content, command);
  writer.u8(spec.version);
  writer.bytes16(content.take());
}

/** Most entries have the type of the one before: then it is not written again. */
function entryWriter(): (writer: ByteWriter, key: Uint8Array, entry: Entry) => void {
  let type = '';
  return (writer, key, { value, contentType, revision, expiresAt }) => {
    if (writer.length === 0) type = '';
    writer.varint(key.length);
    writer.varint(value.length);
    writer.u8(contentType === type ? 0 : 1);
    if (contentType !== type) writer.text8(contentType);
    type = contentType;
    writer.varint(revision);
    writer.varint(expiresAt);
    writer.raw(key);
    writer.raw(value);
  };
}

function writeOutcome(writer: ByteWriter, { name, value, revision }: KeptOutcome): void {
  writer.varint(name.length);
  writer.varint(value.length);
  writer.varint(revision);
  writer.raw(name);
  writer.raw(value);
}
