// Snapshots, trims and restarts with real processes: on the embedded log, and on a real Kafka broker.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/base/logger.ts';
import { openFileSnapshots } from '../../src/log/file-snapshots.ts';
import { openKafkaSnapshots } from '../../src/log/kafka-snapshots.ts';
import { available } from '../servers/available.ts';
import { startChorusNodes } from '../servers/chorus.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { snapshotsSuite } from '../suites/snapshots.ts';

const logger = createLogger('silent', {});

describe('snapshots on the embedded log', () => {
  snapshotsSuite(() => ({ flags: [], openStore: (dataDir) => openFileSnapshots({ dir: dataDir, node: 'test' }) }));

  test('one with a single flipped bit is passed over', async () => {
    const running = await startChorusNodes({ nodes: 1, flags: [] });
    try {
      const [node] = running.nodes;
      if (node === undefined) return;
      await fetch(`${node.url}/v1/keys/key`, { method: 'PUT', body: 'value' });
      for (let n = 0; n < 2; n++) await fetch(`${node.url}/v1/snapshots?timeout=30s`, { method: 'POST' });
      await node.server.kill();
      const dir = join(running.directory, 'data');
      const [newest] = await (await openFileSnapshots({ dir, node: 'test' })).list();
      const file = await open(join(dir, 'snapshots', `${newest?.id}.snapshot`), 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 100);
      byte[0] = (byte[0] ?? 0) ^ 4;
      await file.write(byte, 0, 1, 100);
      await file.close();
      await node.server.start();
      expect(node.server.output).toMatch(/passed over a snapshot.*restored a snapshot/s);
      expect(await (await fetch(`${node.url}/v1/keys/key`)).text()).toBe('value');
    } finally {
      await running.close();
    }
  });
});

describe.skipIf(!available('kafka'))('snapshots on Kafka', () => {
  const topic = 'chorus.commands';
  let kafka: Kafka;

  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  }, 120_000);
  afterAll(() => kafka?.close());

  snapshotsSuite(() => ({
    flags: ['--log', 'kafka', '--kafka-brokers', kafka.brokers, '--kafka-topic', topic],
    openStore: () => openKafkaSnapshots({ brokers: kafka.brokers.split(','), topic, logger, startTimeoutMs: 30_000 }),
  }));
});
