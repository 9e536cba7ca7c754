// The gateway's side towards clients: the server, its limits, and its answers to what is no request or none that can be passed on.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from '../base/logger.ts';
import type { TlsFiles } from '../http/certificates.ts';
import { createListener, type ListenerLimits } from '../http/listener.ts';
import { malformedProblem, writeBareProblem } from '../http/malformed.ts';
import { Problem } from '../http/problems.ts';

export const GATEWAY_NAME = 'gateway';
export type FrontOptions = {
  readonly limits: ListenerLimits;
  /** HTTPS instead of HTTP. */
  readonly tls?: TlsFiles | undefined;
  readonly logger: Logger;
};

const METHODS = 'GET, HEAD, PUT, POST, DELETE, OPTIONS';
/** Of every answer that is the gateway's own: name, value, name, value… */
export const OWN_HEADERS = [
  'Chorus-Node',
  GATEWAY_NAME,
  'X-Content-Type-Options',
  'nosniff',
  'Content-Security-Policy',
  "default-src 'none'",
];

/** A listener; what never becomes a request is answered as a node answers it. */
export function createFront(
  serve: (request: IncomingMessage, response: ServerResponse) => void,
  { limits, tls, logger }: FrontOptions,
): Server {
  const server = createListener(limits, tls, logger);
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, serve);
  server.on('connect', (_, socket) => {
    writeBareProblem(
      socket,
      new Problem('method-not-allowed', { headers: ['Allow', METHODS] }),
      GATEWAY_NAME,
      OWN_HEADERS,
    );
  });
  server.on('clientError', (error, socket) => {
    const problem = malformedProblem(error, socket);
    if (problem === undefined) socket.destroy();
    else writeBareProblem(socket, problem, GATEWAY_NAME, OWN_HEADERS);
  });
  return server;
}

/** Resolves with the port; rejects with the listener's error. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** What would not reach a node as it is: a Host that is missing would be made up, an expectation is for this hop. */
export function checkHead({ headers, httpVersionMinor }: IncomingMessage): void {
  if (headers.host === undefined && httpVersionMinor > 0) {
    throw new Problem('malformed-request', { field: 'Host', detail: 'HTTP/1.1 needs a Host header.' });
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    throw new Problem('expectation-failed', { field: 'Expect', detail: 'The only expectation is 100-continue.' });
  }
}
