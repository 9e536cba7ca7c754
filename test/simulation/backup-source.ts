// Backups for simulated restores: each cut from a cluster that lived before the run, with what it must bring back beside it.
import { STATE_LIMITS } from '../../src/base/limits.ts';
import { decodeFrame, encodeCommand, encodeFrame } from '../../src/core/codec.ts';
import type { Command } from '../../src/core/commands/command.ts';
import { FEATURE_LEVEL } from '../../src/core/commands/table.ts';
import { ALWAYS } from '../../src/core/condition.ts';
import { isExpired } from '../../src/core/keyspace.ts';
import { Machine } from '../../src/core/machine.ts';
import { snapshotFileBytes } from '../../src/log/snapshot-file.ts';
import { cutSnapshot } from '../../src/snapshot/cut.ts';
import { encodeManifest } from '../../src/snapshot/manifest.ts';
import { MapKeyspace } from '../model/map-keyspace.ts';
import type { Scheduler } from './scheduler.ts';

export type BackupEntry = {
  readonly value: string;
  readonly contentType: string;
  readonly revision: number;
  /** Left when the backup was made; 0: it lives for ever. */
  readonly ttlMs: number;
};

export type Backup = {
  /** As its parts name it in the log. */
  readonly name: string;
  readonly cluster: string;
  readonly revision: number;
  /** By key: all that had not expired. */
  readonly entries: ReadonlyMap<string, BackupEntry>;
  readonly file: Uint8Array;
};

/** `few`: fits the smallest of the simulated memories; `many`: needs several parts. */
type BackupSize = 'few' | 'many';

const FEW = ['a', 'n1', 't1'];
const MANY = ['a', 'b', 'c', 'f1', 'f2', 'lock', 'n1', 'n2', 'p/1', 'p/3', 't1', 't2'];
/** Nobody but the backup writes them. Two such values are more than one part holds. */
const LARGE = ['big', 'g', 'o', 'q'];
const LARGE_BYTES = 200_000;
const FRAME_COMMANDS = 7;

/** `cluster` names it, and is in all of its values. */
export async function makeBackup(cluster: string, size: BackupSize, chance: Scheduler): Promise<Backup> {
  const machine = new Machine(new MapKeyspace());
  let timestamp = chance.pick([1_000_000, 1_000_000_000_000, 2_000_000_000_000]);
  const apply = (commands: readonly Command[]) => {
    timestamp += chance.between(0, 300);
    const n = machine.nextOffset + 1;
    const encoded = commands.map((command) => encodeCommand({ attempt: 0, id: '', caller: '', deadline: 0 }, command));
    const decoded = decodeFrame(encodeFrame({ node: 'old', incarnation: 'old.1', n }, encoded));
    if (decoded.kind !== 'frame') throw new Error(`the frame of a backup was ${decoded.kind}`);
    machine.apply(machine.nextOffset, timestamp, decoded);
  };
  apply([{ type: 'create-cluster', cluster, limits: { ...STATE_LIMITS, featureLevel: FEATURE_LEVEL } }]);
  const frames = chance.pick([2, 8, 40]);
  for (let frame = 0; frame < frames; frame++) {
    apply(Array.from({ length: FRAME_COMMANDS }, (_, n) => drawCommand(size, `${cluster}/${frame}.${n}`, chance)));
  }
  const large = size === 'few' ? [] : LARGE.slice(0, chance.between(1, LARGE.length));
  for (const key of large) apply([put(key, `${cluster}/`.padEnd(LARGE_BYTES, key), 0)]);
  apply([{ type: 'increment', key: bytesOf('n1'), by: 1n, ttlMs: 0, condition: ALWAYS }]);
  return backupOf(machine);
}

async function backupOf({ state, nextOffset }: Machine): Promise<Backup> {
  const { keyspace, cluster, revision, time } = state;
  const entries = new Map<string, BackupEntry>();
  for (const key of keyspace.keysAfter(new Uint8Array(0), undefined, 1000)) {
    const entry = keyspace.get(key);
    if (entry === undefined || isExpired(entry, time.now)) continue;
    const { contentType, expiresAt } = entry;
    const ttlMs = expiresAt === 0 ? 0 : expiresAt - time.now;
    entries.set(textOf(key), { value: textOf(entry.value), contentType, revision: entry.revision, ttlMs });
  }
  const { manifest, chunks } = cutSnapshot(state, nextOffset);
  const pieces: Uint8Array[] = [];
  const bytes = snapshotFileBytes({ revision, manifest: encodeManifest(manifest) }, each(chunks));
  for await (const parts of bytes) pieces.push(...parts.map((part) => Uint8Array.from(part)));
  const name = `${revision}-${manifest.digest.toString(16).padStart(16, '0')}`;
  return { name, cluster, revision, entries, file: Buffer.concat(pieces) };
}

function drawCommand(size: BackupSize, value: string, chance: Scheduler): Command {
  const key = chance.pick(size === 'few' ? FEW : MANY);
  if (key.startsWith('n')) return { type: 'increment', key: bytesOf(key), by: 1n, ttlMs: 0, condition: ALWAYS };
  if (key.startsWith('t')) return put(key, value, chance.pick([200, 3000, 20_000]));
  return chance.random() < 0.1 ? { type: 'delete', key: bytesOf(key), condition: ALWAYS } : put(key, value, 0);
}

function put(key: string, value: string, ttlMs: number): Command {
  return { type: 'put', key: bytesOf(key), value: bytesOf(value), contentType: 'b', ttlMs, condition: ALWAYS };
}

async function* each(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
