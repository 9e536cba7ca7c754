// Nodes for the gateway's tests: HTTP servers that do at each request what the test says.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type Seen = {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};
export type Behaviour = (response: ServerResponse, seen: Seen, socket: Socket) => void;
/** Answers the same to everything. */
type Answering = (response: ServerResponse) => void;

/** Answers what a node does: 200 with its name, and a growing revision for writes. */
export const answers =
  (headers: Record<string, string> = {}, status = 200, body = 'ok'): Answering =>
  (response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
export const refuses: Behaviour = answers({ 'Retry-After': '1' }, 503, '{"code":"replaying"}');
export const hangs: Behaviour = () => {};
export const dies: Behaviour = (_, __, socket) => socket.resetAndDestroy();

export class FakeNode {
  readonly seen: Seen[] = [];
  behaviour: Behaviour = answers();
  /** What /readyz says; undefined: nothing. */
  readiness: number | undefined = 200;
  readonly #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/readyz') {
      if (this.readiness !== undefined) answers({}, this.readiness)(response);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: target = '', headers } = request;
      const seen = { method, target, headers, body: Buffer.concat(chunks).toString('latin1') };
      this.seen.push(seen);
      this.behaviour(response, seen, request.socket);
    });
  }
}
