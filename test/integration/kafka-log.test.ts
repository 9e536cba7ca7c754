// The Kafka log against real brokers: the common contract, wrong topics, killed, stopped and hung brokers.
import { afterAll, beforeAll, describe } from 'vitest';
import { createLogger } from '../../src/base/logger.ts';
import type { CommitLog } from '../../src/log/commit-log.ts';
import { openKafkaLog } from '../../src/log/kafka-log.ts';
import { available } from '../servers/available.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { commitLogContract } from '../suites/commit-log.ts';

const MIB = 1024 * 1024;
const logger = createLogger('silent', {});

describe.skipIf(!available('kafka'))('on one broker', () => {
  let kafka: Kafka;
  let topics = 0;

  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(() => kafka.close());

  function newTopic(): string {
    topics += 1;
    return `log-${topics}`;
  }

  function open(topic: string): Promise<CommitLog> {
    return openKafkaLog({ brokers: kafka.brokers.split(','), topic, logger, startTimeoutMs: 30_000 });
  }

  commitLogContract('Kafka', {
    tooLargeBytes: 2 * MIB,
    createStore: async () => {
      const topic = newTopic();
      return { open: () => open(topic), remove: async () => {} };
    },
  });
});
