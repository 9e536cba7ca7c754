// Restoring a backup: read whole and believed only by its digest, then appended part by part, as any node may do again.
import { FRAME_LIMITS, NODE_LIMITS } from '../base/limits.ts';
import type { World } from '../base/world.ts';
import { isRecordKey } from '../core/cache-records.ts';
import { encodeCommand } from '../core/codec.ts';
import type { Command, RestoredEntry } from '../core/commands/command.ts';
import { hasClientKeys } from '../core/commands/restore.ts';
import { featureLevelOf } from '../core/commands/table.ts';
import { isExpired, type Keyspace } from '../core/keyspace.ts';
import type { State } from '../core/state.ts';
import { SnapshotInvalid } from '../snapshot/format.ts';
import type { SnapshotManifest } from '../snapshot/manifest.ts';
import type { Committer } from './committer.ts';
import type { Positions } from './positions.ts';
import type { RestoreResult } from './requests.ts';
import { restoreSnapshot, type WrittenSnapshot } from './snapshot-restore.ts';

export type RestoreParts = {
  readonly state: State;
  readonly committer: Committer;
  readonly offsets: Positions;
  readonly world: World;
  createKeyspace(): Keyspace;
};

const HEAD = { attempt: 0, id: '', caller: '', deadline: 0 };

/** Resolves once all of it is applied here, or with why it is not. What was begun stays begun: send the same backup again. */
export async function restoreBackup(parts: RestoreParts, snapshot: WrittenSnapshot): Promise<RestoreResult> {
  const { state } = parts;
  if (featureLevelOf('restore') > state.rules.featureLevel) return { kind: 'refused', reason: 'feature-not-enabled' };
  const backup = await read(parts, snapshot);
  if (typeof backup === 'string') return { kind: 'unusable', detail: backup };
  const why = whyNot(state, backup);
  return why === undefined ? appendAll(parts, backup) : { kind: 'refused', reason: why };
}

type Backup = { readonly name: string; readonly manifest: SnapshotManifest; readonly keyspace: Keyspace };

async function read({ createKeyspace }: RestoreParts, snapshot: WrittenSnapshot): Promise<Backup | string> {
  try {
    const { machine, manifest } = await restoreSnapshot(snapshot, createKeyspace());
    return { name: nameOf(manifest), manifest, keyspace: machine.state.keyspace };
  } catch (error) {
    if (error instanceof SnapshotInvalid) return error.message;
    throw error;
  }
}

// The same backup has the same name, so that whoever sends it again goes on where the first one stopped.
function nameOf({ revision, digest }: SnapshotManifest): string {
  return `${revision}-${digest.toString(16).padStart(16, '0')}`;
}

function whyNot(state: State, { name, keyspace }: Backup): 'not-empty' | 'memory-full' | undefined {
  if (state.restoring === undefined ? hasClientKeys(state.keyspace) : state.restoring.backup !== name)
    return 'not-empty';
  const { maxKeys, maxMemoryBytes } = state.rules;
  return keyspace.keys > maxKeys || keyspace.bytes > maxMemoryBytes ? 'memory-full' : undefined;
}

async function appendAll(parts: RestoreParts, backup: Backup): Promise<RestoreResult> {
  const { state } = parts;
  const { name, manifest } = backup;
  let part = 0;
  let keys = 0;
  for (const entries of entriesOf(backup)) {
    keys += entries.filter(({ key }) => !isRecordKey(key)).length;
    const command: Command = { type: 'restore', backup: name, revision: manifest.revision, part: part++, entries };
    const isTaken = () => state.restoring?.backup === name && state.restoring.next >= part;
    if (!isTaken() && !(await append(parts, command, isTaken))) return { kind: 'timed-out' };
  }
  const isOver = () => state.restoring === undefined;
  if (!(await append(parts, { type: 'restored', backup: name, parts: part }, isOver))) return { kind: 'timed-out' };
  return { kind: 'restored', keys, revision: manifest.revision, cluster: manifest.cluster };
}

// As a chore: harmless twice, and the state tells whether it was taken.
async function append(parts: RestoreParts, command: Command, isDone: () => boolean): Promise<boolean> {
  const { committer, offsets, world } = parts;
  const deadlineAt = world.clock.monotonicMs() + NODE_LIMITS.restoreTimeoutMs;
  const offset = await committer.addChores([encodeCommand(HEAD, command)], deadlineAt);
  if (offset !== undefined) await offsets.reach(offset, deadlineAt);
  return isDone();
}

/** What goes into each part; there is one at least. */
function* entriesOf({ manifest, keyspace }: Backup): Generator<readonly RestoredEntry[]> {
  let entries: RestoredEntry[] = [];
  let bytes = 0;
  let keys: readonly Uint8Array[] = [];
  do {
    keys = keyspace.keysAfter(NO_PREFIX, keys.at(-1), PAGE_KEYS);
    for (const key of keys) {
      const entry = keyspace.get(key);
      if (entry === undefined || isExpired(entry, manifest.logTime)) continue;
      const { value, contentType, revision, expiresAt } = entry;
      const size = key.length + value.length + contentType.length + ENTRY_HEAD_BYTES;
      if (bytes + size > PART_BYTES && entries.length > 0) {
        yield entries;
        [entries, bytes] = [[], 0];
      }
      const ttlMs = expiresAt === 0 ? 0 : expiresAt - manifest.logTime;
      entries.push({ key, value, contentType, revision, ttlMs });
      bytes += size;
    }
  } while (keys.length === PAGE_KEYS);
  yield entries;
}

const NO_PREFIX = new Uint8Array();
const PAGE_KEYS = 1000;
const ENTRY_HEAD_BYTES = 32;
/** About so much for each part; a value that is larger by itself fits a frame too. */
const PART_BYTES = FRAME_LIMITS.maxFrameBytes / 4;
