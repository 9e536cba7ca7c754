// Calls of one turn of the event loop made together: one command instead of many, where many ask at once.
import { CacheError } from './errors.ts';

type TogetherOptions<Request> = {
  readonly maxRequests: number;
  readonly maxBytes?: number;
  sizeOf?(request: Request): number;
};

type Waiting<Request, Reply> = {
  readonly request: Request;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
};

/**
 * `send` makes one call for several requests, and resolves with their replies in their order; an error among them is that
 * request's alone. Nobody waits for others: what is asked in one turn goes out at its end.
 */
export function together<Request, Reply>(
  send: (requests: readonly Request[]) => Promise<readonly (Reply | CacheError)[]>,
  { maxRequests, sizeOf = () => 0, maxBytes = Number.POSITIVE_INFINITY }: TogetherOptions<Request>,
): (request: Request) => Promise<Reply> {
  let waiting: Waiting<Request, Reply>[] = [];

  function sendAll(): void {
    const all = waiting;
    waiting = [];
    let from = 0;
    let bytes = 0;
    for (const [at, { request }] of all.entries()) {
      const size = sizeOf(request);
      if (at > from && (at - from === maxRequests || bytes + size > maxBytes)) {
        sendThese(all.slice(from, at));
        from = at;
        bytes = 0;
      }
      bytes += size;
    }
    sendThese(from === 0 ? all : all.slice(from));
  }

  function sendThese(those: readonly Waiting<Request, Reply>[]): void {
    send(those.map(({ request }) => request)).then(
      (replies) => {
        for (const [at, reply] of replies.entries()) {
          if (reply instanceof CacheError) those[at]?.reject(reply);
          else those[at]?.resolve(reply);
        }
      },
      (error) => {
        for (const { reject } of those) reject(error);
      },
    );
  }

  return (request) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(sendAll);
      waiting.push({ request, resolve, reject });
    });
}
