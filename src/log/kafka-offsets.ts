// The two ends of the Kafka log, asked of its leader, and the trim.
import { messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import { backoffMs, pauseFor } from './backoff.ts';
import { OffsetOutOfRange } from './commit-log.ts';
import { CODE, KafkaCode } from './kafka-codes.ts';
import type { BrokerConnection } from './kafka-connection.ts';
import type { LeaderConnection } from './kafka-leader.ts';
import { askOffset, deleteBelow } from './kafka-requests.ts';

/** One question, one answer: rejects whatever goes wrong. */
export async function offsetAt(connection: LeaderConnection, topic: string, which: 'start' | 'end'): Promise<number> {
  const leader = await connection.leader();
  const answer = await leader.exchange(askOffset(topic, which), KAFKA_LIMITS.offsetsTimeoutMs);
  if (answer.code !== CODE.none) throw new KafkaCode(`the question for the log's ${which}`, answer.code);
  return answer.offset;
}

/** Asks until there is an answer, for patienceMs at most. */
export class OffsetQuestions {
  readonly #connection: LeaderConnection;
  readonly #topic: string;
  readonly #random: () => number;

  constructor(connection: LeaderConnection, topic: string, random: () => number) {
    this.#connection = connection;
    this.#topic = topic;
    this.#random = random;
  }

  start(): Promise<number> {
    return this.#patiently(() => offsetAt(this.#connection, this.#topic, 'start'));
  }

  end(): Promise<number> {
    return this.#patiently(() => offsetAt(this.#connection, this.#topic, 'end'));
  }

  /** Resolves when the leader's log begins at `before` or later. Rejects with OffsetOutOfRange beyond the end. */
  async trim(before: number): Promise<void> {
    await this.#patiently(async () => {
      const start = await offsetAt(this.#connection, this.#topic, 'start');
      if (before <= start) return;
      const end = await offsetAt(this.#connection, this.#topic, 'end');
      if (before > end) throw new OffsetOutOfRange(before, start, end);
      const leader = await this.#connection.leader();
      const code = await leader.exchange(deleteBelow(this.#topic, before), KAFKA_LIMITS.offsetsTimeoutMs);
      // Timed out: the leader has trimmed, a replica that is down will when it comes back. The next round sees it.
      if (code !== CODE.none) throw new KafkaCode('a trim', code);
    });
  }

  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + KAFKA_LIMITS.patienceMs;
    for (let attempt = 0; ; attempt += 1) {
      let leader: BrokerConnection | undefined;
      try {
        leader = await this.#connection.leader();
        return await ask();
      } catch (error) {
        if (error instanceof OffsetOutOfRange || this.#connection.isClosed) throw error;
        this.#connection.drop(leader, `a question failed: ${messageOf(error)}`);
        if (performance.now() > deadline) throw error;
      }
      await pauseFor(backoffMs(attempt, this.#random));
    }
  }
}
