// The snapshot store in two logs: one of manifests and removals, short enough to be read whole, and one of the chunks' parts.
//
//   record   = 'S' 'R' checksum:u32 version:u8 kind:u8 id:text8 rest     big-endian; CRC-32 over all that follows it
//   part     = (kind 1) number:u32 last:u8 bytes                         numbered from 0 through the snapshot; `last` of its chunk
//   manifest = (kind 2) revision:f64 first:f64 after:f64 parts:u32 bytes offsets of the first part and after the last
//   removal  = (kind 3)
//
// Parts of several writers may stand mixed, and one may stand twice where its acknowledgement was lost. A manifest is
// appended when all its parts are durable. Old parts are trimmed away below the oldest snapshot that is left; whoever writes
// meanwhile from below there has lost its own, and finds out before its manifest, or the reader does.
import { randomUUID } from 'node:crypto';
import { SNAPSHOT_LIMITS } from '../base/limits.ts';
import { backoffMs, pauseFor } from './backoff.ts';
import { AppendRefused, type CommitLog, type LogRecord, OffsetOutOfRange } from './commit-log.ts';
import { recordsBetween } from './log-reading.ts';
import {
  decodeSnapshotRecord,
  encodeManifest,
  encodePart,
  encodeRemoval,
  type ManifestRecord,
} from './snapshot-records.ts';
import {
  newestFirst,
  type OpenSnapshot,
  type SnapshotStore,
  SnapshotUnusable,
  type StoredSnapshot,
} from './snapshot-store.ts';

export type LogSnapshotsOptions = {
  /** Both are closed with the store. */
  readonly manifests: CommitLog;
  readonly parts: CommitLog;
  random(): number;
};

type Listed = ManifestRecord & { readonly offset: number };

export class LogSnapshots implements SnapshotStore {
  readonly #manifests: CommitLog;
  readonly #parts: CommitLog;
  readonly #random: () => number;

  constructor({ manifests, parts, random }: LogSnapshotsOptions) {
    this.#manifests = manifests;
    this.#parts = parts;
    this.#random = random;
  }

  async save({ revision, manifest }: Omit<StoredSnapshot, 'id'>, chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const id = randomUUID();
    let parts = 0;
    let first: number | undefined;
    let after = 0;
    for await (const chunk of chunks) {
      for (const { bytes, isLast } of partsOf(chunk)) {
        const { offset } = await this.#append(this.#parts, encodePart({ id, number: parts, isLast, bytes }));
        first ??= offset;
        after = offset + 1;
        parts++;
      }
    }
    first ??= 0;
    if (parts > 0 && (await this.#parts.start()) > first)
      throw new Error('what was written was trimmed away meanwhile');
    await this.#append(this.#manifests, encodeManifest({ id, revision, first, after, parts, manifest }));
    return id;
  }

  async list(): Promise<readonly StoredSnapshot[]> {
    const kept = await this.#parts.start();
    const whole = (await this.#read()).filter(({ first, parts }) => parts === 0 || first >= kept);
    return newestFirst(whole).map(({ id, revision, manifest }) => ({ id, revision, manifest }));
  }

  async open(id: string): Promise<OpenSnapshot> {
    const found = (await this.#read()).find((one) => one.id === id);
    if (found === undefined) throw new SnapshotUnusable('missing', `there is no snapshot ${id}`);
    const end = await this.#parts.end();
    if (found.after > end) throw damaged(`its parts go up to offset ${found.after}, the log of parts to ${end}`);
    return { id, revision: found.revision, manifest: found.manifest, chunks: this.#chunks(found) };
  }

  async remove(id: string): Promise<void> {
    const all = await this.#read();
    const removed = all.find((one) => one.id === id);
    if (removed === undefined) return;
    await this.#append(this.#manifests, encodeRemoval(id));
    const left = all.filter((one) => one !== removed);
    const firstOfAny = left.filter(({ parts }) => parts > 0).map(({ first }) => first);
    await this.#parts.trim(Math.min(...firstOfAny, ...(firstOfAny.length === 0 ? [removed.after] : [])));
    if (left.length > 0) await this.#manifests.trim(Math.min(...left.map(({ offset }) => offset)));
  }

  async close(): Promise<void> {
    await Promise.all([this.#manifests.close(), this.#parts.close()]);
  }

  /** Manifests that were not removed. */
  async #read(): Promise<readonly Listed[]> {
    for (;;) {
      try {
        return await this.#readFrom(await this.#manifests.start());
      } catch (error) {
        // Trimmed while it was read, by whoever removed a snapshot: what is left begins later.
        const isTrimmed = error instanceof OffsetOutOfRange && error.wanted < error.start;
        if (!isTrimmed) throw error;
      }
    }
  }

  async #readFrom(from: number): Promise<readonly Listed[]> {
    const found = new Map<string, Listed>();
    const removed = new Set<string>();
    for await (const { offset, payload } of recordsBetween(this.#manifests, from, await this.#manifests.end())) {
      const record = decodeSnapshotRecord(payload);
      if (record?.kind === 'removal') removed.add(record.id);
      if (record?.kind !== 'manifest' || found.has(record.id)) continue;
      found.set(record.id, { ...record, manifest: Buffer.from(record.manifest), offset });
    }
    return [...found.values()].filter(({ id }) => !removed.has(id));
  }

  async *#chunks({ id, first, after, parts }: Listed): AsyncGenerator<Uint8Array> {
    let chunk: Uint8Array[] = [];
    let next = 0;
    for await (const record of this.#recordsOf(first, after)) {
      const part = decodeSnapshotRecord(record.payload);
      if (part?.kind !== 'part' || part.id !== id || part.number < next) continue;
      if (part.number > next) throw damaged(`its part ${next} is missing`);
      next++;
      if (!part.isLast) {
        chunk.push(Buffer.from(part.bytes));
        continue;
      }
      yield chunk.length === 0 ? part.bytes : Buffer.concat([...chunk, part.bytes]);
      chunk = [];
    }
    if (next !== parts || chunk.length > 0) throw damaged('its end is missing');
  }

  async *#recordsOf(first: number, after: number): AsyncGenerator<LogRecord> {
    try {
      yield* recordsBetween(this.#parts, first, after);
    } catch (cause) {
      if (!(cause instanceof OffsetOutOfRange)) throw cause;
      throw new SnapshotUnusable('missing', 'the parts of the snapshot were removed', { cause });
    }
  }

  /** Until it is acknowledged, for appendPatienceMs: copies do no harm here. */
  async #append(log: CommitLog, payload: Uint8Array): Promise<{ readonly offset: number }> {
    const deadline = performance.now() + SNAPSHOT_LIMITS.appendPatienceMs;
    for (let attempt = 0; ; attempt++) {
      try {
        return await log.append(payload);
      } catch (error) {
        const isFinal = error instanceof AppendRefused && error.isPermanent;
        if (isFinal || performance.now() > deadline) throw error;
      }
      await pauseFor(backoffMs(attempt, this.#random));
    }
  }
}

function* partsOf(chunk: Uint8Array): Generator<{ readonly bytes: Uint8Array; readonly isLast: boolean }> {
  let at = 0;
  do {
    const end = Math.min(at + SNAPSHOT_LIMITS.partBytes, chunk.length);
    yield { bytes: chunk.subarray(at, end), isLast: end === chunk.length };
    at = end;
  } while (at < chunk.length);
}

function damaged(fact: string): SnapshotUnusable {
  return new SnapshotUnusable('damaged', `the snapshot is damaged: ${fact}`);
}
