// One connection to Memcached in its meta protocol (1.6 or newer), pipelined: made when it is needed, and made anew when it was lost.
//
// Of the packages for Memcached none gives compare-and-swap together with errors that are errors; what is needed of the
// protocol (github.com/memcached/memcached, doc/protocol.txt) is three commands, and every one of them is answered in order.
import { connect, type Socket } from 'node:net';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { systemWorld } from '../../base/system-world.ts';
import { within } from '../deadline.ts';
import { CacheError, type CacheErrorCode } from '../errors.ts';

export type MemcachedPlace = { readonly host: string; readonly port: number };

export type MemcachedRequest = {
  readonly head: string;
  readonly data?: Uint8Array;
  /** What is said when the connection was lost before the answer: `down` of a read, `unknown` of a write. */
  readonly whenLost: 'down' | 'unknown';
};

export type MemcachedAnswer = {
  /** `HD`, `VA`, `EN`, `NS`, `EX`, `NF`. */
  readonly status: string;
  /** The flags that were asked for, such as `c123`. */
  readonly flags: readonly string[];
  readonly data: Buffer | undefined;
};

type Waiter = {
  readonly whenLost: 'down' | 'unknown';
  resolve(answer: MemcachedAnswer): void;
  reject(error: CacheError): void;
};

const NEWLINE = Buffer.from('\r\n');

export class MemcachedConnection {
  readonly #place: MemcachedPlace;
  readonly #part: string;
  readonly #timeoutMs: number;
  #link: Link | undefined;
  #connecting: Promise<Link> | undefined;
  #isClosed = false;
  #made = 0;

  constructor(place: MemcachedPlace, part: string, timeoutMs: number) {
    this.#place = place;
    this.#part = part;
    this.#timeoutMs = timeoutMs;
  }

  /** Which connection this is, counted from 1; what was read over another may have been lost with it. */
  get serial(): number {
    return this.#made;
  }

  /** Sends the requests together; resolves with their answers in their order. Rejects with CacheError. */
  async ask(requests: readonly MemcachedRequest[]): Promise<readonly MemcachedAnswer[]> {
    const link = this.#link ?? (await this.#connect());
    return await link.ask(requests, this.#timeoutMs);
  }

  close(): void {
    this.#isClosed = true;
    this.#link?.socket.destroy();
  }

  #connect(): Promise<Link> {
    this.#connecting ??= this.#connectAnew().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  #connectAnew(): Promise<Link> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new CacheError('down', this.#part, 'closed'));
      const socket = connect({ ...this.#place, noDelay: true, keepAlive: true });
      let link: Link | undefined;
      const patience = setTimeout(() => socket.destroy(), Math.min(this.#timeoutMs, CACHE_LIMITS.connectTimeoutMs));
      socket.once('connect', () => {
        clearTimeout(patience);
        if (this.#isClosed) return socket.destroy();
        this.#made += 1;
        link = new Link(socket, this.#part);
        this.#link = link;
        resolve(link);
      });
      let cause: Error | undefined;
      socket.on('error', (error) => {
        cause = error;
      });
      socket.once('close', () => {
        clearTimeout(patience);
        if (this.#link === link) this.#link = undefined;
        link?.lost(cause);
        reject(new CacheError('down', this.#part, 'cannot be reached', { cause }));
      });
    });
  }
}

/** A connected socket, and those who wait for its answers, in order. */
class Link {
  readonly socket: Socket;
  readonly #part: string;
  readonly #waiters: Waiter[] = [];
  #chunks: Buffer[] = [];
  #received = 0;
  #needed = 1;
  #silence: NodeJS.Timeout | undefined;

  constructor(socket: Socket, part: string) {
    this.socket = socket;
    this.#part = part;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  ask(requests: readonly MemcachedRequest[], timeoutMs: number): Promise<readonly MemcachedAnswer[]> {
    if (this.#waiters.length + requests.length > CACHE_LIMITS.maxPipelined) {
      return Promise.reject(new CacheError('full', this.#part, 'too many calls wait for it'));
    }
    this.socket.cork();
    const answers = requests.map((request) => this.#send(request));
    this.socket.uncork();
    this.#silence ??= this.#endOfPatience();
    // Who gives up keeps its place: its answer may come yet, and must not be taken for another's.
    return within(timeoutMs, this.#part, systemWorld.clock, () => Promise.all(answers));
  }

  lost(cause: Error | undefined): void {
    clearTimeout(this.#silence);
    for (const waiter of this.#waiters.splice(0)) {
      waiter.reject(new CacheError(waiter.whenLost, this.#part, 'the connection was lost', { cause }));
    }
  }

  #send({ head, data, whenLost }: MemcachedRequest): Promise<MemcachedAnswer> {
    this.socket.write(`${head}\r\n`);
    if (data !== undefined) {
      this.socket.write(data);
      this.socket.write(NEWLINE);
    }
    return new Promise((resolve, reject) => this.#waiters.push({ whenLost, resolve, reject }));
  }

  /** While somebody waits, silence for long ends the connection. */
  #endOfPatience(): NodeJS.Timeout {
    return setTimeout(() => this.socket.destroy(), CACHE_LIMITS.maxSilenceMs);
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    this.#silence?.refresh();
    if (this.#received < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (;;) {
      const answer = parse(bytes);
      if ('needed' in answer) {
        this.#needed = answer.needed;
        break;
      }
      bytes = bytes.subarray(answer.length);
      this.#settle(answer);
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#received = bytes.length;
    clearTimeout(this.#silence);
    this.#silence = this.#waiters.length === 0 ? undefined : this.#endOfPatience();
  }

  #settle(answer: MemcachedAnswer): void {
    const waiter = this.#waiters.shift();
    const code = ERRORS[answer.status];
    if (code === undefined) {
      waiter?.resolve(answer);
      return;
    }
    const isTooLarge = answer.flags.includes('large');
    const sentence = [answer.status, ...answer.flags].join(' ');
    waiter?.reject(new CacheError(isTooLarge ? 'refused' : code, this.#part, sentence));
    // After one of these nobody knows where the next answer begins.
    if (answer.status !== 'SERVER_ERROR') this.socket.destroy();
  }
}

const ERRORS: Readonly<Record<string, CacheErrorCode>> = {
  ERROR: 'refused',
  CLIENT_ERROR: 'refused',
  SERVER_ERROR: 'full',
};

/** The first answer in `bytes` and its length, or how many bytes are needed before it makes sense to look again. */
function parse(bytes: Buffer): (MemcachedAnswer & { readonly length: number }) | { readonly needed: number } {
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) return { needed: bytes.length + 1 };
  const [status = '', ...words] = bytes.toString('latin1', 0, end).split(' ');
  const begin = end + NEWLINE.length;
  if (status !== 'VA') return { status, flags: words, data: undefined, length: begin };
  const size = Number(words[0]);
  const length = begin + size + NEWLINE.length;
  if (bytes.length < length) return { needed: length };
  // A copy: a slice would keep the whole chunk alive.
  return { status, flags: words.slice(1), data: Buffer.from(bytes.subarray(begin, begin + size)), length };
}
