// A tiny HTTP server in a node's place: it records what it was asked and answers, hangs or breaks off as told.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Asked = {
  readonly method: string;
  /** The target as it was sent, byte for byte. */
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly bodyBytes: number;
  /** Of the connection that it came on: equal for requests on one connection. */
  readonly fromPort: number;
};

export type FakeNode = {
  readonly port: number;
  readonly asked: readonly Asked[];
  /** Breaks all connections off and frees the port. */
  close(): Promise<void>;
};

/** `answer` is called once the whole body has come; without it every request gets 200 and the node's name. */
export async function startFakeNode(
  answer: (asked: Asked, response: ServerResponse) => void = (_, response) => response.end('ok'),
): Promise<FakeNode> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let bodyBytes = 0;
    request.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length;
    });
    request.on('end', () => {
      const one: Asked = {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.headers,
        bodyBytes,
        fromPort: request.socket.remotePort ?? 0,
      };
      asked.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: portOf(server), asked, close: () => close(server) };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake node does not listen');
  return address.port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
