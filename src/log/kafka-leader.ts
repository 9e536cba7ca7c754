// The connection to the leader of the topic's partition: found by asking several brokers at once, kept until something goes wrong, then dropped whole.
import { messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import type { AnswerMemory } from './kafka-answers.ts';
import { type BrokerAddress, BrokerConnection } from './kafka-connection.ts';
import { askMetadata } from './kafka-requests.ts';
import type { KafkaSecurity } from './kafka-security.ts';

export type LeaderOptions = {
  /** Where to ask first; what the brokers tell of each other is asked too. */
  readonly bootstrap: readonly BrokerAddress[];
  readonly topic: string;
  readonly clientId: string;
  readonly security: KafkaSecurity;
  /** Default: each answer has its own. */
  readonly memory?: AnswerMemory | undefined;
  random(): number;
};

/**
 * One such object for each use (appending, each follower, questions): a fetch that waits must not hold up an append, and
 * dropping one after a timeout leaves the others alone. A dropped one bootstraps anew from all known brokers, for a hung
 * broker still takes connections, and only the others know that it is deposed.
 */
export class LeaderConnection {
  readonly #options: LeaderOptions;
  #known: readonly BrokerAddress[] = [];
  #current: BrokerConnection | undefined;
  #lookup: Promise<BrokerConnection> | undefined;
  #isClosed = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The open connection to the leader. Rejects after lookupTimeoutMs at the latest. */
  leader(): Promise<BrokerConnection> {
    if (this.#isClosed) return Promise.reject(new Error('the log is closed'));
    if (this.#current?.isOpen) return Promise.resolve(this.#current);
    this.#lookup ??= this.#find().finally(() => {
      this.#lookup = undefined;
    });
    return this.#lookup;
  }

  /** Forgets the leader, unless it is another one by now; everything under way on the connection rejects. */
  drop(connection: BrokerConnection | undefined, reason: string): void {
    connection?.close(reason);
    if (this.#current === connection) this.#current = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.drop(this.#current, 'the log is closed');
  }

  async #find(): Promise<BrokerConnection> {
    const lookup = new Lookup(this.#options);
    try {
      const found = await lookup.run(this.#candidates());
      if (this.#isClosed) {
        found.leader.close('the log is closed');
        throw new Error('the log is closed');
      }
      this.#known = found.brokers;
      this.#current = found.leader;
      return found.leader;
    } finally {
      lookup.end();
    }
  }

  #candidates(): BrokerAddress[] {
    const byName = new Map([...this.#options.bootstrap, ...this.#known].map((broker) => [nameOf(broker), broker]));
    return someOf([...byName.values()], this.#options.random);
  }
}

/** Those that are asked at once, chosen by chance where there are more. */
export function someOf(brokers: readonly BrokerAddress[], random: () => number): BrokerAddress[] {
  const shuffled = brokers.map((broker) => ({ broker, order: random() }));
  shuffled.sort((a, b) => a.order - b.order);
  return shuffled.slice(0, KAFKA_LIMITS.brokersAsked).map(({ broker }) => broker);
}

type Found = { readonly leader: BrokerConnection; readonly brokers: readonly BrokerAddress[] };

/** One search: the first broker that names a leader is believed. If it is wrong, the leader says so, and we ask again. */
class Lookup {
  readonly #topic: string;
  readonly #clientId: string;
  readonly #security: KafkaSecurity;
  readonly #memory: AnswerMemory | undefined;
  readonly #opened = new Set<BrokerConnection>();
  #isOver = false;

  constructor({ topic, clientId, security, memory }: LeaderOptions) {
    this.#topic = topic;
    this.#clientId = clientId;
    this.#security = security;
    this.#memory = memory;
  }

  async run(candidates: readonly BrokerAddress[]): Promise<Found> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const patience = setTimeout(
      () => reject(new Error(`no broker named a leader in ${KAFKA_LIMITS.lookupTimeoutMs} ms`)),
      KAFKA_LIMITS.lookupTimeoutMs,
    );
    try {
      return await Promise.race([tooLate, this.#askAll(candidates)]);
    } finally {
      clearTimeout(patience);
    }
  }

  /** Closes every connection that was not handed out. */
  end(): void {
    this.#isOver = true;
    for (const connection of this.#opened) connection.close('the search for the leader is over');
  }

  async #askAll(candidates: readonly BrokerAddress[]): Promise<Found> {
    try {
      const answer = await Promise.any(candidates.map((address) => this.#ask(address)));
      const isLeaderItself = nameOf(answer.connection.address) === nameOf(answer.leader);
      const leader = isLeaderItself ? answer.connection : await this.#open(answer.leader);
      this.#opened.delete(leader);
      return { leader, brokers: answer.brokers };
    } catch (error) {
      const reasons = error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error);
      throw new Error(`the leader of topic ${this.#topic} was not found: ${reasons}`, { cause: error });
    }
  }

  async #ask(address: BrokerAddress) {
    const connection = await this.#open(address);
    const answer = await connection.exchange(askMetadata(this.#topic), KAFKA_LIMITS.lookupTimeoutMs);
    const leaderId = answer.topicMetadata[0]?.partitionMetadata.find((one) => one.partitionId === 0)?.leader ?? -1;
    const leader = answer.brokers.find((broker) => broker.nodeId === leaderId);
    if (leader === undefined) throw new Error(`${nameOf(address)} knows of no leader`);
    return { connection, leader, brokers: answer.brokers };
  }

  async #open(address: BrokerAddress): Promise<BrokerConnection> {
    const connection = new BrokerConnection(address, this.#clientId, this.#security, this.#memory);
    this.#opened.add(connection);
    await connection.open();
    if (this.#isOver) connection.close('the search for the leader is over');
    return connection;
  }
}

function nameOf(broker: BrokerAddress): string {
  return `${broker.host}:${broker.port}`;
}
