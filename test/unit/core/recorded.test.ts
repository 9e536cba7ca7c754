// Recordings of each format load for ever: the log with the same outcomes and digests, the snapshot with the log's tail behind it.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Keyspace } from '../../../src/core/keyspace.ts';
import { Machine } from '../../../src/core/machine.ts';
import { openFileSnapshots } from '../../../src/log/file-snapshots.ts';
import { decodeManifest } from '../../../src/snapshot/manifest.ts';
import { SnapshotReader } from '../../../src/snapshot/reader.ts';
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';
import { readRecordedLog, resultOf } from '../../fixtures/recorded-log.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures');
const KEYSPACES: Readonly<Record<string, () => Keyspace>> = {
  'a Map': () => new MapKeyspace(),
  'outside the heap': () => new OffHeapKeyspace(0x1234_5678_9abc),
};

describe.each(['v1'])('what was recorded as %s', (version) => {
  const steps = readRecordedLog(join(FIXTURES, `log-${version}.txt`));

  describe.each(Object.entries(KEYSPACES))('into %s', (_, create) => {
    test('the log is applied with the outcomes and digests that it had', () => {
      const machine = new Machine(create());
      expect(steps.length).toBeGreaterThan(20);
      for (const step of steps) expect(resultOf(machine, step), `record ${step.offset}`).toEqual(step.result);
    });

    test('the snapshot is restored, and the rest of the log goes on from it', async () => {
      const store = await openFileSnapshots({ dir: join(FIXTURES, `snapshot-${version}`), node: 'test' });
      const [newest] = await store.list();
      const { chunks, manifest } = await store.open(newest?.id ?? '');
      const decoded = decodeManifest(manifest);
      const machine = new Machine(create(), decoded.offset);
      const reader = new SnapshotReader(decoded, machine.state);
      for await (const chunk of chunks) reader.read(chunk);
      reader.finish();
      const tail = steps.slice(decoded.offset);
      expect(tail.length).toBeGreaterThan(3);
      for (const step of tail) expect(resultOf(machine, step), `record ${step.offset}`).toEqual(step.result);
    });
  });
});
