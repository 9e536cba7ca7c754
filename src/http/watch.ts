// Watching keys: GET /v1/watch, a stream of server-sent events that any node can go on with.
import { unreachable } from '../base/assert.ts';
import { WATCH_LIMITS } from '../base/limits.ts';
import { recordKey } from '../core/cache-records.ts';
import type { Position } from '../node/history.ts';
import type { WatchSink } from '../node/requests.ts';
import { standardHeaders } from './answers.ts';
import { requireCache, requireKey } from './callers.ts';
import { dataBlock, EVENT_TYPE, EventEncoder, idBlock, positionText, readPosition } from './events.ts';
import { accepts } from './media-types.ts';
import { prefixOf } from './parameters.ts';
import { Problem } from './problems.ts';
import { invalidParameter, type Query, queryOf } from './queries.ts';
import { refusalProblem } from './refusals.ts';
import { ROUTES } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';

const FAREWELLS = {
  slow: 'This reader was too slow: the node keeps the events that it has not taken no longer.',
  stopping: 'This node is stopping; another goes on from here.',
} as const;

export function createWatch(service: HttpService): (request: Request, response: Response) => void {
  const { node } = service;
  const encoder = new EventEncoder();
  return (request, response) => {
    const { locals } = response;
    locals.route = 'watch';
    const query = queryOf(locals.target, ROUTES['/v1/watch'].GET);
    const { prefix, requireRight } = watchedIn(service, request, query);
    const since = sinceOf(query, request.headers['last-event-id']);
    if (!accepts(request.headers.accept, EVENT_TYPE)) {
      throw new Problem('not-acceptable', { field: 'Accept', detail: `Events are ${EVENT_TYPE}.` });
    }
    const result = node.watch({ prefix, since, sink: sinkOf(response, encoder, requireRight) });
    switch (result.kind) {
      case 'watching':
        if (request.method === 'HEAD') result.close();
        response.on('drain', result.drained);
        response.once('close', result.close);
        return begin(service, request, response, result.from);
      case 'refused':
        throw refusalProblem(result.reason);
      case 'gone':
        throw goneProblem(result.revision, result.oldest);
      default:
        return unreachable(result);
    }
  };
}

/** What the names of the watched begin with, keys of clients or the entries of a cache, and what throws unless the caller may see them. */
function watchedIn({ access, caches, limits }: HttpService, request: Request, query: Query) {
  const prefix = prefixOf(query.get('prefix') ?? '', limits.maxKeyBytes);
  const cache = query.get('cache');
  const requireRight = () => {
    const caller = access.callerOf(request);
    if (cache === undefined) requireKey(caller, 'read', prefix, 'prefix');
    else requireCache(caller, 'read-cache', cache);
  };
  requireRight();
  if (cache === undefined) return { prefix, requireRight };
  if (!caches.has(cache)) throw new Problem('no-such-cache', { detail: 'config.ts declares no cache of this name.' });
  return { prefix: recordKey('E', cache, prefix), requireRight };
}

/** What an EventSource sends when it comes back is newer than the address that it was made with. */
function sinceOf(query: Query, header: string | string[] | undefined): Position | undefined {
  const form = 'a revision such as 9, or the id of an event such as 9.1.';
  if (header !== undefined && header !== '') {
    const position = readPosition(String(header));
    if (position !== undefined) return position;
    throw new Problem('invalid-header', { field: 'Last-Event-ID', detail: `Last-Event-ID must be ${form}` });
  }
  const text = query.get('since');
  const position = text === undefined ? undefined : readPosition(text);
  if (text !== undefined && position === undefined) throw invalidParameter('since', `"since" must be ${form}`);
  return position;
}

function begin(service: HttpService, request: Request, response: Response, from: Position): void {
  const { locals } = response;
  // Nginx and its like hold nothing back then.
  const headers = ['Content-Type', EVENT_TYPE, 'Cache-Control', 'no-store', 'X-Accel-Buffering', 'no'];
  response.writeHead(200, [...standardHeaders(service.node, headers), ...headers]);
  service.metrics.observe(locals.route, request.method, 200, (performance.now() - locals.startedAtMs) / 1000);
  if (request.method === 'HEAD') response.end();
  else
    response.write(
      idBlock(from, `: ${service.node.nodeId} tells what comes after ${positionText(from)}`, 'retry: 1000'),
    );
}

function sinkOf(response: Response, encoder: EventEncoder, requireRight: () => void): WatchSink {
  // A write to a response whose client is gone would be an error.
  const isOver = () => response.destroyed || response.writableEnded;
  const write = (text: Uint8Array | string) => !isOver() && isStillAllowed() && response.write(text);
  return {
    send: (events) => write(encoder.encoded(events)),
    rest: (position) => write(idBlock(position, ': heartbeat')),
    end(reason, position) {
      const farewell = { reason, detail: FAREWELLS[reason], since: positionText(position) };
      if (!isOver()) finish(dataBlock('end', position, farewell));
    },
  };

  function isStillAllowed(): boolean {
    try {
      requireRight();
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      finish(`event: end\ndata: ${JSON.stringify({ reason: error.code, detail: error.message })}\n\n`);
      return false;
    }
  }

  function finish(lastWords: string): void {
    response.end(lastWords);
    const timer = setTimeout(() => response.destroy(), WATCH_LIMITS.farewellMs);
    response.once('close', () => clearTimeout(timer));
  }
}

function goneProblem(revision: number, oldest: Position): Problem {
  return new Problem('history-gone', {
    field: 'since',
    detail: `This node has the events after ${positionText(oldest)}. List the keys with Chorus-Min-Revision: ${revision} and watch since the revision of the first page.`,
    more: { revision, oldest: positionText(oldest) },
  });
}
