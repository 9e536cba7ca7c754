// Plain HTTP for the drill: one request, one result, nothing hidden, so that every failure is seen and counted.
import { Agent, request } from 'node:http';

export type Question = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Percent-encoded path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type Answered = {
  readonly kind: 'answered';
  readonly status: number;
  readonly body: string;
  /** The ETag, or NaN without one. */
  readonly revision: number;
  readonly lagMs: number;
  readonly node: string;
  /** RFC 9211; '' without one. */
  readonly cacheStatus: string;
};
export type Lost = { readonly kind: 'lost'; readonly trouble: string };

/** Connections to one address, kept alive. */
export type Target = { readonly port: number; readonly agent: Agent };

export function targetOf(port: number, maxConnections: number): Target {
  return { port, agent: new Agent({ keepAlive: true, maxSockets: maxConnections }) };
}

/** Always resolves. `timeoutMs` bounds the whole request. */
export function ask(target: Target, question: Question, timeoutMs: number): Promise<Answered | Lost> {
  return new Promise((resolve) => {
    const { method, path, body } = question;
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const headers = { ...question.headers, ...length };
    const asked = request({ host: '127.0.0.1', port: target.port, agent: target.agent, method, path, headers });
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const settle = (result: Answered | Lost) => {
      clearTimeout(timer);
      resolve(result);
    };
    asked.on('error', (error) => settle({ kind: 'lost', trouble: error.message }));
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => settle({ kind: 'lost', trouble: error.message }));
      response.on('end', () =>
        settle({
          kind: 'answered',
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString('utf8'),
          revision: Number(response.headers.etag?.replaceAll('"', '') ?? Number.NaN),
          lagMs: Number(response.headers['chorus-lag-ms'] ?? Number.NaN),
          node: String(response.headers['chorus-node'] ?? ''),
          cacheStatus: String(response.headers['cache-status'] ?? ''),
        }),
      );
    });
    asked.end(body);
  });
}

export function keyPath(key: string, query = ''): string {
  return `/v1/keys/${key.split('/').map(encodeURIComponent).join('/')}${query}`;
}
