// One try of a request at one node: a short answer is received whole before it begins, a long one passes through as it comes.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { type Dispatcher, errors } from 'undici';
import { GATEWAY_LIMITS } from '../base/start-limits.ts';

/** RFC 9110 §7.6.1. */
const RESPONSE_HOP_BY_HOP: ReadonlySet<string> = new Set(
  'connection keep-alive proxy-connection te trailer transfer-encoding upgrade http2-settings'.split(' '),
);
/** Also what this hop does itself: the client's `Expect` and the length of the body. */
export const REQUEST_HOP_BY_HOP: ReadonlySet<string> = new Set([...RESPONSE_HOP_BY_HOP, 'expect', 'content-length']);

/** A whole answer, held back until it is decided whether the client gets it. */
export type Answer = { readonly status: number; readonly headers: string[]; readonly body: Buffer };
export type AttemptResult =
  | { readonly kind: 'held'; readonly answer: Answer }
  /** The client has got the head of the answer; the rest follows or its connection is cut. */
  | { readonly kind: 'begun'; readonly isEndless: boolean }
  | { readonly kind: 'failed'; readonly code: FailureCode };
export type FailureCode = 'unavailable' | 'timed-out' | 'malformed-request';
export type Headers = IncomingHttpHeaders;

/** A request under way, with all that is needed to send it again. */
export type Exchange = {
  readonly response: ServerResponse;
  readonly target: string;
  readonly method: string;
  readonly headers: string[];
  readonly body: Buffer;
  readonly isWrite: boolean;
  /** The token is the gateway's own, so a node that has not reached it is passed over. */
  readonly hasOwnToken: boolean;
  readonly timeoutMs: number;
  isGone: boolean;
  giveUp: ((reason: Error) => void) | undefined;
};

export class Attempt implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #events: { heard(headers: Headers): void; settle(result: AttemptResult): void };
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #head: { status: number; headers: string[] } | undefined;
  #isEndless = false;
  #hasBegun = false;
  #isOver = false;
  #controller: Dispatcher.DispatchController | undefined;
  #givenUp: Error | undefined;

  constructor(exchange: Exchange, events: { heard(headers: Headers): void; settle(result: AttemptResult): void }) {
    this.#exchange = exchange;
    this.#events = events;
  }

  /** Ends it, also before it was sent; does nothing once it has ended. */
  giveUp(reason: Error): void {
    if (this.#isOver) return;
    this.#givenUp = reason;
    this.#controller?.abort(reason);
    this.#fail('timed-out');
  }

  /** Ends a stream that has no end of its own, in order. */
  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange.response.end();
    this.#controller?.abort(new Error('the stream was ended'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#givenUp !== undefined) controller.abort(this.#givenUp);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200 || this.#isOver) return;
    this.#events.heard(headers);
    this.#isEndless = String(headers['content-type']).startsWith('text/event-stream');
    this.#head = { status, headers: endToEnd(textsOf(controller.rawHeaders), headers.connection, RESPONSE_HOP_BY_HOP) };
    const isEmpty = this.#exchange.method === 'HEAD' || status === 204 || status === 304;
    if (!isEmpty && status < 500 && !(Number(headers['content-length']) <= GATEWAY_LIMITS.heldBytes)) this.#begin();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#hasBegun) {
      this.#pass(controller, chunk);
      return;
    }
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > GATEWAY_LIMITS.heldBytes) this.#begin();
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#hasBegun) this.#exchange.response.end();
    else if (this.#head === undefined) this.#events.settle({ kind: 'failed', code: 'unavailable' });
    else this.#events.settle({ kind: 'held', answer: { ...this.#head, body: Buffer.concat(this.#held) } });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    if (error instanceof errors.InvalidArgumentError) this.#fail('malformed-request');
    else this.#fail(error instanceof errors.HeadersTimeoutError ? 'timed-out' : 'unavailable');
  }

  #begin(): void {
    const { response } = this.#exchange;
    if (this.#head === undefined) return;
    this.#hasBegun = true;
    response.writeHead(this.#head.status, this.#head.headers);
    response.flushHeaders();
    for (const chunk of this.#held) response.write(chunk);
    this.#events.settle({ kind: 'begun', isEndless: this.#isEndless });
  }

  #pass(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#exchange;
    if (response.write(chunk)) return;
    controller.pause();
    response.once('drain', () => controller.resume());
  }

  #fail(code: FailureCode): void {
    this.#isOver = true;
    // The client must not take half an answer for a whole one.
    if (this.#hasBegun) this.#exchange.response.destroy();
    else this.#events.settle({ kind: 'failed', code });
  }
}

/** The headers that go on to the next hop, as they were written; `connection` names more that do not (RFC 9110 §7.6.1). */
export function endToEnd(
  raw: readonly string[],
  connection: string | string[] | undefined,
  hopByHop: ReadonlySet<string>,
): string[] {
  const named =
    connection === undefined
      ? []
      : String(connection)
          .toLowerCase()
          .split(/[\s,]+/);
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !named.includes(lower)) kept.push(name, raw[at + 1] ?? '');
  }
  return kept;
}

function textsOf(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((text) => (typeof text === 'string' ? text : text.toString('latin1'))) : [];
}
