// A light load through one port: clients that put and count, and repeat whatever failed under the same id until it is known.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/base/errors.ts';

const CLIENTS = 4;
const BETWEEN_REQUESTS_MS = 5;
const BETWEEN_REPEATS_MS = 100;
const REQUEST_TIMEOUT_MS = 30_000;
/** For how long one request is repeated: longer than the whole cluster is away. */
const GIVE_UP_MS = 180_000;

type Window = {
  readonly answered: number;
  /** Tries that were not answered as they should be, and why: `503`, `fetch failed`. */
  readonly failed: ReadonlyMap<string, number>;
  /** The longest time from a request's first try to its good answer. */
  readonly longestMs: number;
};

export class Load {
  readonly #base: string;
  readonly #running: Promise<void>[] = [];
  /** What was acknowledged: the last value of each key. */
  readonly #values = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #isStopping = false;
  #revision = 0;
  #answered = 0;
  #longestMs = 0;
  #failed = new Map<string, number>();
  #waiting: { readonly answered: number; resolve(): void }[] = [];

  constructor(port: number) {
    this.#base = `http://127.0.0.1:${port}/v1/keys/`;
  }

  start(): void {
    for (let client = 0; client < CLIENTS; client++) {
      const running = this.#client(client);
      // Whoever waits for answers or for the end hears of it.
      running.catch(() => undefined);
      this.#running.push(running);
    }
  }

  /** Begins a new window. */
  clear(): void {
    this.#answered = 0;
    this.#longestMs = 0;
    this.#failed = new Map();
  }

  window(): Window {
    return { answered: this.#answered, failed: this.#failed, longestMs: Math.round(this.#longestMs) };
  }

  /** Resolves once so many more requests have been answered; rejects if a client gave up. */
  async answers(count: number): Promise<void> {
    const enough = new Promise<void>((resolve) => {
      this.#waiting.push({ answered: this.#answered + count, resolve });
    });
    await Promise.race([enough, Promise.all(this.#running)]);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
  }

  /** Reads every key and counter back; says what is not as it was acknowledged. */
  async differences(): Promise<readonly string[]> {
    const found: string[] = [];
    const expected = [...this.#values, ...[...this.#counts].map(([key, count]) => [key, String(count)] as const)];
    for (const [key, value] of expected) {
      const headers = { 'Chorus-Min-Revision': String(this.#revision) };
      const response = await fetch(this.#base + key, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      const text = await response.text();
      if (!response.ok || text !== value) found.push(`${key}: ${response.status} ${text}, acknowledged was ${value}`);
    }
    return found;
  }

  get acknowledged(): number {
    return this.#values.size;
  }

  get counted(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  async #client(client: number): Promise<void> {
    for (let n = 0; !this.#isStopping; n++) {
      const key = `load/${client}/${n}`;
      const value = `value ${n} of client ${client}`;
      await this.#untilAnswered('PUT', key, value);
      this.#values.set(key, value);
      const counter = `count/${client}`;
      await this.#untilAnswered('POST', `${counter}?op=increment`, undefined);
      this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + 1);
      await this.#untilAnswered('GET', key, undefined);
      await delay(BETWEEN_REQUESTS_MS);
    }
  }

  async #untilAnswered(method: string, path: string, body: string | undefined): Promise<void> {
    const begun = performance.now();
    const headers = {
      'Idempotency-Key': randomUUID(),
      ...(method === 'GET' && { 'Chorus-Min-Revision': this.#token() }),
    };
    for (;;) {
      const failure = await this.#once(method, path, headers, body);
      if (failure === undefined) break;
      this.#failed.set(failure, (this.#failed.get(failure) ?? 0) + 1);
      if (performance.now() - begun > GIVE_UP_MS) throw new Error(`${method} ${path} was never answered: ${failure}`);
      await delay(BETWEEN_REPEATS_MS);
    }
    this.#longestMs = Math.max(this.#longestMs, performance.now() - begun);
    this.#answered += 1;
    for (const one of this.#waiting) if (this.#answered >= one.answered) one.resolve();
    this.#waiting = this.#waiting.filter((one) => this.#answered < one.answered);
  }

  #token(): string {
    return String(this.#revision);
  }

  async #once(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
  ): Promise<string | undefined> {
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await fetch(this.#base + path, { method, headers, signal, ...(body !== undefined && { body }) });
      const text = await response.text();
      if (!response.ok) return `${response.status} ${codeOf(text)}`;
      this.#revision = Math.max(this.#revision, Number(response.headers.get('Chorus-Revision') ?? 0));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }
}

function codeOf(text: string): string {
  return /"code":"([^"]+)"/.exec(text)?.[1] ?? '';
}
