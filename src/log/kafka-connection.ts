// One connection to one broker, on kafkajs's own: no Nagle, no timers while idle, deadlines on the monotonic clock, and closed at once.
import type { Socket } from 'node:net';
import Connection, { type ConnectionLogger, type ProtocolRequest } from 'kafkajs/src/network/connection.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { messageOf } from '../base/errors.ts';
import { KAFKA_LIMITS } from '../base/limits.ts';
import { type AnswerMemory, AnswerReader, LASTING_MEMORY } from './kafka-answers.ts';
import { brokerSocket, type KafkaSecurity } from './kafka-security.ts';

export type BrokerAddress = { readonly host: string; readonly port: number };

/** A request of the Kafka protocol and how its answer is read. Error codes inside the answer are the caller's to judge. */
export type Exchange<T> = {
  readonly name: string;
  readonly request: ProtocolRequest;
  decode(bytes: Buffer): Promise<T>;
};

export class BrokerConnection {
  readonly address: BrokerAddress;
  readonly #connection: Connection;
  readonly #isAuthenticating: boolean;
  #socket: Socket | undefined;
  #answeredMs = 0;

  constructor(address: BrokerAddress, clientId: string, { ssl, sasl }: KafkaSecurity, memory = LASTING_MEMORY) {
    this.address = address;
    this.#isAuthenticating = sasl !== undefined;
    quietRequestQueue();
    this.#connection = new Connection({
      host: address.host,
      port: address.port,
      clientId,
      logger: SILENT,
      socketFactory: ({ host, port, onConnect }) => {
        this.#socket = brokerSocket({ host, port, ssl, onConnect, onread: this.#reading(memory) });
        return this.#socket;
      },
      // It keeps what it makes of it there, so each has its own.
      ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
      connectionTimeout: KAFKA_LIMITS.connectTimeoutMs,
      // kafkajs compares wall clocks ten times a second; `exchange` has its own timer instead.
      requestTimeout: KAFKA_LIMITS.offsetsTimeoutMs,
      enforceRequestTimeout: false,
    });
  }

  get isOpen(): boolean {
    return this.#connection.isConnected();
  }

  /** Rejects after twice connectTimeoutMs at the latest. */
  async open(): Promise<void> {
    try {
      await this.#connection.connect();
      if (this.#isAuthenticating) await this.#authenticate();
    } catch (error) {
      this.close('it could not be opened');
      throw error;
    }
  }

  /** kafkajs would put each answer together from pieces of 64 KiB, in new memory. */
  #reading(memory: AnswerMemory) {
    const answers = new AnswerReader(memory, ({ correlationId, payload }) =>
      this.#connection.requestQueue.fulfillRequest({ correlationId, payload, size: payload.length }),
    );
    const callback = (length: number) => {
      try {
        answers.took(length);
      } catch (error) {
        this.close(`what came was no answer: ${messageOf(error)}`);
      }
      return true;
    };
    return { buffer: () => answers.room(), callback };
  }

  async #authenticate(): Promise<void> {
    const ms = KAFKA_LIMITS.connectTimeoutMs;
    const impatience = setTimeout(() => this.close(`it was not authenticated in ${ms} ms`), ms);
    this.#connection.setVersions(SASL_VERSIONS);
    this.#connection.setSupportAuthenticationProtocol(true);
    await this.#connection.authenticate().finally(() => clearTimeout(impatience));
  }

  /**
   * Sends one request; answers come in the order of the requests. When none has come for `timeoutMs` the connection is
   * closed, for whoever hangs on one request hangs on the next, and everything under way on it rejects.
   */
  async exchange<T>(exchange: Exchange<T>, timeoutMs: number): Promise<T> {
    const sentMs = performance.now();
    let cancel = () => {};
    const arm = (ms: number) => {
      const timer = setTimeout(lookOnce, ms);
      cancel = () => clearTimeout(timer);
    };
    // After a pause of this process timers run before sockets are read: the answer may be waiting there, so look at them first.
    const lookOnce = () => {
      const turn = setImmediate(judge);
      cancel = () => clearImmediate(turn);
    };
    const judge = () => {
      const silentMs = performance.now() - Math.max(sentMs, this.#answeredMs);
      if (silentMs < timeoutMs) arm(timeoutMs - silentMs);
      else this.close(`${exchange.name} was not answered in ${timeoutMs} ms`);
    };
    arm(timeoutMs);
    try {
      return await this.#connection.send({
        request: exchange.request,
        response: { decode: exchange.decode, parse: async (answer) => answer },
        logResponseError: false,
      });
    } finally {
      this.#answeredMs = performance.now();
      cancel();
    }
  }

  /** Everything under way rejects; what is still in our buffers is not sent. */
  close(reason: string): void {
    const { host, port } = this.address;
    this.#connection.rejectRequests(new Error(`the connection to ${host}:${port} was closed: ${reason}`));
    void this.#connection.disconnect();
    this.#socket?.destroy();
  }
}

/** By API key: SaslHandshake and SaslAuthenticate, as every broker that we take knows them. */
const SASL_VERSIONS = { 17: { minVersion: 0, maxVersion: 1 }, 36: { minVersion: 0, maxVersion: 1 } } as const;

const nothing = () => {};
/** What goes wrong is told by the rejections. */
const SILENT: ConnectionLogger = {
  namespace: () => SILENT,
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
};

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests;

/**
 * kafkajs 2.2.4 re-arms a timer with a negative delay for ever, one a connection: 450 ms of processor time in 10 s of
 * idleness. With nothing pending and no throttling there is nothing to check.
 */
export function quietRequestQueue(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhenNeeded(this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
