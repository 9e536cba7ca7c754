// How requests are refused when a turn of the event loop lasts too long, so that little time is taken from those that are served.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { standardHeaders } from './answers.ts';
import { bareProblem, pendingAnswer } from './malformed.ts';
import { outcomeOfUntried, refusalProblem } from './refusals.ts';
import type { HttpService } from './service.ts';
import { type WholeRequest, wholeRequestIn } from './whole-request.ts';

/**
 * Node's parser and its answers make a refusal as dear as serving. A connection on which a request was refused is therefore looked at first: a
 * whole request upon a key that comes to it in a turn that is too long is answered from its bytes, and all else goes to Node as before.
 */
export class Shedding {
  readonly #service: HttpService;
  readonly #silence = new Silence();
  readonly #taken = new WeakSet<Socket>();
  readonly #forget = () => {
    this.#answers = {};
  };
  /** Of this turn. */
  #answers: { read?: string; write?: string } = {};

  constructor(service: HttpService) {
    this.#service = service;
  }

  /** To be called of each request that Node's server brought and that is refused for the turn. */
  refused(request: IncomingMessage): void {
    // Until then Node reads what is left of it, and resumes the connection whenever it does.
    request.once('close', () =>
      process.nextTick(() => {
        this.#take(request.socket);
        this.#silence.begin(request.socket);
      }),
    );
  }

  #take(socket: Socket): void {
    const [parse, ...others] = socket.listeners('data');
    if (socket.destroyed || this.#taken.has(socket) || parse === undefined || others.length > 0) return;
    this.#taken.add(socket);
    /** Whether the parser has had all of a request, and nothing of the next. */
    let isBetween = false;
    // For a second listener Node's server stops reading the connection beneath its first.
    socket.on('data', (bytes: NonSharedBuffer) => {
      const request = pendingAnswer(socket) === undefined ? wholeRequestIn(bytes) : undefined;
      if (isBetween && request !== undefined && this.#refuse(socket, request)) return;
      parse.call(socket, bytes);
      isBetween = request !== undefined && endsWith(pendingAnswer(socket)?.req, request);
    });
    socket.off('data', parse as () => void);
  }

  #refuse(socket: Socket, { method }: WholeRequest): boolean {
    const { node, turn, metrics, isClosing } = this.#service;
    const isRead = method === 'GET';
    if (!turn.isOverFor(isRead ? 'key-read' : 'write') || isClosing() || socket.writableLength > 0) return false;
    // Of other reasons Node's way tells.
    if ((node.refusal(isRead ? 'eventual-read' : 'write') ?? 'overloaded') !== 'overloaded') return false;
    socket.write(this.#answer(isRead ? 'read' : 'write'), 'latin1');
    metrics.observe('other', method, 429, 0);
    this.#silence.begin(socket);
    return true;
  }

  /** The same for all in a turn. */
  #answer(kind: 'read' | 'write'): string {
    const made = this.#answers[kind];
    if (made !== undefined) return made;
    const { node, limits } = this.#service;
    const problem = refusalProblem('overloaded', kind === 'read' ? {} : outcomeOfUntried(undefined));
    const headers = [...standardHeaders(node, []), 'Retry-After', String(limits.retryAfterSeconds)];
    const text = bareProblem(problem, node.nodeId, [...headers, 'Connection', 'keep-alive']);
    this.#answers[kind] = text;
    setImmediate(this.#forget);
    return text;
  }
}

/**
 * Whether what the parser brought of bytes that are one whole request ends where they do. It may have begun before them, in a head that they
 * end too; but within them no request that has a body as long could end earlier.
 */
function endsWith(brought: IncomingMessage | undefined, request: WholeRequest): boolean {
  return brought?.complete === true && brought.headers['content-length'] === request.contentLength;
}

/**
 * Connections from which nothing more is read in the present turn. While more than a thousand have something to read, libuv asks for more in
 * the same turn, 48 times at most: clients that come again at once would keep it going for seconds, so that all in it would be refused.
 */
export class Silence {
  #sockets: Socket[] = [];
  readonly #end = () => {
    const sockets = this.#sockets;
    this.#sockets = [];
    for (const socket of sockets) socket.resume();
  };

  begin(socket: Socket): void {
    if (socket.destroyed) return;
    socket.pause();
    this.#sockets.push(socket);
    if (this.#sockets.length === 1) setImmediate(this.#end);
  }
}
