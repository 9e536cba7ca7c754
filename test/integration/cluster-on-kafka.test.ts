// `npm start` over a real Kafka broker: what holds on the embedded log holds here.
import { afterAll, beforeAll, describe } from 'vitest';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import { clusterSuite } from '../suites/cluster.ts';

let kafka: Kafka;

beforeAll(async () => {
  kafka = await startKafka({ brokers: 1 });
});
afterAll(() => kafka?.close());

describe('npm start on Kafka', () => {
  clusterSuite(() => ['--log', 'kafka', '--kafka-brokers', kafka.brokers]);
});
