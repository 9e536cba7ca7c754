// How requests are refused when a turn of the event loop lasts too long, so that little time is taken from those that are served.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Refusal } from '../node/requests.ts';
import { standardHeaders } from './answers.ts';
import { bareProblem, pendingAnswer } from './malformed.ts';
import { idOf } from './parameters.ts';
import { outcomeOfUntried, refusalProblem } from './refusals.ts';
import { isDataTarget, SAFE_METHODS } from './routes.ts';
import type { HttpService, Request } from './service.ts';
import { Silence } from './silence.ts';
import { KEYS_PATH } from './targets.ts';
import type { TurnKind } from './turn.ts';
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

  /** Throws the problem of a request that Node's server brought where its turn is already too long for it. */
  refuseWhenTooLong(request: Request, target: string): void {
    // Balancers and operators are answered in any case.
    if (!isDataTarget(target)) return;
    const { turn, limits } = this.#service;
    const { method, headers } = request;
    const isRead = SAFE_METHODS.has(method);
    if (!turn.isTooLongFor(isRead ? readKindOf(target) : 'write')) return;
    const reason = this.#reason(isRead);
    // Until then Node reads what is left of it, and resumes the connection whenever it does.
    request.once('close', () =>
      process.nextTick(() => {
        this.#take(request.socket);
        this.#silence.begin(request.socket);
      }),
    );
    throw refusalProblem(reason, isRead ? {} : outcomeOfUntried(idIn(limits, headers)));
  }

  /** The node is asked in any case: it must not take itself for stopped while it refuses. */
  #reason(isRead: boolean): Refusal {
    return this.#service.node.refusal(isRead ? 'eventual-read' : 'write') ?? 'overloaded';
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
      if (isBetween && request !== undefined && this.#refuseBare(socket, request)) return;
      parse.call(socket, bytes);
      isBetween = request !== undefined && endsWith(pendingAnswer(socket)?.req, request);
    });
    socket.off('data', parse as () => void);
  }

  #refuseBare(socket: Socket, { method }: WholeRequest): boolean {
    const { turn, metrics, isClosing } = this.#service;
    const isRead = method === 'GET';
    if (!turn.isOverFor(isRead ? 'key-read' : 'write') || isClosing() || socket.writableLength > 0) return false;
    // Of other reasons Node's way tells.
    if (this.#reason(isRead) !== 'overloaded') return false;
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

/** One key costs little; a list may be a thousand. */
function readKindOf(target: string): TurnKind {
  return target.startsWith(KEYS_PATH) ? 'key-read' : 'read';
}

function idIn({ maxIdLength }: HttpService['limits'], headers: Request['headers']): string | undefined {
  const id = headers['idempotency-key'];
  return typeof id === 'string' ? idOf(id, maxIdLength) : undefined;
}
