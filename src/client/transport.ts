// One call over HTTP, repeated with the same id on the next address until its answer is known or its deadline has passed.
import { Agent, type AgentOptions, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import axios, { type AxiosInstance, type AxiosResponse, isAxiosError } from 'axios';
import { isUnsent } from '../base/unsent.ts';
import type { World } from '../base/world.ts';
import { ChorusError, errorOf, problemOf } from './errors.ts';

export type ClientWorld = Pick<World, 'clock' | 'random' | 'newId'>;

export type Call = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query, beginning with a slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of the intention: the same in every attempt. Undefined for reads. */
  readonly id: string | undefined;
  /** Milliseconds from now after which no attempt is begun or waited for. */
  readonly deadlineMs: number;
};

export type Answer = {
  readonly status: number;
  /** Undefined when the header is absent. Names in lower case. */
  header(name: string): string | undefined;
  readonly body: Uint8Array;
  readonly id: string | undefined;
  /** How many requests it took. */
  readonly attempts: number;
};

type TransportOptions = {
  readonly baseUrls: readonly string[];
  readonly attemptTimeoutMs: number;
  readonly maxConnections: number;
  /** For https addresses. */
  readonly tls: SecureContextOptions;
  readonly bearerToken: string | undefined;
  readonly world: ClientWorld;
};

/** A stream of server-sent events that a node has begun. */
export type EventSource = {
  /** What comes next, as text; undefined once the stream has ended, in order or not. */
  read(): Promise<string | undefined>;
  close(): void;
};

/** These say that the same request may fare better later or elsewhere; every other status is final. */
const REPEATED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const BACKOFF_MIN_MS = 25;
const BACKOFF_MAX_MS = 1000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Owns the connections, kept alive between calls. Stays with one address until an attempt there fails. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agents: Agents;
  /** Streams last: they take no connection away from calls. */
  readonly #streamAgents: Agents;
  readonly #http: AxiosInstance;
  #current = 0;
  #streams = 0;
  #isClosed = false;

  constructor(options: TransportOptions) {
    if (options.baseUrls.length === 0) throw new TypeError('a client needs at least one base URL');
    this.#options = options;
    this.#agents = agentsOf({ keepAlive: true, maxSockets: options.maxConnections }, options.tls);
    this.#streamAgents = agentsOf({}, options.tls);
    this.#http = axios.create({
      ...this.#agents,
      proxy: false,
      maxRedirects: 0,
      responseType: 'arraybuffer',
      ...(options.bearerToken === undefined ? {} : { headers: { authorization: `Bearer ${options.bearerToken}` } }),
      validateStatus: () => true,
      maxContentLength: MAX_ANSWER_BYTES,
      maxBodyLength: MAX_ANSWER_BYTES,
      transformRequest: (data: unknown) => data,
    });
  }

  /** Resolves with the first final answer; throws a ChorusError 'deadline' that says whether the call may have been applied. */
  async call(call: Call): Promise<Answer> {
    const { clock } = this.#options.world;
    const giveUpAt = clock.monotonicMs() + call.deadlineMs;
    let mayBeApplied = false;
    let lastTrouble = 'no attempt was made';
    for (let attempts = 1; ; attempts++) {
      const leftMs = giveUpAt - clock.monotonicMs();
      if (leftMs <= 0) throw this.#givenUp(call, mayBeApplied, attempts - 1, lastTrouble);
      const result = await this.#attempt(call, Math.min(leftMs, this.#options.attemptTimeoutMs));
      if (result.kind === 'answered' && !REPEATED_STATUSES.has(result.response.status)) {
        return asAnswer(result.response, call.id, attempts);
      }
      mayBeApplied ||= result.kind === 'answered' ? !isNotApplied(result.response) : result.wasSent;
      lastTrouble = result.kind === 'answered' ? `answered ${result.response.status}` : result.trouble;
      this.#current = (this.#current + 1) % this.#options.baseUrls.length;
      const isRoundOver = attempts % this.#options.baseUrls.length === 0;
      if (isRoundOver) await this.#backOff(attempts, retryAfterMs(result), giveUpAt - clock.monotonicMs());
    }
  }

  /**
   * Opens a stream at the next address, in turn, on a connection of its own. Undefined when that failed and another address may do
   * better; throws the error that a final answer is.
   */
  async openEvents(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<EventSource | undefined> {
    const url = `${this.#options.baseUrls[this.#streams++ % this.#options.baseUrls.length] ?? ''}${path}`;
    const giveUp = new AbortController();
    const cancel = this.#options.world.clock.after(this.#options.attemptTimeoutMs, () => giveUp.abort());
    const ending = signal === undefined ? giveUp.signal : AbortSignal.any([signal, giveUp.signal]);
    try {
      const { status, data } = await this.#http.get<IncomingMessage>(url, {
        headers: { ...headers, accept: 'text/event-stream' },
        responseType: 'stream',
        ...this.#streamAgents,
        signal: ending,
        maxContentLength: -1,
      });
      if (status === 200) return eventSource(data, signal);
      const problem = problemOf(await bytesOf(data));
      if (REPEATED_STATUSES.has(status) || problem === undefined) return undefined;
      throw errorOf(problem, status, undefined);
    } catch (error) {
      if (isAxiosError(error)) return undefined;
      throw error;
    } finally {
      cancel();
    }
  }

  get addresses(): number {
    return this.#options.baseUrls.length;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    for (const { httpAgent, httpsAgent } of [this.#agents, this.#streamAgents]) {
      httpAgent.destroy();
      httpsAgent.destroy();
    }
  }

  async #attempt(call: Call, timeoutMs: number): Promise<Attempt> {
    const url = `${this.#options.baseUrls[this.#current] ?? ''}${call.path}`;
    const headers = { ...call.headers, ...(call.id === undefined ? {} : { 'idempotency-key': call.id }) };
    const timeout = new AbortController();
    const cancel = this.#options.world.clock.after(timeoutMs, () => timeout.abort());
    try {
      const body = call.body === undefined ? {} : { data: call.body };
      const signal = timeout.signal;
      const response = await this.#http.request<Uint8Array>({ method: call.method, url, headers, signal, ...body });
      return { kind: 'answered', response };
    } catch (error) {
      if (!isAxiosError(error)) throw error;
      const trouble = timeout.signal.aborted ? `no answer within ${Math.round(timeoutMs)} ms` : error.message;
      return { kind: 'lost', trouble, wasSent: !isUnsent(error) };
    } finally {
      cancel();
    }
  }

  /** Doubles with each round, with jitter so that clients that failed together do not come back together. */
  async #backOff(attempts: number, askedMs: number, leftMs: number): Promise<void> {
    const round = attempts / this.#options.baseUrls.length;
    const fullMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(round, 10));
    const waitMs = Math.max(askedMs, fullMs * (0.5 + this.#options.world.random() / 2));
    await new Promise<void>((resolve) => {
      this.#options.world.clock.after(Math.max(0, Math.min(waitMs, leftMs)), resolve);
    });
  }

  #givenUp(call: Call, mayBeApplied: boolean, attempts: number, trouble: string): ChorusError {
    const message = `${call.method} ${call.path} had no final answer within ${call.deadlineMs} ms (${attempts} attempts; ${trouble})`;
    const outcome = mayBeApplied && call.id !== undefined ? 'unknown' : 'not-applied';
    return new ChorusError({ code: 'deadline', message, status: undefined, outcome, id: call.id, isRetryable: true });
  }
}

type Agents = { readonly httpAgent: Agent; readonly httpsAgent: SecureAgent };

function agentsOf(options: AgentOptions, tls: SecureContextOptions): Agents {
  return { httpAgent: new Agent(options), httpsAgent: new SecureAgent({ ...options, ...tls }) };
}

type Attempt =
  | { readonly kind: 'answered'; readonly response: AxiosResponse<Uint8Array> }
  | { readonly kind: 'lost'; readonly trouble: string; readonly wasSent: boolean };

function eventSource(body: IncomingMessage, signal: AbortSignal | undefined): EventSource {
  const close = () => {
    signal?.removeEventListener('abort', close);
    body.destroy();
  };
  signal?.addEventListener('abort', close, { once: true });
  body.setEncoding('utf8');
  const parts: AsyncIterator<string> = body.iterator();
  return {
    async read() {
      try {
        const { done, value } = await parts.next();
        return done === true ? undefined : value;
      } catch {
        // Cut off: what was read before is whole blocks, and the rest comes from another node.
        return undefined;
      }
    },
    close,
  };
}

async function bytesOf(body: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function asAnswer(response: AxiosResponse<Uint8Array>, id: string | undefined, attempts: number): Answer {
  return {
    status: response.status,
    header: (name) => headerOf(response, name),
    body: response.data,
    id,
    attempts,
  };
}

function headerOf(response: AxiosResponse<Uint8Array>, name: string): string | undefined {
  const value: unknown = response.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function isNotApplied(response: AxiosResponse<Uint8Array>): boolean {
  return problemOf(response.data)?.outcome === 'not-applied';
}

function retryAfterMs(result: Attempt): number {
  const seconds = result.kind === 'answered' ? Number(headerOf(result.response, 'retry-after') ?? 0) : 0;
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
