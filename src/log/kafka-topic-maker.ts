// Makes a topic by kafkajs's admin client, which is loaded only where one is missing.
import { Kafka, logLevel } from 'kafkajs';
import { KAFKA_LIMITS } from '../base/limits.ts';
import { quietRequestQueue } from './kafka-connection.ts';
import { brokerSocket } from './kafka-security.ts';
import type { TopicQuestion } from './kafka-topic-facts.ts';

export type NewTopic = {
  readonly replicationFactor: number;
  readonly configEntries: { readonly name: string; readonly value: string }[];
};

/** Resolves when there is one, with a leader; false: it was there already. */
export async function makeTopic(question: TopicQuestion, topic: NewTopic): Promise<boolean> {
  quietRequestQueue();
  const { ssl, sasl } = question.security;
  const brokers = question.brokers.map(({ host, port }) => `${host}:${port}`);
  const kafka = new Kafka({
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    brokers,
    clientId: question.clientId,
    connectionTimeout: KAFKA_LIMITS.connectTimeoutMs,
    requestTimeout: KAFKA_LIMITS.adminTimeoutMs,
    retry: { retries: brokers.length, initialRetryTime: 50, maxRetryTime: 500 },
    // What goes wrong is told by the rejections.
    logLevel: logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) => brokerSocket({ host, port, ssl, onConnect }),
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await admin.createTopics({
      topics: [{ topic: question.topic, numPartitions: 1, ...topic }],
      timeout: KAFKA_LIMITS.adminTimeoutMs,
      waitForLeaders: true,
    });
  } finally {
    await admin.disconnect();
  }
}
