// One connection to RabbitMQ with all that is declared over it: it lives until anything of it fails, and is then made anew.
import { setTimeout as delay } from 'node:timers/promises';
import amqplib, { type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { CacheError } from '../errors.ts';
import type { QueueMessage } from '../ports.ts';

export type RabbitmqNames = {
  readonly exchange: string;
  readonly routingKey: string;
  readonly queue: string;
  /** The exchange and the queue of dead letters. */
  readonly dead: string;
};

type SessionOptions = {
  readonly part: string;
  readonly url: string;
  readonly names: RabbitmqNames;
  /** For all of it: connected, and everything declared. */
  readonly connectTimeoutMs: number;
};

/** Notices within two or three of these that the broker is gone without a word. */
const HEARTBEAT_SECONDS = 5;

/** Rejects with `down`: nothing was done but declaring. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { part, url, names, connectTimeoutMs: timeout } = options;
  const place = new URL(url);
  if (!place.searchParams.has('heartbeat')) place.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  let model: ChannelModel | undefined;
  let isLate = false;
  const opening = (async () => {
    model = await amqplib.connect(place.href, { timeout, noDelay: true, keepAlive: true });
    // Its failures are told by its end, and by all that waits for it.
    model.on('error', () => {});
    if (isLate) destroy(model);
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    await declare(channel, names, model.connection.serverProperties.version);
    return new Session(part, model, channel);
  })();
  const tooLate = delay(timeout, undefined, { ref: false }).then(() => {
    isLate = true;
    throw new Error(`no answer within ${timeout} ms`);
  });
  try {
    return await Promise.race([opening, tooLate]);
  } catch (cause) {
    opening.catch(() => {});
    if (model !== undefined) destroy(model);
    throw new CacheError('down', part, cause instanceof Error ? cause.message || 'cannot be reached' : String(cause), {
      cause,
    });
  } finally {
    tooLate.catch(() => {});
  }
}

/** Durable, all of it. One consumer is active at a time, so that writes of a key stay in order. */
async function declare(channel: Channel, names: RabbitmqNames, version: string): Promise<void> {
  const { exchange, routingKey, queue, dead } = names;
  await channel.assertExchange(dead, 'fanout', { durable: true });
  await channel.assertQueue(dead, { durable: true });
  await channel.bindQueue(dead, dead, '');
  await channel.assertExchange(exchange, 'direct', { durable: true });
  const consumers = { 'x-single-active-consumer': true };
  await channel.assertQueue(queue, {
    durable: true,
    deadLetterExchange: dead,
    arguments: { ...consumers, ...kindFor(version) },
  });
  await channel.bindQueue(queue, exchange, routingKey);
}

/**
 * A quorum queue from 3.13 on; before, one that was declared just before a kill may not come back. From 4.0 on it would bury
 * what was given back 20 times: who consumes decides that here.
 */
function kindFor(version: string): Readonly<Record<string, unknown>> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 3 || (major === 3 && minor < 13)) return { 'x-queue-type': 'classic' };
  return { 'x-queue-type': 'quorum', ...(major >= 4 && { 'x-delivery-limit': -1 }) };
}

export class Session {
  readonly channel: ConfirmChannel;
  /** Resolves when nothing can be done over it any more. */
  readonly ended: Promise<void>;
  readonly #part: string;
  readonly #model: ChannelModel;
  readonly #returned = new Set<string>();
  #isOpen = true;
  #unconfirmed = 0;
  #blockedBecause: string | undefined;

  constructor(part: string, model: ChannelModel, channel: ConfirmChannel) {
    this.#part = part;
    this.#model = model;
    this.channel = channel;
    channel.on('return', ({ properties }) => this.#returned.add(String(properties.messageId)));
    model.on('blocked', (reason) => {
      this.#blockedBecause = reason;
    });
    model.on('unblocked', () => {
      this.#blockedBecause = undefined;
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#isOpen = false;
        resolve();
        // A channel that the broker closed leaves the connection standing.
        destroy(model);
      };
      model.once('close', end);
      channel.once('close', end);
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when the broker has confirmed it. Rejects with CacheError. */
  publish(
    exchange: string,
    routingKey: string,
    { id, body }: QueueMessage,
    timeoutMs: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const refusal = this.#refusalOf(body);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const fail = (...[code, sentence, cause]: [ConstructorParameters<typeof CacheError>[0], string, unknown?]) =>
        reject(new CacheError(code, this.#part, sentence, { cause }));
      const timer = setTimeout(() => fail('timeout', `not confirmed within ${timeoutMs} ms`), timeoutMs);
      const settled = (error: unknown) => {
        clearTimeout(timer);
        this.#unconfirmed -= 1;
        if (error) fail('unknown', 'lost before it was confirmed', error);
        else if (this.#returned.delete(id)) fail('refused', `nothing is bound to ${exchange} for it`);
        else resolve();
      };
      const properties = { persistent: true, mandatory: true, messageId: id, headers };
      this.#unconfirmed += 1;
      try {
        this.channel.publish(exchange, routingKey, Buffer.from(body), properties, settled);
      } catch (error) {
        clearTimeout(timer);
        this.#unconfirmed -= 1;
        fail('down', 'the connection was lost', error);
      }
    });
  }

  /** Ends it in good order if the broker answers in time. */
  async close(timeoutMs: number): Promise<void> {
    await Promise.race([this.#model.close().catch(() => {}), delay(timeoutMs, undefined, { ref: false })]);
    destroy(this.#model);
    await this.ended;
  }

  #refusalOf(body: Uint8Array): CacheError | undefined {
    const { maxMessageBytes, maxUnconfirmed } = CACHE_LIMITS;
    if (!this.#isOpen) return new CacheError('down', this.#part, 'the connection was lost');
    if (body.length > maxMessageBytes) {
      return new CacheError('refused', this.#part, `a message of ${body.length} bytes; ${maxMessageBytes} at most`);
    }
    if (this.#blockedBecause !== undefined) {
      return new CacheError('full', this.#part, `takes nothing now: ${this.#blockedBecause}`);
    }
    if (this.#unconfirmed < maxUnconfirmed) return undefined;
    return new CacheError('full', this.#part, `${maxUnconfirmed} messages are not confirmed yet`);
  }
}

/**
 * The library ends connections only in agreement with the broker; of one that hangs only the socket can be ended. By an error:
 * else the library would not notice before the next heartbeats fail.
 */
function destroy(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { readonly stream?: { destroy(error: Error): void } };
  stream?.destroy(new Error('given up'));
}
