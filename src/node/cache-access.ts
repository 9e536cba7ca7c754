// What caches need of this node: their keys by local state, their commands to the log, and whether it is this node that flushes.
import type { Clock } from '../base/world.ts';
import {
  changedAt,
  findCached,
  keyWithin,
  type RecordKind,
  readUnsaved,
  recordKey,
  type UnsavedNumber,
  unsavedNumber,
} from '../core/cache-records.ts';
import type { CacheCommand } from '../core/commands/cache-command.ts';
import { isExpired } from '../core/keyspace.ts';
import type { Machine } from '../core/machine.ts';
import type { EstimatedLogTime } from './estimate.ts';
import type { Reads } from './reads.ts';
import type { WriteResult } from './requests.ts';
import type { Writes } from './writes.ts';

/** One key of a cache as this replica has it. Bytes are copies. */
export type CachedNow = {
  /** Applied here. */
  readonly revision: number;
  /** Of the latest thing that makes worthless what was loaded before. */
  readonly changedAt: number;
  /** Somebody writes the source: nothing may be filled. */
  readonly isHeld: boolean;
  /** Somebody loads it. */
  readonly isLeased: boolean;
  /** Revision of the record that says that the source refused what was written last. */
  readonly failed: number | undefined;
  readonly entry: CachedValue | undefined;
};

export type CachedValue = {
  /** Undefined: there is no such row. */
  readonly value: Uint8Array | undefined;
  readonly contentType: string;
  readonly revision: number;
  /** What is left of it by estimated log time; Infinity: it does not expire. */
  readonly leftMs: number;
  readonly isUnsaved: boolean;
};

/** What the source has yet to take, or (with an error) refused. */
export type UnsavedNow = {
  readonly key: Uint8Array;
  /** Of this record: to be shown when it is settled. */
  readonly revision: number;
  /** How long the first write that it has not taken waits. */
  readonly ageMs: number;
  readonly error: string;
};

export type CacheAccessOptions = {
  readonly machine: Machine;
  readonly estimate: EstimatedLogTime;
  readonly clock: Clock;
};

export class CacheAccess {
  readonly isOnDuty: () => boolean;
  readonly #options: CacheAccessOptions;
  readonly #writes: Writes;
  readonly #reads: Reads;

  constructor(options: CacheAccessOptions, writes: Writes, reads: Reads, isOnDuty: () => boolean) {
    this.#options = options;
    this.#writes = writes;
    this.#reads = reads;
    this.isOnDuty = isOnDuty;
  }

  /** The cluster's id; '' before there is one. */
  get cluster(): string {
    return this.#options.machine.state.cluster;
  }

  get revision(): number {
    return this.#options.machine.state.revision;
  }

  look(cache: string, key: Uint8Array): CachedNow {
    const { keyspace, revision } = this.#options.machine.state;
    const isThere = (kind: RecordKind) => keyspace.get(recordKey(kind, cache, key)) !== undefined;
    const lease = keyspace.get(recordKey('L', cache, key));
    const isLeased = lease !== undefined && !isExpired(lease, this.#options.estimate.now());
    const entry = this.#entry(cache, key);
    return {
      revision,
      changedAt: changedAt(keyspace, cache, key),
      isHeld: isThere('H'),
      isLeased,
      failed: keyspace.get(recordKey('F', cache, key))?.revision,
      entry,
    };
  }

  /** Text and revision of the policy; undefined: there is none yet. */
  policy(cache: string): { readonly text: string; readonly revision: number } | undefined {
    const entry = this.#options.machine.state.keyspace.get(recordKey('P', cache));
    return entry && { text: Buffer.from(entry.value).toString(), revision: entry.revision };
  }

  /** In the order of the keys, those after `after`; `failed`: those that the source refused. */
  unsaved(cache: string, which: 'waiting' | 'failed', after: Uint8Array | undefined, limit: number): UnsavedNow[] {
    const { keyspace } = this.#options.machine.state;
    const kind = which === 'waiting' ? 'D' : 'F';
    const from = after === undefined ? undefined : recordKey(kind, cache, after);
    return keyspace.keysAfter(recordKey(kind, cache), from, limit).flatMap((name) => {
      const record = keyspace.get(name);
      if (record === undefined) return [];
      const { since, error } = readUnsaved(record);
      const { revision } = record;
      const key = keyWithin(name);
      return [{ key, revision, ageMs: Math.max(0, this.#options.estimate.now() - since), error }];
    });
  }

  unsavedNumber(cache: string): UnsavedNumber {
    return unsavedNumber(this.#options.machine.state.keyspace, cache);
  }

  /** `id`: as a client gave it; '' for what is harmless twice; undefined: one is made. */
  submit(command: CacheCommand, timeoutMs: number, id: string | undefined = '', caller = ''): Promise<WriteResult> {
    return this.#writes.submit({ command, id, caller, timeoutMs });
  }

  /** Until a further record is applied here, or this node stops serving, or the time is up. */
  async news(timeoutMs: number): Promise<void> {
    const { machine, clock } = this.#options;
    await this.#reads.offsets.reach(machine.nextOffset + 1, clock.monotonicMs() + timeoutMs);
  }

  #entry(cache: string, key: Uint8Array): CachedValue | undefined {
    const found = findCached(this.#options.machine.state.keyspace, cache, key);
    if (found === undefined) return undefined;
    const { contentType, revision, expiresAt, isUnsaved } = found;
    const leftMs = expiresAt === 0 ? Number.POSITIVE_INFINITY : expiresAt - this.#options.estimate.now();
    if (leftMs <= 0) return undefined;
    const value = found.value === undefined ? undefined : new Uint8Array(found.value);
    return { value, contentType, revision, leftMs, isUnsaved };
  }
}
