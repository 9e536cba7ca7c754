// The Kafka log against a real broker: the common contracts, the topic that it makes, the topics that it refuses, and a log lost under its feet.
import { type Admin, ConfigResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/logger.ts';
import { type CommitLog, OffsetOutOfRange } from '../../src/log/commit-log.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { available } from '../servers/available.ts';
import type { Kafka } from '../servers/kafka.ts';
import { startAdministeredKafka } from '../suites/administered-kafka.ts';
import { commitLogContract } from '../suites/commit-log.ts';
import { commitLogCrashContract } from '../suites/commit-log-crash.ts';
import { LogTail, within } from '../suites/log-tail.ts';

const MIB = 1024 * 1024;
const logger = createLogger('silent', {});

describe.skipIf(!available('kafka'))('the Kafka log', () => {
  let kafka: Kafka;
  let admin: Admin;
  let newTopic: () => string;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ kafka, admin, newTopic, close } = await startAdministeredKafka());
  });
  afterAll(() => close());

  const harness = {
    // The topic takes batches up to 2 MiB, this with its head is a little more.
    tooLargeBytes: 2 * MIB,
    async createStore() {
      const topic = newTopic();
      return {
        arguments: ['--log', 'kafka', '--brokers', kafka.brokers, '--topic', topic],
        open: () => open(topic),
        // It goes with the broker.
        remove: async () => {},
      };
    },
  };
  commitLogContract('Kafka', harness);
  commitLogCrashContract('Kafka', harness);

  test('makes its topic with the settings that the log needs, also when two open it at once', async () => {
    const topic = newTopic();
    const logs = await Promise.all([open(topic), open(topic)]);
    const { topics: found } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(found[0]?.partitions.map((partition) => partition.replicas)).toEqual([[1]]);
    expect(await settingsOf(topic)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'message.timestamp.type': 'LogAppendTime',
      'max.message.bytes': String(2 * MIB),
      'min.insync.replicas': '1',
      'unclean.leader.election.enable': 'false',
    });
    for (const log of logs) await log.close();
  });

  test('refuses a topic whose settings would lose or falsify something, and says how to mend each', async () => {
    const topic = newTopic();
    await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }], waitForLeaders: true });
    const error = await open(topic).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FatalError);
    expect(error).toMatchObject({ exitCode: EXIT.badConfiguration });
    const { message } = error as FatalError;
    for (const part of [
      '2 partitions',
      'retention.ms=-1',
      'message.timestamp.type=LogAppendTime',
      'max.message.bytes=',
    ]) {
      expect(message).toContain(part);
    }
    expect(message).toContain(`--bootstrap-server ${kafka.brokers}`);
  });

  test('refuses an address that is none', async () => {
    for (const brokers of [[], ['localhost'], ['http://localhost:9092'], ['a:99999']]) {
      const opened = openKafkaLog({ brokers, topic: 't', logger, startTimeoutMs: 100 });
      await expect(opened).rejects.toMatchObject({ exitCode: EXIT.badConfiguration });
    }
  });

  test("stops its follower when a record no longer carries the broker's time", async () => {
    const topic = newTopic();
    const log = await open(topic);
    await log.append(bytes('good'));
    const tail = new LogTail(log, 0);
    await tail.received(1);
    await setSetting(topic, 'message.timestamp.type', 'CreateTime');
    const seen = within('the follower to stop', tail.ended).catch((e: unknown) => e);
    let isOver = false;
    seen.finally(() => {
      isOver = true;
    });
    // The setting reaches the partition a little after the answer: append until it has.
    while (!isOver) await log.append(bytes('bad'));
    expect(await seen).toMatchObject({ exitCode: EXIT.damagedData, message: expect.stringContaining('LogAppendTime') });
    await log.close();
  });

  test('stops its follower when the log was lost and made anew', async () => {
    const topic = newTopic();
    const log = await open(topic);
    for (let n = 0; n < 10; n += 1) await log.append(bytes(`r${n}`));
    const tail = new LogTail(log, 0);
    await tail.received(10);
    await admin.deleteTopics({ topics: [topic] });
    const other = await openWhenGone(topic);
    await other.append(bytes('another life'));
    await expect(within('the follower to stop', tail.ended)).rejects.toBeInstanceOf(OffsetOutOfRange);
    expect(tail.offsets.length).toBe(10);
    await log.close();
    await other.close();
  });

  function open(topic: string): Promise<CommitLog> {
    return openKafkaLog({ brokers: [kafka.brokers], topic, logger, startTimeoutMs: 30_000 });
  }

  async function openWhenGone(topic: string): Promise<CommitLog> {
    while ((await admin.listTopics()).includes(topic)) await new Promise((resolve) => setTimeout(resolve, 20));
    return open(topic);
  }

  async function settingsOf(topic: string): Promise<Record<string, string>> {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }];
    const described = await admin.describeConfigs({ includeSynonyms: false, resources });
    const entries = described.resources[0]?.configEntries ?? [];
    return Object.fromEntries(entries.map((entry) => [entry.configName, entry.configValue]));
  }

  async function setSetting(topic: string, name: string, value: string): Promise<void> {
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] };
    await admin.alterConfigs({ validateOnly: false, resources: [resource] });
  }
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
