// The queue in RabbitMQ: durable, confirmed, acknowledged by hand, with a queue of dead letters; it connects again by itself.
//
// What was acknowledged just before the broker was killed may come again: brokers do not confirm acknowledgements. Whoever
// consumes has to know the ids of what is done (`ids` of FlushGuard).
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsumeMessage } from 'amqplib';
import { systemWorld } from '../../base/system-world.ts';
import { within } from '../deadline.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { CacheError } from '../errors.ts';
import type { ConsumeOptions, Delivery, WriteQueue } from '../ports.ts';
import { openSession, type RabbitmqNames, type Session } from './rabbitmq-session.ts';

export type RabbitmqOptions = {
  /** `amqp://user:password@host[:port][/vhost]`; `amqps://` for TLS. */
  readonly url: string;
  readonly queue: string;
  /** The queue's name unless given. */
  readonly exchange?: string;
  readonly routingKey?: string;
  /** The exchange and the queue of dead letters: the queue's name and `.dead` unless given. */
  readonly deadLetters?: string;
  /** For health pages: `rabbitmq` unless given. */
  readonly name?: string;
  /** Until a message is confirmed; 5 s unless given. */
  readonly publishTimeout?: Duration;
  /** Until a connection stands and everything is declared; 5 s unless given. */
  readonly connectTimeout?: Duration;
};

/** Header of a dead letter: why it could not be done. */
export const REASON_HEADER = 'reason';

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2000;

/**
 * Connects when it is first used. `count` knows of what was handed out to this consumer, not of what others hold. Between two
 * failed attempts to connect calls are rejected at once.
 */
export function rabbitmq(options: RabbitmqOptions): WriteQueue {
  const { queue, name = 'rabbitmq', publishTimeout = '5s', connectTimeout = '5s' } = options;
  const names: RabbitmqNames = {
    queue,
    exchange: options.exchange ?? queue,
    routingKey: options.routingKey ?? queue,
    dead: options.deadLetters ?? `${queue}.dead`,
  };
  const publishTimeoutMs = milliseconds(publishTimeout, 'publishTimeout');
  const connectTimeoutMs = milliseconds(connectTimeout, 'connectTimeout');
  let session: Session | undefined;
  let opening: Promise<Session> | undefined;
  let closing: Promise<void> | undefined;
  let lastFailure: CacheError | undefined;
  let failures = 0;
  let nextAttemptMs = 0;
  let unended = 0;

  async function connected(): Promise<Session> {
    if (closing !== undefined) throw new CacheError('down', name, 'closed');
    if (session?.isOpen) return session;
    if (opening === undefined && performance.now() < nextAttemptMs) {
      throw new CacheError('down', name, lastFailure?.message ?? 'not connected', { cause: lastFailure });
    }
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return await opening;
  }

  async function open(): Promise<Session> {
    try {
      session = await openSession({ part: name, url: options.url, names, connectTimeoutMs });
      failures = 0;
      return session;
    } catch (error) {
      nextAttemptMs = performance.now() + backoffMs(failures);
      failures += 1;
      lastFailure = error instanceof CacheError ? error : undefined;
      throw error;
    }
  }

  function deliveryOf(from: Session, message: ConsumeMessage): Delivery {
    const { properties, content } = message;
    const id = String(properties.messageId ?? '');
    let isEnded = false;
    unended += 1;
    void from.ended.then(() => leave());
    const leave = () => {
      if (isEnded) return;
      isEnded = true;
      unended -= 1;
    };
    /** What ends after its connection did is handed out again: nothing has happened. */
    const end = (how: (session: Session) => void) => {
      if (!from.isOpen) throw new CacheError('down', name, 'the connection was lost; it is handed out again');
      if (isEnded) throw new CacheError('refused', name, 'this delivery was ended before');
      leave();
      how(from);
    };
    return {
      id,
      body: content,
      attempt: attemptOf(message),
      acknowledge: async () => end(({ channel }) => channel.ack(message)),
      giveBack: async () => end(({ channel }) => channel.nack(message, false, true)),
      async bury(reason) {
        if (isEnded) return end(() => {});
        // In this order: a crash in between leaves it twice rather than nowhere.
        await from.publish(names.dead, '', { id, body: content }, publishTimeoutMs, { [REASON_HEADER]: reason });
        end(({ channel }) => channel.ack(message));
      },
    };
  }

  /** Until the signal or the end of the connection. */
  async function consumeOnce({ maxUnended, onDelivery, signal }: ConsumeOptions): Promise<void> {
    const from = await connected();
    const { channel } = from;
    await channel.prefetch(maxUnended);
    const { consumerTag } = await channel.consume(queue, (message) => {
      // The queue was deleted: connecting again declares it again.
      if (message === null) void from.close(connectTimeoutMs);
      else if (signal.aborted) channel.nack(message, false, true);
      else onDelivery(deliveryOf(from, message));
    });
    if (!signal.aborted) await Promise.race([from.ended, once(signal, 'abort')]);
    if (from.isOpen) await Promise.race([channel.cancel(consumerTag), from.ended]);
  }

  return {
    name,

    async publish(message) {
      const over = await connected();
      await over.publish(names.exchange, names.routingKey, message, publishTimeoutMs);
    },

    async consume(consumer) {
      const { signal } = consumer;
      for (let failed = 0; !signal.aborted && closing === undefined; ) {
        const isLost = await consumeOnce(consumer).then(
          () => false,
          () => true,
        );
        failed = isLost ? failed + 1 : 0;
        if (!signal.aborted) await delay(backoffMs(failed), undefined, { signal }).catch(() => {});
      }
    },

    async count() {
      const { channel, ended } = await connected();
      const counting = Promise.all([channel.checkQueue(queue), channel.checkQueue(names.dead)]);
      const losing = ended.then(() => {
        throw new CacheError('down', name, 'the connection was lost');
      });
      const [waiting, dead] = await within(publishTimeoutMs, name, systemWorld.clock, () =>
        Promise.race([counting, losing]),
      );
      return { waiting: waiting.messageCount + unended, dead: dead.messageCount };
    },

    close() {
      closing ??= (async () => {
        const open = session ?? (await opening?.catch(() => undefined));
        if (open?.isOpen) await open.close(connectTimeoutMs);
      })();
      return closing;
    },
  };
}

/** Quorum queues count; classic ones only know that it was handed out before. */
function attemptOf({ properties, fields }: ConsumeMessage): number {
  const counted: unknown = properties.headers?.['x-delivery-count'];
  if (typeof counted === 'number') return counted + 1;
  return fields.redelivered ? 2 : 1;
}

function backoffMs(failures: number): number {
  return Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}
