// Clients that take their time, to hold connections and memory of a server: silent ones, dripped heads and bodies, answers that are not taken.
import { connect, type Socket } from 'node:net';

export const SLOW_KINDS = ['silent', 'head', 'body', 'taking'] as const;
export type SlowKind = (typeof SLOW_KINDS)[number];

type SlowClient = { readonly kind: SlowKind; readonly socket: Socket; isHeld: boolean; heard: string };

const HOST = 'Host: localhost\r\n';
/** Of these the kernel takes some millions of bytes; the rest stays with the server. */
const TAKEN = 16;
const LONG = '/v1/keys/slow-long';

const BEGINNINGS: Readonly<Record<SlowKind, string>> = {
  silent: '',
  head: `GET /v1/keys/slow HTTP/1.1\r\n${HOST}X-Slow: `,
  body: `PUT /v1/keys/slow HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`,
  taking: `GET ${LONG} HTTP/1.1\r\n${HOST}\r\n`.repeat(TAKEN),
};

/** What `taking` asks for: to be put before. */
export const LONG_VALUE = { target: LONG, bytes: 1024 * 1024 } as const;

export class SlowCrowd {
  readonly #port: number;
  readonly #clients = new Set<SlowClient>();
  /** How many were cut off, by their kind. */
  readonly cutOff: Record<SlowKind, number> = { silent: 0, head: 0, body: 0, taking: 0 };
  /** Those that were told why. */
  told = 0;
  #isClosed = false;

  constructor(port: number) {
    this.#port = port;
  }

  get held(): number {
    return [...this.#clients].filter(({ isHeld }) => isHeld).length;
  }

  /** Opens one; with `again` another takes its place whenever it is cut off. */
  open(kind: SlowKind, again: 'once' | 'again'): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const client: SlowClient = { kind, socket, isHeld: false, heard: '' };
    this.#clients.add(client);
    if (kind === 'taking') socket.pause();
    else
      socket.on('data', (chunk: Buffer) => {
        client.heard = (client.heard + chunk.toString('latin1')).slice(0, 100);
      });
    socket.on('connect', () => {
      client.isHeld = true;
      socket.write(BEGINNINGS[kind]);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#clients.delete(client);
      if (this.#isClosed) return;
      if (client.isHeld) this.cutOff[kind]++;
      if (client.heard.startsWith('HTTP/1.1 408')) this.told++;
      if (again === 'again') setTimeout(() => this.open(kind, again), 50 + Math.random() * 200);
    });
  }

  /** One more byte of each. Of those that take nothing this is how they notice that they were cut off. */
  drip(): void {
    for (const { kind, socket, isHeld } of this.#clients) {
      if (isHeld && kind !== 'silent') socket.write(kind === 'taking' ? '\r\n' : 'a');
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { socket } of this.#clients) socket.destroy();
  }
}
