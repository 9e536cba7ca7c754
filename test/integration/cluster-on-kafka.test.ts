// `npm start` over a real Kafka broker: what holds on the embedded log holds here.
import { afterAll, beforeAll, describe } from 'vitest';
import { available } from '../servers/available.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { clusterSuite } from '../suites/cluster.ts';

describe.skipIf(!available('kafka'))('npm start on Kafka', () => {
  let kafka: Kafka;

  beforeAll(async () => {
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(() => kafka?.close());

  clusterSuite(() => ['--log', 'kafka', '--kafka-brokers', kafka.brokers]);
});
