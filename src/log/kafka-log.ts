// The commit log on Apache Kafka: one topic with one partition is one total order (docs/architecture.md, the log).
import { EXIT, FatalError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { AppendRefused, type CommitLog, type FollowOptions } from './commit-log.ts';
import { type AnswerMemory, ReusedMemory } from './kafka-answers.ts';
import { appendToLeader } from './kafka-appender.ts';
import type { BrokerAddress } from './kafka-connection.ts';
import { followLeader } from './kafka-follower.ts';
import { LeaderConnection } from './kafka-leader.ts';
import { OffsetQuestions } from './kafka-offsets.ts';
import type { KafkaSecurity } from './kafka-security.ts';
import { prepareTopic } from './kafka-topic.ts';

export type KafkaLogOptions = {
  /** Bootstrap addresses, `host:port`. With three or more, the topic is made with three replicas. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly logger: Logger;
  readonly startTimeoutMs: number;
  /** Default: plain connections, to brokers that ask nobody who they are. */
  readonly security?: KafkaSecurity;
  /** What the brokers' own logs call us. */
  readonly clientId?: string;
  random?(): number;
};

/**
 * Opens the log, making its topic when it is missing. Rejects with FatalError: badConfiguration for a wrong address or
 * topic setting, logUnreachable when no broker was ready in startTimeoutMs.
 *
 * "Durable" means in the page caches of all in-sync replicas, not on their disks: one machine's power loss is survived with
 * three replicas, not with one (unless its broker has flush.messages=1).
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<CommitLog> {
  const { topic, logger, startTimeoutMs, clientId = 'chorus', security = {}, random = Math.random } = options;
  const brokers = options.brokers.map(parseAddress);
  if (brokers.length === 0) throw new FatalError(EXIT.badConfiguration, 'the list of Kafka brokers is empty');
  await prepareTopic({ brokers, topic, clientId, security, logger, startTimeoutMs, random });
  return new KafkaLog({ brokers, topic, clientId, security, logger, random });
}

type OpenOptions = {
  readonly brokers: readonly BrokerAddress[];
  readonly topic: string;
  readonly clientId: string;
  readonly security: KafkaSecurity;
  readonly logger: Logger;
  random(): number;
};

class KafkaLog implements CommitLog {
  readonly #options: OpenOptions;
  readonly #appending: LeaderConnection;
  readonly #asking: LeaderConnection;
  readonly #questions: OffsetQuestions;
  readonly #closed = new AbortController();
  readonly #following = new Set<Promise<void>>();

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#appending = this.#connection();
    this.#asking = this.#connection();
    this.#questions = new OffsetQuestions(this.#asking, options.topic, options.random);
  }

  append(payload: Uint8Array): Promise<{ offset: number }> {
    if (this.#closed.signal.aborted) {
      return Promise.reject(new AppendRefused('the log is closed', { isPermanent: false }));
    }
    return appendToLeader(this.#appending, this.#options.topic, payload);
  }

  start(): Promise<number> {
    return this.#questions.start();
  }

  end(): Promise<number> {
    return this.#questions.end();
  }

  /** A deposed leader answers questions for the end like a true one; an append to it fails. */
  async barrier(): Promise<'append'> {
    return 'append';
  }

  async follow(options: FollowOptions): Promise<void> {
    const memory = options.payloads === 'passing' ? new ReusedMemory() : undefined;
    const following = followLeader({
      ...options,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
      connection: this.#connection(memory),
      memory,
      topic: this.#options.topic,
      logger: this.#options.logger,
      random: this.#options.random,
    });
    this.#following.add(following);
    try {
      await following;
    } finally {
      this.#following.delete(following);
    }
  }

  trim(before: number): Promise<void> {
    return this.#questions.trim(before);
  }

  /** Appends under way become unknown; followers end, each after the records that it is taking. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#appending.close();
    this.#asking.close();
    await Promise.allSettled(this.#following);
  }

  #connection(memory?: AnswerMemory): LeaderConnection {
    const { brokers, topic, clientId, security, random } = this.#options;
    return new LeaderConnection({ bootstrap: brokers, topic, clientId, security, memory, random });
  }
}

function parseAddress(text: string): BrokerAddress {
  const parts = /^([^\s:/]+):(\d{1,5})$/.exec(text);
  const [, host, port] = parts ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    throw new FatalError(EXIT.badConfiguration, `"${text}" is not a Kafka broker's address; it has the form host:port`);
  }
  return { host, port: Number(port) };
}
