// The snapshot store on Kafka against a real broker: the common contract, its topics, and what a trim leaves.
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/base/logger.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { openKafkaSnapshots } from '../../src/log/kafka-snapshots.ts';
import type { SnapshotStore } from '../../src/log/snapshot-store.ts';
import { available } from '../servers/available.ts';
import type { Kafka } from '../servers/kafka.ts';
import { startAdministeredKafka } from '../suites/administered-kafka.ts';
import { bytes, MIB, noise } from '../suites/log-records.ts';
import { each, readAll, revisions, save, snapshotStoreContract } from '../suites/snapshot-store.ts';

const logger = createLogger('silent', {});

describe.skipIf(!available('kafka'))('the snapshot store on Kafka', () => {
  let kafka: Kafka;
  let admin: Admin;
  let newTopic: () => string;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ kafka, admin, newTopic, close } = await startAdministeredKafka());
  });
  afterAll(() => close());

  snapshotStoreContract('Kafka', async () => {
    const topic = newTopic();
    return { open: () => open(topic), remove: async () => {} };
  });

  test('makes two topics that are cut by deletion of records only', async () => {
    const topic = newTopic();
    await (await open(topic)).close();
    expect(await admin.listTopics()).toEqual(
      expect.arrayContaining([`${topic}.snapshots`, `${topic}.snapshot-chunks`]),
    );
  });

  test('deletes the records below the oldest snapshot that is left, and a restarted broker has the rest', async () => {
    const topic = newTopic();
    const store = await open(topic);
    const chunks = [noise(MIB, 1), noise(3 * MIB, 2), bytes('end')];
    const ids: string[] = [];
    for (const revision of [1, 2, 3]) ids.push(await store.save({ revision, manifest: bytes('m') }, each(chunks)));
    await store.remove(ids[0] ?? '');
    const parts = await openKafkaLog({
      brokers: [kafka.brokers],
      topic: `${topic}.snapshot-chunks`,
      logger,
      startTimeoutMs: 30_000,
    });
    expect([await parts.start(), await parts.end()]).toEqual([7, 21]);
    await parts.close();
    await kafka.kill(0);
    await kafka.start(0);
    expect(await revisions(store)).toEqual([3, 2]);
    for (const id of ids.slice(1)) {
      const read = await readAll(await store.open(id));
      expect(read.map((chunk, n) => Buffer.compare(chunk, chunks[n] ?? bytes('?')))).toEqual([0, 0, 0]);
    }
    await store.close();
  });

  test('a broker killed in the middle of a save delays it only', async () => {
    const store = await open(newTopic());
    const chunks = Array.from({ length: 12 }, (_, n) => noise(300_000, n));
    async function* interrupted() {
      for (const [n, chunk] of chunks.entries()) {
        if (n === 5) {
          await kafka.kill(0);
          void kafka.start(0);
        }
        yield chunk;
      }
    }
    const id = await store.save({ revision: 1, manifest: bytes('m') }, interrupted());
    const read = await readAll(await store.open(id));
    expect(read.map((chunk, n) => Buffer.compare(chunk, chunks[n] ?? bytes('?')))).toEqual(chunks.map(() => 0));
    await save(store, 2);
    expect(await revisions(store)).toEqual([2, 1]);
    await store.close();
  });

  function open(topic: string): Promise<SnapshotStore> {
    return openKafkaSnapshots({ brokers: [kafka.brokers], topic, logger, startTimeoutMs: 30_000 });
  }
});
