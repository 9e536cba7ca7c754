// Requests of one store to the nodes of a cluster: in time, on kept connections, and at the next node where one certainly did nothing.
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as overHttp } from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { isUnsent } from '../../base/unsent.ts';
import { within } from '../deadline.ts';
import { CacheError, type CacheErrorCode } from '../errors.ts';
import type { CacheWorld } from '../world.ts';

type ChorusRequest = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal | undefined;
};

type ChorusAnswer = {
  /** 200, 204, or 404 of a GET. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

type ChorusConnectionOptions = {
  readonly urls: readonly string[];
  readonly name: string;
  readonly timeoutMs: number;
  readonly token?: string;
  readonly world: CacheWorld;
};

/** Stays with one address until a request there fails. */
export class ChorusConnection {
  readonly #options: ChorusConnectionOptions;
  readonly #urls: readonly URL[];
  readonly #agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };
  readonly #closing = new AbortController();
  #current = 0;

  constructor(options: ChorusConnectionOptions) {
    this.#options = options;
    this.#urls = options.urls.map((url) => urlOf(url, options.name));
    if (this.#urls.length === 0) throw new CacheError('refused', options.name, 'it needs the address of a node');
  }

  /** Rejects with CacheError; of a write `down`, `refused` and `full` say that nothing happened. */
  async ask(request: ChorusRequest): Promise<ChorusAnswer> {
    const { name, timeoutMs, world } = this.#options;
    if (this.#closing.signal.aborted) throw new CacheError('down', name, 'it is closed');
    const first = this.#current;
    try {
      return await within(timeoutMs, name, world.clock, ({ signal }) => this.#askEach(request, signal));
    } catch (error) {
      // One that does not answer is not asked again by the next.
      const isSilent = error instanceof CacheError && error.code === 'timeout';
      if (isSilent && this.#current === first) this.#current = (first + 1) % this.#urls.length;
      throw error;
    }
  }

  close(): void {
    this.#closing.abort();
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #askEach(request: ChorusRequest, timeout: AbortSignal): Promise<ChorusAnswer> {
    const { name } = this.#options;
    const signals = [timeout, this.#closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const signal = AbortSignal.any(signals);
    let last: CacheError | undefined;
    for (let tried = 0; tried < this.#urls.length; tried++) {
      const at = this.#current;
      const outcome = await this.#askOne(request, at, signal);
      if (!(outcome instanceof CacheError)) return outcome;
      last = outcome;
      const mayGoOn = outcome.code === 'down' && !signal.aborted;
      if (outcome.code !== 'refused' && outcome.code !== 'full' && this.#current === at) {
        this.#current = (at + 1) % this.#urls.length;
      }
      if (!mayGoOn) break;
    }
    throw last ?? new CacheError('down', name, 'it has no address');
  }

  async #askOne(request: ChorusRequest, at: number, signal: AbortSignal): Promise<ChorusAnswer | CacheError> {
    const { name } = this.#options;
    const isRead = request.method === 'GET';
    let incoming: IncomingMessage;
    let body: Buffer;
    try {
      incoming = await this.#sent(request, this.#urls[at] ?? new URL('http://127.0.0.1'), signal);
      body = await buffer(incoming);
    } catch (error) {
      const isWithoutEffect = isRead || isUnsent(error);
      return new CacheError(isWithoutEffect ? 'down' : 'unknown', name, 'the connection failed', { cause: error });
    }
    const status = incoming.statusCode ?? 0;
    if (status === 200 || status === 204 || (status === 404 && isRead))
      return { status, headers: incoming.headers, body };
    const { detail, outcome } = problemIn(body);
    const code = !isRead && outcome === 'unknown' ? 'unknown' : codeOf(status, isRead);
    return new CacheError(code, name, detail === undefined ? `answered ${status}` : `${status}: ${detail}`);
  }

  #sent({ method, path, headers, body }: ChorusRequest, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const { token } = this.#options;
    const all = {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    };
    const isSafe = url.protocol === 'https:';
    const agent = this.#agents[isSafe ? 'https:' : 'http:'];
    return new Promise((resolve, reject) => {
      const options = { method, path: `${url.pathname.replace(/\/$/, '')}${path}`, headers: all, agent, signal };
      const outgoing = (isSafe ? overHttps : overHttp)(url, options, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

/** Where it is not said to be unknown: 503 says that this node did nothing, and that another may. */
function codeOf(status: number, isRead: boolean): CacheErrorCode {
  if (status === 503 || (isRead && status === 502)) return 'down';
  if (status === 429 || status === 507) return 'full';
  if (status === 504) return 'timeout';
  return status >= 500 ? 'unknown' : 'refused';
}

type Told = { readonly detail?: unknown; readonly outcome?: unknown };

/** What the problem document says, if it is one. */
function problemIn(body: Buffer): Told {
  try {
    const told: unknown = JSON.parse(body.toString());
    return typeof told === 'object' && told !== null ? told : {};
  } catch {
    // Another program's answer.
    return {};
  }
}

function urlOf(text: string, name: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new CacheError('refused', name, `not an address such as http://127.0.0.1:8001: ${text}`);
}
