// The commit log's topic: made when it is missing, and its settings judged at every start; a wrong one loses data, so it is refused.
import { EXIT, FatalError, messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { backoffMs, pauseFor } from './backoff.ts';
import type { BrokerAddress } from './kafka-connection.ts';
import { findTopic, type TopicFacts, type TopicQuestion } from './kafka-topic-facts.ts';

export type TopicOptions = TopicQuestion & {
  readonly logger: Logger;
  /** Brokers may come up later than we do: it is tried this long. */
  readonly startTimeoutMs: number;
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
      return await before(deadline, makeAndJudge(options), reason);
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
 * Rejects at the deadline, with the reason given: a silent broker is waited for as long as an answer may take, and asked by
 * kafkajs several times.
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

async function makeAndJudge(options: TopicOptions): Promise<void> {
  const { topic, logger } = options;
  let { facts, brokersAlive } = await findTopic(options);
  if (facts === undefined) {
    await make(options, brokersAlive);
    ({ facts } = await findTopic(options));
  }
  if (facts === undefined) throw new Error(`not every broker knows of topic ${topic} yet`);
  const [broker] = namesOf(options.brokers);
  const faults = topicFaults(facts, topic, broker ?? '');
  if (faults.length > 0) {
    throw new FatalError(
      EXIT.badConfiguration,
      `the topic ${topic} cannot be the commit log: ${faults.join('; and ')}`,
    );
  }
  const { replicas, settings } = facts;
  const told = { topic, replicas, minInSync: settings.get('min.insync.replicas') };
  if (replicas === 1)
    logger.warn(told, 'the commit log has one replica: the loss of its broker is the loss of the log');
  else logger.info(told, 'the commit log was found as it must be');
}

async function make(options: TopicOptions, brokersAlive: number): Promise<void> {
  // What is made with one replica stays so: wait for the brokers that the list promises.
  if (options.brokers.length >= SAFE_REPLICAS && brokersAlive < SAFE_REPLICAS) {
    throw new Error(
      `${brokersAlive} broker(s) answer of the ${options.brokers.length} given, a safe topic needs ${SAFE_REPLICAS}`,
    );
  }
  const replicationFactor = brokersAlive >= SAFE_REPLICAS ? SAFE_REPLICAS : 1;
  const configEntries = rulesFor(replicationFactor).map(({ name, value }) => ({ name, value }));
  const { makeTopic } = await import('./kafka-topic-maker.ts');
  const isNew = await makeTopic(options, { replicationFactor, configEntries });
  const { topic } = options;
  if (isNew) options.logger.info({ topic, replicationFactor }, 'the topic of the commit log was made');
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
