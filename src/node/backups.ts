// Backups of this node's cluster: a snapshot given away as one stream of bytes, and one taken back.
import type { BackupFile } from '../log/backup-file.ts';
import { snapshotFileBytes } from '../log/snapshot-file.ts';
import { restoreBackup } from './backup-restore.ts';
import type { SnapshotsOptions } from './snapshot-options.ts';
import { isUnusable } from './snapshot-reading.ts';
import type { BackupResult, RestoreResult } from './snapshot-requests.ts';
import type { Snapshots } from './snapshots.ts';

export type BackupsOptions = SnapshotsOptions & {
  readonly snapshots: Snapshots;
  /** Keeps what comes until it is closed. */
  receive(bytes: AsyncIterable<Uint8Array>): Promise<BackupFile>;
};

export class Backups {
  readonly #options: BackupsOptions;

  constructor(options: BackupsOptions) {
    this.#options = options;
  }

  /** Saves a snapshot, and reads it back as it is asked for: a slow reader holds nothing up. */
  async make(timeoutMs: number): Promise<BackupResult> {
    const { snapshots, policy, logger } = this.#options;
    const result = await snapshots.take(timeoutMs);
    if (result.kind !== 'saved') return result;
    try {
      const opened = await policy.store.open(result.snapshot.id);
      return { kind: 'made', revision: opened.revision, bytes: flat(snapshotFileBytes(opened, opened.chunks)) };
    } catch (error) {
      if (!isUnusable(error)) throw error;
      // While its verification was waited for, another node found it wrong, and removed it.
      logger.warn({ snapshot: result.snapshot.id, reason: error.message }, 'a backup was not made');
      return { kind: 'failed' };
    }
  }

  /** Nothing of it is appended before all of it was received, read, and found right. */
  async restore(bytes: AsyncIterable<Uint8Array>): Promise<RestoreResult> {
    const reason = this.#options.refusal();
    if (reason !== undefined) return { kind: 'refused', reason };
    let file: BackupFile;
    try {
      file = await this.#options.receive(bytes);
    } catch (error) {
      if (isUnusable(error)) return { kind: 'unusable', detail: error.message };
      throw error;
    }
    try {
      return await restoreBackup(this.#options, file);
    } finally {
      await file.close();
    }
  }
}

/** Copies, for what is sent lies for a while in a socket's queue. */
async function* flat(pieces: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) for (const part of piece) yield new Uint8Array(part);
}
