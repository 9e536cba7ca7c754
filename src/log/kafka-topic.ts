// The commit log's topic: made when it is missing, and its settings judged at every start; a wrong one loses data, so it is refused.
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs';
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { backoffMs, pauseFor } from './backoff.ts';
import { type BrokerAddress, quietRequestQueue } from './kafka-connection.ts';
import { brokerSocket, type KafkaSecurity } from './kafka-security.ts';

export type TopicOptions = {
  readonly brokers: readonly BrokerAddress[];
  readonly topic: string;
  readonly clientId: string;
  readonly security: KafkaSecurity;
  readonly logger: Logger;
  /** Brokers may come up later than we do: it is tried this long. */
  readonly startTimeoutMs: number;
  random(): number;
};

/** Replicas of a topic that survives the loss of a broker. */
const SAFE_REPLICAS = 3;

/**
 * Resolves when the topic is there, has a leader and is as it must be. Rejects with FatalError: logUnreachable when that
 * was not so in startTimeoutMs, badConfiguration when a setting is wrong.
 */
export async function prepareTopic(options: TopicOptions): Promise<void> {
  const { brokers, startTimeoutMs, random } = options;
  const deadline = performance.now() + startTimeoutMs;
  let reason: unknown = new Error('no answer came');
  for (let attempt = 0; ; attempt += 1) {
    try {
      const preparing = withAdmin(options, (admin) => makeAndJudge(admin, options));
      return await before(deadline, preparing, reason);
    } catch (error) {
      if (error instanceof FatalError) throw error;
      reason = error;
      if (performance.now() >= deadline) throw unreachableLog(options, error);
      if (attempt === 0) {
        options.logger.info(
          { brokers: namesOf(brokers), reason: messageOf(error) },
          'the commit log was not ready yet',
        );
      }
    }
    await pauseFor(Math.min(backoffMs(attempt, random), Math.max(0, deadline - performance.now())));
  }
}

/**
 * Rejects at the deadline, with the reason given: a silent broker is asked several times by kafkajs, and each time for as
 * long as an answer may take.
 */
async function before(deadline: number, preparing: Promise<void>, reason: unknown): Promise<void> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(reason), Math.ceil(deadline - performance.now()));
  try {
    await Promise.race([preparing, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

export type TopicFacts = {
  readonly partitions: number;
  readonly replicas: number;
  readonly brokersAlive: number;
  readonly settings: ReadonlyMap<string, string>;
};

/** What is wrong with the topic: a sentence for each fault, which says how to mend it. */
export function topicFaults(facts: TopicFacts, topic: string, broker: string): string[] {
  const faults: string[] = [];
  if (facts.partitions !== 1) {
    faults.push(
      `it has ${facts.partitions} partitions, but one total order needs exactly 1: give another topic's name, or delete this one if nothing in it is needed`,
    );
  }
  if (facts.replicas < SAFE_REPLICAS && facts.brokersAlive >= SAFE_REPLICAS) {
    faults.push(
      `it has ${facts.replicas} replica(s) though ${facts.brokersAlive} brokers are there: give it ${SAFE_REPLICAS} by kafka-reassign-partitions.sh`,
    );
  }
  for (const rule of rulesFor(facts.replicas)) {
    const found = facts.settings.get(rule.name);
    if (found !== undefined && rule.isMet(found)) continue;
    faults.push(
      `${rule.name} is ${found ?? 'not set'}, but ${rule.why}: kafka-configs.sh --bootstrap-server ${broker} --alter ` +
        `--entity-type topics --entity-name ${topic} --add-config ${rule.name}=${rule.value}`,
    );
  }
  return faults;
}

type Rule = { readonly name: string; readonly value: string; readonly why: string; isMet(found: string): boolean };

function rulesFor(replicas: number): Rule[] {
  const exactly = (name: string, value: string, why: string): Rule => ({
    name,
    value,
    why,
    isMet: (found) => found === value,
  });
  const atLeast = (name: string, least: number, why: string): Rule => ({
    name,
    value: String(least),
    why,
    isMet: (found) => Number(found) >= least,
  });
  return [
    exactly('cleanup.policy', 'delete', 'compaction would drop commands that others depend on'),
    exactly('retention.ms', '-1', 'the log may only be cut below a snapshot'),
    exactly('retention.bytes', '-1', 'the log may only be cut below a snapshot'),
    exactly('message.timestamp.type', 'LogAppendTime', "log time is the broker's, not the writers'"),
    exactly('unclean.leader.election.enable', 'false', 'a replica that is behind must not become the leader'),
    {
      ...exactly('compression.type', 'producer', 'records are read as they were written'),
      isMet: (found) => found === 'producer' || found === 'uncompressed',
    },
    atLeast('max.message.bytes', KAFKA_LIMITS.topicBytes, 'a frame with a value of 1 MiB must fit'),
    atLeast('min.insync.replicas', Math.min(2, replicas), 'what is acknowledged must survive the loss of a broker'),
  ];
}

async function makeAndJudge(admin: Admin, options: TopicOptions): Promise<void> {
  const { topic, logger } = options;
  const brokersAlive = (await admin.describeCluster()).brokers.length;
  if (!(await admin.listTopics()).includes(topic)) await makeTopic(admin, options, brokersAlive);
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]?.partitions ?? [];
  const [partition] = partitions;
  if (partition === undefined || partition.leader < 0) throw new Error(`topic ${topic} has no leader yet`);
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const settings = new Map(described.resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]));
  const replicas = partition.replicas.length;
  const [broker] = namesOf(options.brokers);
  const faults = topicFaults({ partitions: partitions.length, replicas, brokersAlive, settings }, topic, broker ?? '');
  if (faults.length > 0) {
    throw new FatalError(
      EXIT.badConfiguration,
      `the topic ${topic} cannot be the commit log: ${faults.join('; and ')}`,
    );
  }
  const facts = { topic, replicas, minInSync: settings.get('min.insync.replicas') };
  if (replicas === 1)
    logger.warn(facts, 'the commit log has one replica: the loss of its broker is the loss of the log');
  else logger.info(facts, 'the commit log was found as it must be');
}

async function makeTopic(admin: Admin, options: TopicOptions, brokersAlive: number): Promise<void> {
  // What is made with one replica stays so: wait for the brokers that the list promises.
  if (options.brokers.length >= SAFE_REPLICAS && brokersAlive < SAFE_REPLICAS) {
    throw new Error(
      `${brokersAlive} broker(s) answer of the ${options.brokers.length} given, a safe topic needs ${SAFE_REPLICAS}`,
    );
  }
  const replicationFactor = brokersAlive >= SAFE_REPLICAS ? SAFE_REPLICAS : 1;
  const configEntries = rulesFor(replicationFactor).map(({ name, value }) => ({ name, value }));
  const { topic } = options;
  const isNew = await admin.createTopics({
    topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }],
    timeout: KAFKA_LIMITS.adminTimeoutMs,
    waitForLeaders: true,
  });
  if (isNew) options.logger.info({ topic, replicationFactor }, 'the topic of the commit log was made');
}

async function withAdmin(options: TopicOptions, use: (admin: Admin) => Promise<void>): Promise<void> {
  quietRequestQueue();
  const { ssl, sasl } = options.security;
  const kafka = new Kafka({
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
    brokers: namesOf(options.brokers),
    clientId: options.clientId,
    connectionTimeout: KAFKA_LIMITS.connectTimeoutMs,
    requestTimeout: KAFKA_LIMITS.adminTimeoutMs,
    retry: { retries: options.brokers.length, initialRetryTime: 50, maxRetryTime: 500 },
    // What goes wrong is told by the rejections.
    logLevel: logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) => brokerSocket({ host, port, ssl, onConnect }),
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await use(admin);
  } finally {
    await admin.disconnect();
  }
}

function unreachableLog(options: TopicOptions, cause: unknown): FatalError {
  const message =
    `the commit log's brokers (${namesOf(options.brokers).join(', ')}) were not ready in ${options.startTimeoutMs} ms: ` +
    `${messageOf(cause)}; see that they run and that their advertised addresses can be reached from here`;
  return new FatalError(EXIT.logUnreachable, message, { cause });
}

function namesOf(brokers: readonly BrokerAddress[]): string[] {
  return brokers.map(({ host, port }) => `${host}:${port}`);
}
