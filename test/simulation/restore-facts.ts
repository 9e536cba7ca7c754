// What must hold of restores at every revision of the replay: one backup at a time, whole, as it was, and nobody else writes meanwhile.
import type { FrameCommand } from '../../src/core/codec.ts';
import type { Restore, Restored, RestoredEntry } from '../../src/core/commands/command.ts';
import { isRemembered, isSuccess, type Outcome } from '../../src/core/outcome.ts';
import type { State } from '../../src/core/state.ts';
import type { Backup, BackupEntry } from './backup-source.ts';

/** A value that a restore put there. */
type RestoredValue = { readonly key: string; readonly value: string; readonly offset: number };

/** Opened at this revision. */
type Opening = { readonly backup: string; readonly revision: number };

type Closed = { readonly backup: Backup; parts: number; readonly restored: Set<string>; removed: number };

export class RestoreFacts {
  readonly faults: string[] = [];
  readonly openings: Opening[] = [];
  readonly values: RestoredValue[] = [];
  /** Backups of which at least a part was taken. */
  readonly begun = new Set<string>();
  readonly #state: State;
  readonly #backups: readonly Backup[];
  /** While one is being restored. */
  #closed: Closed | undefined;
  /** No client's write may have it, nor one below. */
  #liftedTo = 0;
  /** After the command before. */
  #keys = 0;

  constructor(state: State, backups: readonly Backup[]) {
    this.#state = state;
    this.#backups = backups;
  }

  /** After each command. */
  note({ id, command }: FrameCommand, outcome: Outcome, offset: number): void {
    if (command.type === 'restore' && outcome.code === 'done') this.#notePart(command, offset);
    else if (command.type === 'restored' && outcome.code === 'done') this.#noteEnd(command);
    else if (id !== '') this.#noteClient(`${id} (${command.type})`, outcome);
    else if (this.#closed !== undefined && outcome.code === 'deleted') this.#closed.removed++;
    this.#keys = this.#state.keyspace.keys;
  }

  /** Whoever sent a backup came to an end with it. */
  noteEndOfLog(): void {
    if (this.#closed !== undefined) this.#fault(`the cluster was left closed, ${this.#closed.parts} parts restored`);
  }

  #notePart({ backup: name, part, revision, entries }: Restore, offset: number): void {
    const what = `part ${part} of ${name}`;
    const backup = this.#backups.find((one) => one.name === name);
    if (backup === undefined) {
      this.#fault(`${what} was taken, which no operator sent`);
      return;
    }
    this.begun.add(name);
    if (this.#closed === undefined && this.#keys > 0)
      this.#fault(`${what} was taken by a cluster of ${this.#keys} keys`);
    this.#closed ??= { backup, parts: 0, restored: new Set(), removed: 0 };
    if (this.#closed.backup !== backup) this.#fault(`${what} was taken in the restore of ${this.#closed.backup.name}`);
    if (this.#closed.parts !== part) this.#fault(`${what} was taken where part ${this.#closed.parts} comes next`);
    if (revision !== backup.revision || this.#state.revision < backup.revision)
      this.#fault(`${what} left the cluster at revision ${this.#state.revision}, which is below the backup's`);
    this.#liftedTo = Math.max(this.#liftedTo, backup.revision);
    this.#closed.parts++;
    for (const entry of entries) this.#noteEntry(entry, backup.entries.get(textOf(entry.key)), this.#closed, offset);
  }

  #noteEntry({ key: bytes }: RestoredEntry, wanted: BackupEntry | undefined, closed: Closed, offset: number): void {
    const key = textOf(bytes);
    const entry = this.#state.keyspace.get(bytes);
    if (wanted === undefined || entry === undefined) {
      this.#fault(`${key} was restored, and is not in the backup`);
      return;
    }
    if (closed.restored.has(key)) this.#fault(`${key} was restored twice`);
    closed.restored.add(key);
    const { value, contentType, revision, expiresAt } = entry;
    const ttlMs = expiresAt === 0 ? 0 : expiresAt - this.#state.time.now;
    const text = textOf(value);
    this.values.push({ key, value: text, offset });
    const isSame = text === wanted.value && contentType === wanted.contentType && revision === wanted.revision;
    if (!isSame) this.#fault(`${key} was restored as another entry than the backup's, of revision ${wanted.revision}`);
    if (ttlMs !== wanted.ttlMs) this.#fault(`${key} was restored to live ${ttlMs} ms, and had ${wanted.ttlMs} left`);
  }

  #noteEnd({ backup: name }: Restored): void {
    const closed = this.#closed;
    this.#closed = undefined;
    if (closed?.backup.name !== name) {
      this.#fault(`${name} was ended, and is not what was being restored`);
      return;
    }
    const { restored, removed, backup } = closed;
    if (restored.size !== backup.entries.size)
      this.#fault(`the cluster was opened with ${restored.size} of ${backup.entries.size} entries`);
    const { keys } = this.#state.keyspace;
    if (keys !== restored.size - removed)
      this.#fault(`the cluster was opened with ${keys} keys, of a backup with ${restored.size}, ${removed} gone since`);
    this.openings.push({ backup: name, revision: this.#state.revision });
  }

  #noteClient(what: string, { code, isRepeat, revision }: Outcome): void {
    if (isRepeat) return;
    if (this.#closed !== undefined && isRemembered(code))
      this.#fault(`${what} was judged (${code}) while a backup was being restored`);
    if (this.#closed === undefined && code === 'restoring') this.#fault(`${what} was refused by an open cluster`);
    if (isSuccess(code) && revision <= this.#liftedTo)
      this.#fault(`${what} was given revision ${revision}, and the backup had ${this.#liftedTo}`);
  }

  #fault(what: string): void {
    this.faults.push(`at revision ${this.#state.revision}: ${what}`);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
