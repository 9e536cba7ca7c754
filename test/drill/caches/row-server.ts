// The drill's rows over HTTP, so that nodes in other processes can have them as the source behind a cache (remote-rows.ts).
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CountedRows } from '../counted-rows.ts';

/** What it serves; a rejection tells the node that the source is down. */
export type Rows = Pick<CountedRows, 'load' | 'increment' | 'set'>;

export type RowServer = {
  readonly port: number;
  /** Serves these from now on. */
  serve(rows: Rows): void;
  /** The count that the row had as of the save of this name. */
  countOf(save: string): number;
  close(): Promise<void>;
};

/** What a node asks for. A save only names itself: the row counts. */
export type RowQuestion =
  | { readonly kind: 'ping' }
  | { readonly kind: 'load'; readonly key: number }
  | { readonly kind: 'save'; readonly key: number; readonly save: string }
  | { readonly kind: 'flush'; readonly rows: readonly (readonly [key: number, count: number])[]; readonly n: number };
export type RowAnswer = { readonly count?: number; readonly fence?: number };

export async function startRowServer(): Promise<RowServer> {
  let rows: Rows | undefined;
  let fence = 0;
  const saves = new Map<string, number>();

  async function answer(question: RowQuestion): Promise<RowAnswer> {
    if (rows === undefined) throw new Error('there are no rows yet');
    switch (question.kind) {
      case 'ping':
        return {};
      case 'load': {
        const count = await rows.load(question.key);
        return count === undefined ? {} : { count };
      }
      case 'save': {
        const count = await rows.increment(question.key);
        saves.set(question.save, count);
        return { count };
      }
      case 'flush':
        if (question.n <= fence) return { fence };
        fence = question.n;
        await rows.set(question.rows);
        return {};
    }
  }

  const server = createServer((request, response) => {
    read(request)
      .then(answer)
      .then(
        (said) => response.end(JSON.stringify(said)),
        () => response.writeHead(503).end(),
      );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    serve(served) {
      rows = served;
      fence = 0;
    },
    countOf(save) {
      const count = saves.get(save);
      if (count === undefined) throw new Error(`nothing was saved by the name of ${save}`);
      saves.delete(save);
      return count;
    },
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function read(request: IncomingMessage): Promise<RowQuestion> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as RowQuestion;
}
