// The commit log under the drilled cluster: nothing to start for the embedded one, real brokers for Kafka.
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { quietRequestQueue } from '../../src/log/kafka-connection.ts';
import { available } from '../servers/available.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';
import type { DrillOptions } from './options.ts';

export type LogServers = {
  /** For the nodes' command lines. */
  readonly flags: readonly string[];
  readonly name: string;
  /** kill -9 of the broker that leads the partition; resolves with its number when it is dead. Starts it again with `restart`. */
  killLeader(): Promise<number>;
  restart(broker: number): Promise<void>;
  close(): Promise<void>;
};

export async function startLog(options: Pick<DrillOptions, 'log' | 'brokers' | 'brokersCount'>): Promise<LogServers> {
  if (options.log === 'embedded') return { flags: ['--log', 'embedded'], name: 'embedded log', ...WITHOUT_BROKERS };
  const topic = `chorus.drill.${randomUUID().slice(0, 8)}`;
  const flagsFor = (brokers: string) => ['--log', 'kafka', '--kafka-brokers', brokers, '--kafka-topic', topic];
  if (options.brokers !== undefined) {
    return { flags: flagsFor(options.brokers), name: `Kafka at ${options.brokers}`, ...WITHOUT_BROKERS };
  }
  if (!available('kafka')) throw new Error('the drill on Kafka needs a Kafka: give --brokers, or install one');
  const kafka = await startKafka({ brokers: options.brokersCount });
  return {
    flags: flagsFor(kafka.brokers),
    name: `Kafka, ${options.brokersCount === 1 ? 'one broker' : 'three brokers'}`,
    killLeader: () => killLeader(kafka, topic),
    restart: (broker) => kafka.start(broker - 1),
    close: () => kafka.close(),
  };
}

const WITHOUT_BROKERS = {
  killLeader: () => Promise.reject(new Error('there is no broker of ours to kill')),
  restart: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

async function killLeader(kafka: Kafka, topic: string): Promise<number> {
  quietRequestQueue();
  const client = new kafkajs.Kafka({ brokers: kafka.brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  const leader = topics[0]?.partitions[0]?.leader;
  if (leader === undefined) throw new Error(`topic ${topic} has no leader to kill`);
  await kafka.kill(leader - 1);
  return leader;
}
