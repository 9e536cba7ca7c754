// A real broker with an admin client beside it, and topics that nobody has used, for the tests of what is kept in topics.
import { type Admin, Kafka as KafkaClient, logLevel } from 'kafkajs';
import { quietRequestQueue } from '../../src/log/kafka-connection.ts';
import { type Kafka, startKafka } from '../servers/kafka.ts';

type AdministeredKafka = {
  readonly kafka: Kafka;
  readonly admin: Admin;
  newTopic(): string;
  close(): Promise<void>;
};

export async function startAdministeredKafka(): Promise<AdministeredKafka> {
  const kafka = await startKafka({ brokers: 1 });
  quietRequestQueue();
  const admin = new KafkaClient({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  let topics = 0;
  return {
    kafka,
    admin,
    newTopic: () => `log-${++topics}`,
    async close() {
      await admin.disconnect();
      await kafka.close();
    },
  };
}
