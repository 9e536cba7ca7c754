// Restoring a backup: read whole and believed only by its digest, then appended part by part, as any node may do again.
import { FRAME_LIMITS, NODE_LIMITS } from '../base/limits.ts';
import type { World } from '../base/world.ts';
import { isRecordKey } from '../core/cache-records.ts';
import type { Command, RestoredEntry } from '../core/commands/command.ts';
import { hasClientKeys } from '../core/commands/restore.ts';
import { featureLevelOf } from '../core/commands/table.ts';
import { isExpired, type Keyspace } from '../core/keyspace.ts';
import type { Machine } from '../core/machine.ts';
import { State } from '../core/state.ts';
import type { SnapshotManifest } from '../snapshot/manifest.ts';
import { type ChoreParts, writeChores } from './chores.ts';
import { newKeyspace } from './restore.ts';
import { isUnusable, readSnapshot, type StoredBytes } from './snapshot-reading.ts';
import type { RestoreRefusal, RestoreResult } from './snapshot-requests.ts';

export type BackupRestoreParts = ChoreParts & { readonly machine: Machine; readonly world: World };

/** Resolves once all of it is applied here, or with why it is not. What was begun stays begun: send the same backup again. */
export async function restoreBackup(parts: BackupRestoreParts, snapshot: StoredBytes): Promise<RestoreResult> {
  const { machine, world } = parts;
  const read = new State(newKeyspace(world));
  try {
    const manifest = await readSnapshot(snapshot, read, world);
    const backup = { name: nameOf(manifest), manifest, keyspace: read.keyspace };
    const reason = whyNot(machine.state, backup);
    return reason === undefined ? await appendAll(parts, backup) : { kind: 'refused', reason };
  } catch (error) {
    if (isUnusable(error)) return { kind: 'unusable', detail: error.message };
    throw error;
  }
}

type Backup = { readonly name: string; readonly manifest: SnapshotManifest; readonly keyspace: Keyspace };

// The same backup has the same name, so that whoever sends it again goes on where the first one stopped.
function nameOf({ revision, digest }: SnapshotManifest): string {
  return `${revision}-${digest.toString(16).padStart(16, '0')}`;
}

function whyNot({ rules, restoring, ...state }: State, { name, keyspace }: Backup): RestoreRefusal | undefined {
  if (featureLevelOf('restore') > rules.featureLevel) return 'feature-not-enabled';
  if (restoring === undefined ? hasClientKeys(state.keyspace) : restoring.backup !== name) return 'not-empty';
  const isTooLarge = keyspace.keys > rules.maxKeys || keyspace.bytes > rules.maxMemoryBytes;
  return isTooLarge ? 'memory-full' : undefined;
}

async function appendAll(parts: BackupRestoreParts, backup: Backup): Promise<RestoreResult> {
  const { machine } = parts;
  const { name, manifest } = backup;
  let part = 0;
  let keys = 0;
  for (const entries of entriesOf(backup)) {
    keys += entries.filter(({ key }) => !isRecordKey(key)).length;
    const command: Command = { type: 'restore', backup: name, revision: manifest.revision, part: part++, entries };
    if (!(await append(parts, command, () => takenOf(machine, name) >= part))) return { kind: 'timed-out' };
  }
  const last: Command = { type: 'restored', backup: name, parts: part };
  if (!(await append(parts, last, () => machine.state.restoring === undefined))) return { kind: 'timed-out' };
  return { kind: 'restored', keys, revision: manifest.revision, cluster: manifest.cluster };
}

/** How many parts of the backup are applied here, whoever sent them. */
function takenOf({ state }: Machine, name: string): number {
  return state.restoring?.backup === name ? state.restoring.next : 0;
}

// As a chore: harmless twice, and the state tells whether it was taken.
async function append(parts: BackupRestoreParts, command: Command, isDone: () => boolean): Promise<boolean> {
  if (isDone()) return true;
  await writeChores(parts, [command], parts.world.clock.monotonicMs() + NODE_LIMITS.restoreTimeoutMs);
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
