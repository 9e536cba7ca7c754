// Restores a snapshot into an empty state, chunk by chunk (the grammar is in cut.ts), and believes it only when the state has its digest.
import { type ByteReader, Malformed } from '../base/bytes.ts';
import { CACHED_STATE_LIMITS } from '../base/limits.ts';
import type { Row } from '../base/row.ts';
import { readTokens } from '../core/access/tokens.ts';
import { createCluster, heartbeat } from '../core/commands/cluster.ts';
import type { Command } from '../core/commands/command.ts';
import type { CommandSpec } from '../core/commands/spec.ts';
import type { Member } from '../core/members.ts';
import { OUTCOME_CODES } from '../core/outcome.ts';
import { OUTCOME_BYTES } from '../core/outcome-bytes.ts';
import type { SnapshotMark } from '../core/snapshot-marks.ts';
import type { State } from '../core/state.ts';
import { CHUNK_MAGIC, PART } from './cut.ts';
import { requireKnown, SnapshotInvalid, unseal } from './format.ts';
import type { SnapshotManifest } from './manifest.ts';

/** Of a remembered outcome: two texts of at most 255 characters. */
const MAX_NAME_BYTES = 2 * (1 + 255);

/** A state into which it began to read is good for nothing unless `finish` returned. */
export class SnapshotReader {
  readonly #manifest: SnapshotManifest;
  readonly #state: State;
  #number = 0;
  /** Of the chunk before: the kinds only go up. */
  #kind = 0;
  /** The one that is read. */
  readonly #row: Row = {
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    at: 0,
    keyLength: 0,
    valueLength: 0,
    contentType: '',
    revision: 0,
    expiresAt: 0,
  };
  /** What is still to come. */
  readonly #missing = { entries: 0, older: 0, younger: 0 };

  /** `state` must be a new one. */
  constructor(manifest: SnapshotManifest, state: State) {
    this.#manifest = manifest;
    this.#state = state;
  }

  /** Takes the next chunk, all of it in one go. Throws SnapshotInvalid. Nothing of the chunk is kept. */
  read(chunk: Uint8Array): void {
    unseal(CHUNK_MAGIC, chunk, (reader) => {
      const number = reader.varint();
      if (number !== this.#number++) throw new Malformed(`chunk ${number} came in place ${this.#number - 1}`);
      const kind = reader.u8();
      const isFirst = number === 0;
      if (isFirst !== (kind === PART.tables) || kind < this.#kind || this.#kind === PART.end) {
        throw new Malformed(`a part of kind ${kind} after one of kind ${this.#kind}`);
      }
      this.#kind = kind;
      this.#readPart(kind, reader);
    });
  }

  /** Throws SnapshotInvalid unless all has come and the state is the one that was cut (S1). */
  finish(): void {
    const { cluster, revision, digest, logTime, keys } = this.#manifest;
    const state = this.#state;
    const { entries, older, younger } = this.#missing;
    if (this.#kind !== PART.end) throw new SnapshotInvalid('damaged', 'the snapshot has no end');
    if (entries !== 0 || older !== 0 || younger !== 0)
      throw new SnapshotInvalid('damaged', 'entries or outcomes are missing');
    const isSame = state.cluster === cluster && state.revision === revision && state.time.now === logTime;
    if (!isSame || state.keyspace.keys !== keys)
      throw new SnapshotInvalid('damaged', 'the manifest is of another state');
    // Whoever asks first has rows that wait take their places in the indexes (store/hash-index.ts): now, not at a client's first request.
    state.keyspace.get(new Uint8Array(0));
    state.recent.find('', '');
    if (state.digest() !== digest) throw new SnapshotInvalid('damaged', 'the restored state has another digest');
  }

  #readPart(kind: number, reader: ByteReader): void {
    switch (kind) {
      case PART.tables:
        this.#readTables(reader);
        break;
      case PART.entries:
        this.#readRows('entries', reader, () => this.#state.keyspace.restore(readEntry(reader, this.#row)));
        break;
      case PART.older:
        this.#readRows('older', reader, () => this.#restoreOutcome('older', reader));
        break;
      case PART.younger:
        this.#readRows('younger', reader, () => this.#restoreOutcome('younger', reader));
        break;
      case PART.end:
        break;
      default:
        throw new Malformed(`a part of unknown kind ${kind}`);
    }
  }

  #restoreOutcome(generation: 'older' | 'younger', reader: ByteReader): void {
    this.#state.recent.restoreRow(generation, readOutcome(reader, this.#row));
  }

  #readTables(reader: ByteReader): void {
    const state = this.#state;
    state.revision = reader.varint();
    state.time = { now: reader.varint(), lastRaw: Number(reader.i64()) };
    const created = readContent(reader, createCluster);
    if (created !== undefined) {
      state.cluster = created.cluster;
      state.limits = created.limits;
    }
    state.recent.earlyTurns = reader.varint();
    const youngerStartedAt = reader.varint();
    this.#missing.younger = reader.varint();
    const olderStartedAt = reader.varint();
    this.#missing.older = reader.varint();
    state.recent.restore(youngerStartedAt, olderStartedAt);
    state.members.disagreements = reader.varint();
    state.members.restore(listOf(reader.varint(), () => readMember(reader)));
    state.restoring = reader.flag() ? { backup: reader.text8(), next: reader.varint() } : undefined;
    const candidate = reader.flag() ? readMark(reader) : undefined;
    state.snapshots = { candidate, verified: listOf(reader.u8(), () => readMark(reader)) };
    state.tokens = readTokens(reader);
    this.#missing.entries = this.#manifest.keys;
  }

  #readRows(what: 'entries' | 'older' | 'younger', reader: ByteReader, read: () => void): void {
    const count = reader.varint();
    this.#missing[what] -= count;
    if (this.#missing[what] < 0) throw new Malformed(`there are more ${what} than there should be`);
    const { bytes, view } = reader.source;
    Object.assign(this.#row, { bytes, view, contentType: '' });
    for (let i = 0; i < count; i++) read();
  }
}

function readEntry(reader: ByteReader, row: Row): Row {
  row.keyLength = reader.varint();
  row.valueLength = reader.varint();
  if (reader.flag()) row.contentType = reader.text8();
  row.revision = reader.varint();
  row.expiresAt = reader.varint();
  if (row.keyLength === 0 || row.keyLength > CACHED_STATE_LIMITS.maxRecordKeyBytes)
    throw new Malformed('a key is empty or too long');
  return readBytes(reader, row);
}

function readOutcome(reader: ByteReader, row: Row): Row {
  row.keyLength = reader.varint();
  row.valueLength = reader.varint();
  row.contentType = '';
  row.revision = reader.varint();
  row.expiresAt = 0;
  const { least, withDetail } = OUTCOME_BYTES;
  const isPossible = row.valueLength === least || row.valueLength >= withDetail;
  if (row.keyLength > MAX_NAME_BYTES || !isPossible) throw new Malformed('an outcome has a wrong length');
  readBytes(reader, row);
  const code = row.bytes[row.at + row.keyLength] as number;
  if (code >= OUTCOME_CODES.length) throw new SnapshotInvalid('newer', `an outcome of kind ${code}`);
  return row;
}

function readBytes(reader: ByteReader, row: Row): Row {
  row.at = reader.skip(row.keyLength + row.valueLength);
  return row;
}

function readMember(reader: ByteReader): Member {
  return {
    node: reader.text8(),
    incarnation: reader.text8(),
    firstRevision: reader.varint(),
    lastFrame: reader.varint(),
    lastSeen: reader.varint(),
    isSuperseded: reader.flag(),
    heartbeats: listOf(reader.u8(), () => reader.varint()),
    reports: listOf(reader.u8(), () => ({ offset: reader.varint(), revision: reader.varint(), digest: reader.u64() })),
    latest: readContent(reader, heartbeat),
  };
}

function readMark(reader: ByteReader): SnapshotMark {
  return {
    id: reader.text8(),
    revision: reader.varint(),
    offset: reader.varint(),
    by: reader.text8(),
    at: reader.varint(),
  };
}

function readContent<C extends Command>(reader: ByteReader, spec: CommandSpec<C>): C | undefined {
  if (!reader.flag()) return undefined;
  const version = reader.u8();
  requireKnown(`a part written like command ${spec.number}`, version, spec.version);
  const content = reader.slice(reader.u16());
  const command = spec.read(content, version);
  content.end();
  return command;
}

/** Where there are fewer than it says, `read` throws. */
function listOf<T>(length: number, read: () => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < length; i++) list.push(read());
  return list;
}
