// Follows the Kafka topic without a consumer group: fetches from the leader, one answer ahead of what is being applied.
import { InvariantBroken } from '../base/assert.ts';
import { FatalError, messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { backoffMs, pauseFor } from './backoff.ts';
import { type FollowOptions, OffsetOutOfRange } from './commit-log.ts';
import type { ReusedMemory } from './kafka-answers.ts';
import { CODE, KafkaCode } from './kafka-codes.ts';
import type { BrokerConnection } from './kafka-connection.ts';
import type { LeaderConnection } from './kafka-leader.ts';
import { offsetAt } from './kafka-offsets.ts';
import { type Fetched, fetchFrom } from './kafka-requests.ts';

export type FollowerOptions = FollowOptions & {
  /** The follower's own; closed when it ends. */
  readonly connection: LeaderConnection;
  /** Of the connection's answers; undefined: each has its own. */
  readonly memory: ReusedMemory | undefined;
  readonly topic: string;
  readonly logger: Logger;
  random(): number;
};

/** As CommitLog.follow. Outages are waited out for as long as they take; only what cannot mend by itself rejects. */
export async function followLeader(options: FollowerOptions): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const follower = new Follower({ ...options, signal });
  signal.addEventListener('abort', () => options.connection.close());
  if (signal.aborted) options.connection.close();
  try {
    let fetching = follower.fetch(options.from);
    while (!options.signal.aborted) {
      const fetched = await fetching;
      if (fetched === undefined || options.signal.aborted) return;
      fetching = follower.fetch(fetched.next);
      // It is awaited after the records were taken; until then a rejection of it has to wait too.
      fetching.catch(() => {});
      if (fetched.records.length > 0) await options.onRecords(fetched.records);
      options.memory?.give(fetched.answer);
    }
  } finally {
    ended.abort();
  }
}

class Follower {
  readonly #options: FollowerOptions;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** One answer with or without records, however long it takes to get; undefined when aborted. */
  async fetch(offset: number): Promise<Fetched | undefined> {
    const { signal, random } = this.#options;
    const outage = new Outage(this.#options.logger, offset);
    let timesOutOfRange = 0;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      let leader: BrokerConnection | undefined;
      try {
        leader = await this.#options.connection.leader();
        const fetched = await leader.exchange(fetchFrom(this.#options.topic, offset), KAFKA_LIMITS.fetchTimeoutMs);
        if (fetched.code === 0) {
          outage.ended();
          return fetched;
        }
        // Fatal to the caller, so it is believed only when a second look-up of the leader says the same.
        if (fetched.code === CODE.offsetOutOfRange) timesOutOfRange += 1;
        if (timesOutOfRange > 1) await this.#assertInRange(offset);
        throw new KafkaCode('a fetch', fetched.code);
      } catch (error) {
        if (isFinal(error)) throw error;
        if (signal.aborted) return undefined;
        this.#options.connection.drop(leader, `a fetch failed: ${messageOf(error)}`);
        outage.failed(error);
      }
      await pauseFor(backoffMs(attempt, random), signal);
    }
    return undefined;
  }

  /** Throws OffsetOutOfRange unless the log holds the offset, or it is the next one. The fetch's answer does not say which end was missed. */
  async #assertInRange(offset: number): Promise<void> {
    const { connection, topic } = this.#options;
    const start = await offsetAt(connection, topic, 'start');
    const end = await offsetAt(connection, topic, 'end');
    if (offset < start || offset > end) throw new OffsetOutOfRange(offset, start, end);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof OffsetOutOfRange || error instanceof FatalError || error instanceof InvariantBroken;
}

/** Says once that the log could not be read, and once that it can be again. */
class Outage {
  readonly #logger: Logger;
  readonly #offset: number;
  #sinceMs: number | undefined;

  constructor(logger: Logger, offset: number) {
    this.#logger = logger;
    this.#offset = offset;
  }

  failed(error: unknown): void {
    if (this.#sinceMs !== undefined) return;
    this.#sinceMs = performance.now();
    this.#logger.warn({ offset: this.#offset, reason: messageOf(error) }, 'the commit log could not be read');
  }

  ended(): void {
    if (this.#sinceMs === undefined) return;
    const outageMs = Math.round(performance.now() - this.#sinceMs);
    this.#logger.info({ offset: this.#offset, outageMs }, 'the commit log was read again');
  }
}
