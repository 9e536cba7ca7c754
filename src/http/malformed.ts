// What never becomes a request: bytes that are not HTTP, too large or too slow heads. Answered on the bare socket, as a problem too.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { standardHeaders } from './answers.ts';
import { PROBLEM_TYPE, Problem, type ProblemCode, problemDocument } from './problems.ts';
import type { HttpService } from './service.ts';

const CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** The listener of a server's `clientError`. */
export function createMalformedHandler(service: HttpService): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  return (error, socket) => {
    const problem = malformedProblem(error, socket);
    if (problem === undefined) return void socket.destroy();
    writeProblem(service, socket, problem);
  };
}

/** What to answer to a `clientError`; undefined: nothing may be answered, the socket is to be destroyed. */
export function malformedProblem(error: NodeJS.ErrnoException, socket: Duplex): Problem | undefined {
  const pending = pendingAnswer(socket);
  // An answer that has begun, or that belongs to a request which came whole, must not be mixed with another.
  const isOwed = pending !== undefined && (pending.headersSent || pending.req.complete);
  if (error.code === 'ECONNRESET' || !socket.writable || isOwed) return undefined;
  // One who never began to ask is owed no answer, and there may be thousands.
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket instanceof Socket && socket.bytesRead === 0) return undefined;
  const isTruncated = pending !== undefined && error.code === 'HPE_INVALID_EOF_STATE';
  return new Problem(isTruncated ? 'body-truncated' : (CODES[error.code ?? ''] ?? 'malformed-request'));
}

/** The listener of a server's `connect`: this is no proxy. */
export function createConnectHandler(service: HttpService): (request: IncomingMessage, socket: Duplex) => void {
  return (_request, socket) => {
    // Its parser is free for other connections: nothing that comes may reach it, through shedding.ts least of all.
    socket.removeAllListeners('data');
    writeProblem(
      service,
      socket,
      new Problem('method-not-allowed', { headers: ['Allow', 'GET, HEAD, PUT, POST, DELETE, OPTIONS'] }),
    );
  };
}

function writeProblem(service: HttpService, socket: Duplex, problem: Problem): void {
  service.metrics.observe('other', 'malformed', problem.status, 0);
  writeBareProblem(socket, problem, service.node.nodeId, standardHeaders(service.node, []));
}

/** Writes a problem and ends the connection. `standard`: headers that every answer of this server carries. */
export function writeBareProblem(socket: Duplex, problem: Problem, name: string, standard: readonly string[]): void {
  socket.once('error', () => socket.destroy());
  socket.end(bareProblem(problem, name, [...standard, 'Connection', 'close']), () => lingeringClose(socket));
}

/** The bytes of an answer, a character each, with `headers` (name, value, name, value…) beside those that tell of its body. */
export function bareProblem(problem: Problem, name: string, headers: readonly string[]): string {
  const body = problemDocument(problem, name, undefined);
  const all = [
    ...headers,
    ...['Content-Type', PROBLEM_TYPE, 'Content-Length', String(Buffer.byteLength(body)), 'Cache-Control', 'no-store'],
    ...(problem.details.headers ?? []),
  ];
  let head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nDate: ${new Date().toUTCString()}\r\n`;
  for (let at = 0; at + 1 < all.length; at += 2) head += `${all[at]}: ${all[at + 1]}\r\n`;
  return `${head}\r\n${body}`;
}

/** Reads on for a moment: closing while bytes of the client wait unread would reset the connection and lose the answer. */
function lingeringClose(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  socket.resume();
}

const LINGER_MS = 500;

/** The answer that Node has under way on this socket; the field is Node's own and looked at with care. */
export function pendingAnswer(socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
