// The commit log under the drilled cluster: nothing to start for the embedded one, real brokers for Kafka.
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { quietRequestQueue } from '../../src/log/kafka-connection.ts';
import { available } from '../servers/available.ts';
import { type Kafka, type KafkaOptions, startKafka } from '../servers/kafka.ts';

export type LogServers = {
  /** For the command line of the node of this number, from 0 on: each has its own way to the brokers where there are `ways`. */
  flagsOf(node: number): readonly string[];
  readonly name: string;
  /** The brokers, if they are our own. */
  readonly kafka: Kafka | undefined;
  /** Of the commit log. */
  readonly topic: string;
  /** The number of the broker that leads the partition, from 1 on. */
  leader(): Promise<number>;
  /** Of the one that will lead after it, if all are in sync. */
  successor(): Promise<number>;
  /** kill -9 of that broker; resolves with its number when it is dead. Starts it again with `restart`. */
  killLeader(): Promise<number>;
  restart(broker: number): Promise<void>;
  close(): Promise<void>;
};

export type LogOptions = Pick<KafkaOptions, 'ways' | 'prepare'> & {
  readonly log: 'embedded' | 'kafka';
  /** Of a Kafka that already runs; undefined: the drill starts its own. */
  readonly brokers: string | undefined;
  readonly brokersCount: 1 | 3;
};

export async function startLog(options: LogOptions): Promise<LogServers> {
  if (options.log === 'embedded') {
    return { ...WITHOUT_BROKERS, flagsOf: () => ['--log', 'embedded'], name: 'embedded log', topic: '' };
  }
  const topic = `chorus.drill.${randomUUID().slice(0, 8)}`;
  const flagsFor = (brokers: string) => ['--log', 'kafka', '--kafka-brokers', brokers, '--kafka-topic', topic];
  if (options.brokers !== undefined) {
    const flags = flagsFor(options.brokers);
    return { ...WITHOUT_BROKERS, flagsOf: () => flags, name: `Kafka at ${options.brokers}`, topic };
  }
  if (!available('kafka')) throw new Error('the drill on Kafka needs a Kafka: give --brokers, or install one');
  const { ways, prepare } = options;
  const kafka = await startKafka({
    brokers: options.brokersCount,
    ...(ways === undefined ? {} : { ways }),
    ...(prepare === undefined ? {} : { prepare }),
  });
  return {
    flagsOf: (node) => flagsFor(kafka.ways[node]?.map((way) => `127.0.0.1:${way.port}`).join() ?? kafka.brokers),
    name: `Kafka, ${options.brokersCount === 1 ? 'one broker' : 'three brokers'}`,
    kafka,
    topic,
    leader: async () => (await successionOf(kafka, topic)).leader,
    successor: async () => (await successionOf(kafka, topic)).successor,
    killLeader: () => killLeader(kafka, topic),
    restart: (broker) => kafka.start(broker - 1),
    close: () => kafka.close(),
  };
}

const WITHOUT_BROKERS = {
  kafka: undefined,
  leader: () => Promise.reject(new Error('there is no broker of ours')),
  successor: () => Promise.reject(new Error('there is no broker of ours')),
  killLeader: () => Promise.reject(new Error('there is no broker of ours to kill')),
  restart: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

async function killLeader(kafka: Kafka, topic: string): Promise<number> {
  const { leader } = await successionOf(kafka, topic);
  await kafka.kill(leader - 1);
  return leader;
}

async function successionOf(kafka: Kafka, topic: string): Promise<{ leader: number; successor: number }> {
  quietRequestQueue();
  const client = new kafkajs.Kafka({ brokers: kafka.brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  const [partition] = topics[0]?.partitions ?? [];
  if (partition === undefined || partition.leader < 1) throw new Error(`topic ${topic} has no leader`);
  const { leader, replicas } = partition;
  // The controller takes the first replica that is in sync.
  return { leader, successor: replicas.find((broker) => broker !== leader) ?? leader };
}
