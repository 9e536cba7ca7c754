// The commands that bring a backup into a cluster without keys: restore, a part of it at a time, and restored, its end.
import { clientKeysAfter } from '../cache-records.ts';
import type { Keyspace } from '../keyspace.ts';
import { VERDICTS } from '../outcome.ts';
import type { Restore, Restored, RestoredEntry } from './command.ts';
import { type CommandSpec, readAnyKey, readTtl } from './spec.ts';

// restore = backup:text8 revision:varint part:varint count:varint entry{count}
// entry   = key:bytes16 type:text8 revision:varint ttl:varint value:bytes32
export const restore: CommandSpec<Restore> = {
  number: 20,
  version: 1,
  featureLevel: 3,
  write(writer, { backup, revision, part, entries }) {
    writer.text8(backup);
    writer.varint(revision);
    writer.varint(part);
    writer.varint(entries.length);
    for (const { key, contentType, revision, ttlMs, value } of entries) {
      writer.bytes16(key);
      writer.text8(contentType);
      writer.varint(revision);
      writer.varint(ttlMs);
      writer.bytes32(value);
    }
  },
  read(reader) {
    const head = { backup: reader.text8(), revision: reader.varint(), part: reader.varint() };
    const entries: RestoredEntry[] = [];
    for (let count = reader.varint(); count > 0; count--) {
      entries.push({
        key: readAnyKey(reader),
        contentType: reader.text8(),
        revision: reader.varint(),
        ttlMs: readTtl(reader),
        value: reader.bytes32(),
      });
    }
    return { type: 'restore', ...head, entries };
  },
  apply(state, { backup, revision, part, entries }) {
    const { restoring, keyspace } = state;
    const next = restoring?.next ?? 0;
    if (restoring === undefined ? hasClientKeys(keyspace) : restoring.backup !== backup) return VERDICTS['not-empty'];
    // A node that sends the backup again begins at its first part.
    if (part !== next) return VERDICTS.stale;
    // From the first part on no entry is newer than the state.
    state.revision = Math.max(state.revision, revision);
    state.restoring = { backup, next: next + 1 };
    for (const { key, value, contentType, revision, ttlMs } of entries) {
      state.keep('put', key, { value, contentType, revision, expiresAt: state.expiry(ttlMs) });
    }
    return VERDICTS.done;
  },
};

// restored = backup:text8 parts:varint
export const restored: CommandSpec<Restored> = {
  number: 21,
  version: 1,
  featureLevel: 3,
  write(writer, { backup, parts }) {
    writer.text8(backup);
    writer.varint(parts);
  },
  read: (reader) => ({ type: 'restored', backup: reader.text8(), parts: reader.varint() }),
  apply(state, { backup, parts }) {
    const { restoring } = state;
    if (restoring?.backup !== backup || restoring.next !== parts) return VERDICTS.stale;
    state.restoring = undefined;
    return VERDICTS.done;
  },
};

/** Records of caches do not keep a cluster from being restored. */
export function hasClientKeys(keyspace: Keyspace): boolean {
  return clientKeysAfter(keyspace, new Uint8Array(0), undefined, 1).length > 0;
}
