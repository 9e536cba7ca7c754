// The Express application as a table of contents: head checks, the resources with their methods, and the ends of the line.
import express, { type Express, type NextFunction, type RequestHandler } from 'express';
import { answer, answerError } from './answers.ts';
import { createBackup, createRestore } from './backups.ts';
import { createBatch } from './batch.ts';
import { createHead } from './head.ts';
import { createKeyWrites } from './key-writes.ts';
import { createKeyRead } from './keys.ts';
import { createList } from './list.ts';
import { createOpenApi } from './open-api.ts';
import { createOperations } from './operations.ts';
import { Problem } from './problems.ts';
import { createPyCache, PYCACHE_KEY_PATH } from './pycache.ts';
import type { MethodOf, Path } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';
import { createPrefixDelete, createTransaction } from './transactions.ts';
import { createWatch } from './watch.ts';

/** Matched against the raw path: nothing is decoded before the key is read from the target. */
const PATTERNS: { readonly [P in Path]?: RegExp } = {
  '/v1/keys/{key}': /^\/v1\/keys\//,
  '/api/cache/{key}/': PYCACHE_KEY_PATH,
  '/api/health/': /^\/api\/health\/?$/,
};

export function createApp(service: HttpService): Express {
  const app = express();
  // Our ETag is the revision; the application's own headers are written by answers.ts.
  app.disable('etag').disable('x-powered-by').enable('case sensitive routing').enable('strict routing');
  const keyWrites = createKeyWrites(service);
  const operations = createOperations(service);
  const pycache = createPyCache(service);

  app.use(handler(createHead(service)));
  resource('/v1/keys/{key}', {
    GET: createKeyRead(service),
    PUT: keyWrites.put,
    DELETE: keyWrites.remove,
    POST: keyWrites.operate,
  });
  resource('/v1/keys', { GET: createList(service), DELETE: createPrefixDelete(service) });
  resource('/v1/batch', { POST: createBatch(service) });
  resource('/v1/transactions', { POST: createTransaction(service) });
  resource('/v1/watch', { GET: createWatch(service) });
  resource('/v1/cluster', { GET: operations.cluster });
  resource('/v1/snapshots', { POST: operations.snapshot });
  resource('/v1/snapshot', { GET: createBackup(service) });
  resource('/v1/restore', { POST: createRestore(service) });
  resource('/v1/openapi.json', { GET: createOpenApi(service) });
  resource('/livez', { GET: operations.livez });
  resource('/readyz', { GET: operations.readyz });
  resource('/metrics', { GET: operations.metrics });
  resource('/api/cache/{key}/', { GET: pycache.read, POST: pycache.write, DELETE: pycache.remove });
  resource('/api/health/', { GET: pycache.health });
  app.use(
    handler((request, response) => {
      if (request.method === 'OPTIONS' && response.locals.target === '*') {
        return answer(service, request, response, 204, ['Allow', 'GET, HEAD, PUT, POST, DELETE, OPTIONS'], undefined);
      }
      throw new Problem('unknown-path', { detail: 'There is nothing at this path; keys are at /v1/keys/{key}.' });
    }),
  );
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, request: express.Request, response: express.Response, _next: NextFunction) => {
    answerError(service, request as Request, response as Response, error);
  });
  return app;

  function resource<P extends Path>(path: P, methods: Readonly<Record<MethodOf<P>, Serve>>): void {
    const table = new Map(
      Object.entries<Serve>(methods).flatMap(([method, serve]) =>
        (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((name) => [name, serve]),
      ),
    );
    const allow = `${[...table.keys()].join(', ')}, OPTIONS`;
    app.route(PATTERNS[path] ?? path).all(
      handler((request, response, next) => {
        const serve = table.get(request.method);
        if (serve !== undefined) return serve(request, response, next);
        if (request.method === 'OPTIONS') return answer(service, request, response, 204, ['Allow', allow], undefined);
        throw new Problem('method-not-allowed', { detail: `This resource knows ${allow}.`, headers: ['Allow', allow] });
      }),
    );
  }
}

type Serve = (request: Request, response: Response, next: NextFunction) => void | Promise<void>;

/** Gives Express a handler whose `locals` are ours: the first one in line, head.ts, fills them. */
function handler(serve: Serve): RequestHandler {
  return serve as unknown as RequestHandler;
}
