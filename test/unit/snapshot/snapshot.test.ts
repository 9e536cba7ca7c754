// Snapshots of the state: restored and led on they are what a full replay is, and nothing that is not a snapshot is taken for one.
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../../src/base/bytes.ts';
import type { Keyspace } from '../../../src/core/keyspace.ts';
import { Machine } from '../../../src/core/machine.ts';
import { CHUNK_MAGIC, cutSnapshot, type SnapshotLimits } from '../../../src/snapshot/cut.ts';
import { SNAPSHOT_VERSION, SnapshotInvalid, seal } from '../../../src/snapshot/format.ts';
import { decodeManifest, encodeManifest, type SnapshotManifest } from '../../../src/snapshot/manifest.ts';
import { SnapshotReader } from '../../../src/snapshot/reader.ts';
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';
import { naturals } from '../core/arbitraries.ts';
import { applyRecord, IDS, randomLogs, type TestRecord } from '../core/random-log.ts';

const SMALL: SnapshotLimits = { chunkBytes: 60, chunkRows: 2, maxHeldBytes: 100_000 };

/** They iterate differently. */
const KEYSPACES: Readonly<Record<string, () => Keyspace>> = {
  'a Map': () => new MapKeyspace(),
  'outside the heap': () => new OffHeapKeyspace(0x1234_5678_9abc),
};

describe('a snapshot', () => {
  for (const [from, createSource] of Object.entries(KEYSPACES)) {
    for (const [to, createTarget] of Object.entries(KEYSPACES)) {
      test(`S1: of any point of any log, restored (${from} into ${to}), and the rest of the log make what a full replay makes`, () => {
        fc.assert(
          fc.property(randomLogs(24), (records) => {
            const replayed = replayOf(records, createSource());
            for (let offset = 0; offset <= records.length; offset++) {
              const { machine, chunks, manifest } = cutAt(records, offset, createSource());
              // Its chunks were read while the rest was applied; that must have disturbed nothing.
              expect(pictureOf(machine)).toEqual(replayed.picture);
              const restored = restore(manifest, chunks, createTarget());
              const heard = records.slice(offset).map((record) => applyRecord(restored, record));
              expect(heard).toEqual(replayed.heard.slice(offset));
              expect(pictureOf(restored)).toEqual(replayed.picture);
              expect(replayed.notes).toEqual(expect.arrayContaining(restored.notes));
            }
          }),
          { numRuns: 25 },
        );
      });
    }
  }

  test('is made of chunks of about the size that was asked for, and of one for each turn', () => {
    const machine = new Machine(new MapKeyspace());
    machine.state.revision = 1;
    for (let i = 0; i < 1000; i++) {
      machine.state.keyspace.set(Buffer.from(`${i}`), {
        value: new Uint8Array(100),
        contentType: '',
        revision: 1,
        expiresAt: 0,
      });
    }
    const limits = { chunkBytes: 4096, chunkRows: 1000, maxHeldBytes: 1 };
    const chunks = copiesOf(cutSnapshot(machine.state, 0, limits).chunks);
    expect(chunks.length).toBeGreaterThan(25);
    for (const chunk of chunks) expect(chunk.length).toBeLessThan(4096 + 200);
  });

  test('that is not read to its end leaves the keyspace alone once it is ended', () => {
    const { state } = new Machine(new MapKeyspace());
    const unread = cutSnapshot(state, 0);
    unread.end();
    expect(state.keyspace.beforeChange).toBeUndefined();
    const begun = cutSnapshot(state, 0);
    begun.chunks.next();
    begun.chunks.return(undefined);
    expect(state.keyspace.beforeChange).toBeUndefined();
  });
});

describe('a manifest', () => {
  const manifests: fc.Arbitrary<SnapshotManifest> = fc.record({
    cluster: fc.constantFrom('c', 'cluster-1'),
    revision: naturals,
    offset: naturals,
    digest: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    logTime: naturals,
    keys: naturals,
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
      }),
    );
  });

  test('is refused when a bit of it is another, or bytes are missing or too many', () => {
    fc.assert(
      fc.property(manifests, fc.nat(), fc.nat(7), (manifest, at, bit) => {
        const bytes = encodeManifest(manifest);
        expect(() => decodeManifest(flipped(bytes, at % bytes.length, bit))).toThrow(SnapshotInvalid);
        expect(() => decodeManifest(bytes.subarray(0, at % bytes.length))).toThrow(SnapshotInvalid);
        expect(() => decodeManifest(Uint8Array.of(...bytes, 0))).toThrow(SnapshotInvalid);
      }),
    );
  });

  test('of a later program is told from a damaged one', () => {
    const bytes = encodeManifest({ cluster: 'c', revision: 1, offset: 1, digest: 1n, logTime: 1, keys: 1 });
    expect(() => decodeManifest(bytes.map((byte, at) => (at === 6 ? SNAPSHOT_VERSION + 1 : byte)))).toThrow('checksum');
    const newer = sealed(0x434d, Uint8Array.of(0));
    newer[6] = SNAPSHOT_VERSION + 1;
    expect(kindOf(() => decodeManifest(resealed(newer)))).toBe('newer');
  });
});

describe('the reader of a snapshot', () => {
  const scenes = randomLogs(30).map((records) => {
    const { chunks, manifest } = cutAt(records, records.length, new MapKeyspace());
    return { chunks, manifest };
  });

  test('refuses it when a bit of it is another, or a chunk is missing, doubled, cut off or in another place', () => {
    fc.assert(
      fc.property(scenes, fc.nat(), fc.nat(), fc.nat(7), ({ chunks, manifest }, which, at, bit) => {
        const place = which % chunks.length;
        const chunk = chunks[place] ?? new Uint8Array(0);
        const spoiled: Uint8Array[][] = [
          chunks.with(place, flipped(chunk, at % chunk.length, bit)),
          chunks.with(place, chunk.subarray(0, at % chunk.length)),
          chunks.with(place, Uint8Array.of(...chunk, 0)),
          chunks.toSpliced(place, 1),
          chunks.toSpliced(place, 0, chunk),
          [...chunks.slice(place + 1), ...chunks.slice(0, place + 1)],
          [],
        ].filter((list) => list.length !== chunks.length || list.some((one, n) => one !== chunks[n]));
        for (const list of spoiled) expect(kindOf(() => restore(manifest, list, new MapKeyspace()))).toBe('damaged');
      }),
    );
  });

  test('refuses whatever stands behind right checksums, unless it makes the very state of the manifest', () => {
    fc.assert(
      fc.property(
        scenes,
        fc.nat(),
        fc.nat(),
        fc.nat(255),
        fc.boolean(),
        ({ chunks, manifest }, which, at, byte, cuts) => {
          const place = which % chunks.length;
          const chunk = Uint8Array.from(chunks[place] ?? []);
          const from = 7 + (at % (chunk.length - 7));
          const forged = resealed(cuts ? chunk.subarray(0, from) : chunk.with(from, byte));
          try {
            const restored = restore(manifest, chunks.with(place, forged), new MapKeyspace());
            expect(restored.state.digest()).toBe(manifest.digest);
          } catch (error) {
            expect(error).toBeInstanceOf(SnapshotInvalid);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('refuses the chunks of one state behind the manifest of another', () => {
    fc.assert(
      fc.property(
        scenes,
        fc.constantFrom('cluster', 'revision', 'digest', 'logTime', 'keys'),
        ({ chunks, manifest }, field) => {
          const changed = {
            cluster: 'other',
            revision: manifest.revision + 1,
            digest: manifest.digest ^ 1n,
            logTime: 1,
            keys: manifest.keys + 1,
          };
          const other = { ...manifest, [field]: changed[field] };
          expect(kindOf(() => restore(other, chunks, new MapKeyspace()))).toBe('damaged');
        },
      ),
    );
  });
});

/** What stands in a machine, for comparing. */
function pictureOf(machine: Machine): object {
  const { state, nextOffset } = machine;
  const entries: unknown[] = [];
  state.keyspace.visit(
    undefined,
    (key, entry) =>
      entries.push([
        Buffer.from(key).toString('hex'),
        copy(entry.value),
        entry.contentType,
        entry.revision,
        entry.expiresAt,
      ]) > 0,
  );
  const outcomes = IDS.map((id) => state.recent.find(id === 'a' ? 'me' : '', id));
  const { cluster, limits, time, revision, members, recent } = state;
  const { disagreements, all } = members;
  const rest = {
    cluster,
    limits,
    time,
    revision,
    disagreements,
    members: structuredClone(all),
    turns: recent.earlyTurns,
  };
  return {
    digest: state.digest(),
    nextOffset,
    entries,
    outcomes,
    size: recent.size,
    window: recent.windowMs(time.now),
    ...rest,
  };
}

function copy(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function replayOf(records: readonly TestRecord[], keyspace: Keyspace) {
  const machine = new Machine(keyspace);
  const heard = records.map((record) => applyRecord(machine, record));
  return { picture: pictureOf(machine), heard, notes: machine.notes };
}

/** Applies the whole log with a cut at `offset`: of the snapshot one chunk is read after each record that follows. */
function cutAt(records: readonly TestRecord[], offset: number, keyspace: Keyspace) {
  const machine = new Machine(keyspace);
  for (const record of records.slice(0, offset)) applyRecord(machine, record);
  const { manifest, chunks } = cutSnapshot(machine.state, machine.nextOffset, SMALL);
  const read: Uint8Array[] = [];
  for (const record of records.slice(offset)) {
    applyRecord(machine, record);
    const next = chunks.next();
    if (next.done !== true) read.push(next.value.slice());
  }
  return { machine, manifest, chunks: [...read, ...copiesOf(chunks)] };
}

function copiesOf(chunks: Iterable<Uint8Array>): Uint8Array[] {
  return Array.from(chunks, (chunk) => chunk.slice());
}

/** Through the manifest's bytes. */
function restore(manifest: SnapshotManifest, chunks: readonly Uint8Array[], keyspace: Keyspace): Machine {
  const read = decodeManifest(encodeManifest(manifest));
  const machine = new Machine(keyspace, read.offset);
  const reader = new SnapshotReader(read, machine.state);
  for (const chunk of chunks) reader.read(chunk);
  reader.finish();
  return machine;
}

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  return bytes.map((byte, place) => (place === at ? byte ^ (1 << bit) : byte));
}

function sealed(magic: number, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  seal(magic, writer, () => writer.raw(body));
  return writer.take();
}

/** The same with a right checksum. */
function resealed(part: Uint8Array): Uint8Array {
  const magic = part[1] === 0x53 ? CHUNK_MAGIC : 0x434d;
  const whole = sealed(magic, part.subarray(7));
  if (part[6] === whole[6]) return whole;
  whole[6] = part[6] ?? 0;
  new DataView(whole.buffer, whole.byteOffset).setUint32(2, crc32(whole.subarray(6)));
  return whole;
}

function kindOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof SnapshotInvalid ? error.kind : `another error: ${String(error)}`;
  }
  return 'accepted';
}
