// The Kafka log while brokers are killed, stopped, hung and gone: what it says of a record is true, and it mends by itself.
import { ConfigResourceTypes, Kafka as KafkaClient, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT, FatalError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/logger.ts';
import { AppendRefused, type CommitLog } from '../../src/log/commit-log.ts';
import { LeaderConnection } from '../../src/log/kafka-leader.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { available } from '../servers/available.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { freePort } from '../servers/places.ts';
import { AppendLoad } from '../suites/append-load.ts';
import { LogTail, within } from '../suites/log-tail.ts';

const logger = createLogger('silent', {});
const hasKafka = available('kafka');
/** Twice an append's own limit (finding the leader, then the answer), and what a busy machine may add. */
const SETTLED_MS = 15_000;

describe.skipIf(!hasKafka)('with one broker', () => {
  let kafka: Kafka;
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(() => kafka.close());

  test('a broker killed with -9 and started again under load: what was said of each record is true', async () => {
    const log = await open(kafka, 'killed');
    const tail = new LogTail(log, 0);
    const load = new AppendLoad(log, 'w');
    for (let round = 0; round < 2; round += 1) {
      await load.acknowledges(300);
      const failedBefore = load.refused.size + load.unknown.size;
      await kafka.kill(0);
      await kafka.start(0);
      await load.acknowledges(50, 60_000);
      expect(load.refused.size + load.unknown.size).toBeGreaterThan(failedBefore);
    }
    await finish(load, log, tail);
  }, 120_000);

  test('a hung broker: appends settle as failed, and writer and follower go on when it does', async () => {
    const log = await open(kafka, 'hung');
    const load = new AppendLoad(log, 'w');
    const tail = new LogTail(log, 0);
    await load.acknowledges(20);
    await kafka.pause(0);
    // Four writers, each of which settles, and settles once more.
    await load.fails(8, SETTLED_MS);
    kafka.resume(0);
    await load.acknowledges(50, 60_000);
    expect(load.unknown.size).toBeGreaterThan(0);
    await finish(load, log, tail);
  }, 90_000);

  test('a broker that is down: appends are refused, for nothing was sent; a log that opens meanwhile waits for it', async () => {
    const log = await open(kafka, 'down');
    await log.append(new Uint8Array(3));
    await kafka.stop(0);
    const failed = await Promise.allSettled([1, 2].map(() => log.append(new Uint8Array(3))));
    const last = await log.append(new Uint8Array(3)).catch((e: unknown) => e);
    expect(failed.map((f) => f.status)).toEqual(['rejected', 'rejected']);
    expect(last).toBeInstanceOf(AppendRefused);
    expect(last).toMatchObject({ isPermanent: false });
    const opening = open(kafka, 'down');
    await kafka.start(0);
    const other = await opening;
    await within(
      'the first log to work again',
      until(() => log.append(new Uint8Array(3))),
    );
    expect(await other.end()).toBeGreaterThan(1);
    await log.close();
    await other.close();
  }, 60_000);
});

test.skipIf(!hasKafka)('brokers that nobody reaches end the start with exit code 69 and say which', async () => {
  const brokers = [`127.0.0.1:${await freePort()}`];
  const error = await openKafkaLog({ brokers, topic: 't', logger, startTimeoutMs: 300 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(FatalError);
  expect(error).toMatchObject({ exitCode: EXIT.logUnreachable, message: expect.stringContaining(brokers[0] ?? '') });
});

describe.skipIf(!hasKafka)('with three brokers', () => {
  let kafka: Kafka;
  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3 });
  });
  afterAll(() => kafka.close());

  test('the topic has three replicas, of which two must have a record before it is acknowledged', async () => {
    const log = await open(kafka, 'safe');
    const admin = new KafkaClient({ brokers: kafka.brokers.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['safe'] });
      expect(topics[0]?.partitions.map((partition) => partition.replicas.length)).toEqual([3]);
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'safe', configNames: ['min.insync.replicas'] }];
      const described = await admin.describeConfigs({ includeSynonyms: false, resources });
      expect(described.resources[0]?.configEntries[0]?.configValue).toBe('2');
      await admin.createTopics({ topics: [{ topic: 'unsafe', replicationFactor: 1 }], waitForLeaders: true });
      await expect(open(kafka, 'unsafe')).rejects.toThrow(/1 replica\(s\) though 3 brokers are there/);
    } finally {
      await admin.disconnect();
      await log.close();
    }
  });

  test('the leader killed with -9 under load: nothing acknowledged is lost, nothing refused is there', async () => {
    const log = await open(kafka, 'leader-killed');
    const load = new AppendLoad(log, 'w');
    const tail = new LogTail(log, 0);
    await load.acknowledges(300);
    const leader = await leaderOf(kafka, 'leader-killed');
    await kafka.kill(leader);
    await load.acknowledges(100, 60_000);
    expect(load.unknown.size).toBeGreaterThan(0);
    expect(await leaderOf(kafka, 'leader-killed')).not.toBe(leader);
    await kafka.start(leader);
    await load.acknowledges(100);
    await finish(load, log, tail);
  }, 120_000);

  test('the leader stopped in order under load: the log goes on, nothing acknowledged is lost', async () => {
    const log = await open(kafka, 'leader-stopped');
    const load = new AppendLoad(log, 'w');
    const tail = new LogTail(log, 0);
    await load.acknowledges(300);
    const leader = await leaderOf(kafka, 'leader-stopped');
    await kafka.stop(leader);
    await load.acknowledges(100, 60_000);
    expect(await leaderOf(kafka, 'leader-stopped')).not.toBe(leader);
    await kafka.start(leader);
    await load.acknowledges(100);
    await finish(load, log, tail);
  }, 120_000);

  test('the leader hung under load: another takes over, and the woken one does no harm', async () => {
    const log = await open(kafka, 'leader-hung');
    const load = new AppendLoad(log, 'w');
    const tail = new LogTail(log, 0);
    await load.acknowledges(300);
    const leader = await leaderOf(kafka, 'leader-hung');
    await kafka.pause(leader);
    await load.acknowledges(100, 60_000);
    expect(load.unknown.size).toBeGreaterThan(0);
    kafka.resume(leader);
    await load.acknowledges(100, 60_000);
    await finish(load, log, tail);
  }, 120_000);

  test('all three killed with -9 at once and started again: nothing acknowledged is lost', async () => {
    const log = await open(kafka, 'all-killed');
    const load = new AppendLoad(log, 'w');
    const tail = new LogTail(log, 0);
    await load.acknowledges(300);
    await Promise.all([0, 1, 2].map((index) => kafka.kill(index)));
    await Promise.all([0, 1, 2].map((index) => kafka.start(index)));
    await load.acknowledges(100, 90_000);
    expect(load.refused.size + load.unknown.size).toBeGreaterThan(0);
    await finish(load, log, tail);
  }, 150_000);
});

function open(kafka: Kafka, topic: string): Promise<CommitLog> {
  return openKafkaLog({ brokers: kafka.brokers.split(','), topic, logger, startTimeoutMs: 60_000 });
}

async function finish(load: AppendLoad, log: CommitLog, tail: LogTail): Promise<void> {
  await load.stop();
  await load.judge(log);
  await tail.received(await log.end());
  await tail.stop();
  await log.close();
}

/** The index of the broker that leads the topic's partition. */
async function leaderOf(kafka: Kafka, topic: string): Promise<number> {
  const addresses = kafka.brokers.split(',');
  const bootstrap = addresses.map((text) => ({ host: '127.0.0.1', port: Number(text.split(':')[1]) }));
  const connection = new LeaderConnection({ bootstrap, topic, clientId: 'test', security: {}, random: Math.random });
  try {
    const { address } = await until(() => connection.leader());
    return addresses.indexOf(`${address.host}:${address.port}`);
  } finally {
    connection.close();
  }
}

/** Tries until it works; the test's own limit ends it. */
async function until<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
