// What the brokers say of a topic: whether it is there, its partitions and replicas, and its settings.
import { messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import { CODE, KafkaCode } from './kafka-codes.ts';
import { type BrokerAddress, BrokerConnection } from './kafka-connection.ts';
import { someOf } from './kafka-leader.ts';
import { askMetadata, describeTopic } from './kafka-requests.ts';
import type { KafkaSecurity } from './kafka-security.ts';

export type TopicFacts = {
  readonly partitions: number;
  readonly replicas: number;
  readonly brokersAlive: number;
  readonly settings: ReadonlyMap<string, string>;
};

/** Without facts there is no such topic. */
export type TopicFound = { readonly brokersAlive: number; readonly facts?: TopicFacts };

export type TopicQuestion = {
  readonly brokers: readonly BrokerAddress[];
  readonly topic: string;
  readonly clientId: string;
  readonly security: KafkaSecurity;
  random(): number;
};

/** The first answer of several brokers that are asked at once. Rejects when none of them knows, or the topic has no leader yet. */
export async function findTopic({ brokers, topic, clientId, security, random }: TopicQuestion): Promise<TopicFound> {
  const opened = new Set<BrokerConnection>();
  const ask = async (address: BrokerAddress) => {
    const connection = new BrokerConnection(address, clientId, security);
    opened.add(connection);
    await connection.open();
    return await askBroker(connection, topic);
  };
  try {
    return await Promise.any(someOf(brokers, random).map(ask));
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
    throw new Error(reasons, { cause: error });
  } finally {
    for (const connection of opened) connection.close('the topic is known');
  }
}

/** Both questions at once: one way there and back. */
async function askBroker(connection: BrokerConnection, topic: string): Promise<TopicFound> {
  const [metadata, described] = await Promise.all([
    connection.exchange(askMetadata(topic), KAFKA_LIMITS.adminTimeoutMs),
    connection.exchange(describeTopic(topic), KAFKA_LIMITS.adminTimeoutMs),
  ]);
  const brokersAlive = metadata.brokers.length;
  const found = metadata.topicMetadata[0];
  if (found === undefined || found.topicErrorCode === CODE.unknownTopicOrPartition) return { brokersAlive };
  const { partitionMetadata: partitions, topicErrorCode } = found;
  const [partition] = partitions;
  if (partition === undefined || partition.leader < 0) {
    if (topicErrorCode !== CODE.none) throw new KafkaCode(`the question for topic ${topic}`, topicErrorCode);
    throw new Error(`topic ${topic} has no leader yet`);
  }
  if (described.code !== CODE.none) throw new KafkaCode(`the question for the settings of ${topic}`, described.code);
  const { settings } = described;
  const facts = { partitions: partitions.length, replicas: partition.replicas.length, brokersAlive, settings };
  return { brokersAlive, facts };
}
