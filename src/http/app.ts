// The Express application as a table of contents: head checks, the resources with their methods, and the ends of the line.
import express, { type Express, type NextFunction, type RequestHandler } from 'express';
import { answer, answerError } from './answers.ts';
import { createBatch } from './batch.ts';
import { createHead } from './head.ts';
import { createKeyWrites } from './key-writes.ts';
import { createKeyRead } from './keys.ts';
import { createList } from './list.ts';
import { createOperations } from './operations.ts';
import { Problem } from './problems.ts';
import { createPyCache, PYCACHE_KEY_PATH } from './pycache.ts';
import type { HttpService, Request, Response } from './service.ts';
import { createPrefixDelete, createTransaction } from './transactions.ts';
import { createWatch } from './watch.ts';

/** Matched against the raw path: nothing is decoded before the key is read from the target. */
const KEY_PATH = /^\/v1\/keys\//;

export function createApp(service: HttpService): Express {
  const app = express();
  // Our ETag is the revision; the application's own headers are written by answers.ts.
  app.disable('etag').disable('x-powered-by').enable('case sensitive routing').enable('strict routing');
  const readKey = createKeyRead(service);
  const list = createList(service);
  const watch = createWatch(service);
  const keyWrites = createKeyWrites(service);
  const operations = createOperations(service);
  const pycache = createPyCache(service);

  app.use(handler(createHead(service)));
  resource(KEY_PATH, {
    GET: readKey,
    HEAD: readKey,
    PUT: keyWrites.put,
    DELETE: keyWrites.remove,
    POST: keyWrites.operate,
  });
  resource('/v1/keys', { GET: list, HEAD: list, DELETE: createPrefixDelete(service) });
  resource('/v1/batch', { POST: createBatch(service) });
  resource('/v1/transactions', { POST: createTransaction(service) });
  resource('/v1/watch', { GET: watch, HEAD: watch });
  resource('/v1/cluster', { GET: operations.cluster, HEAD: operations.cluster });
  resource('/livez', { GET: operations.livez, HEAD: operations.livez });
  resource('/readyz', { GET: operations.readyz, HEAD: operations.readyz });
  resource('/metrics', { GET: operations.metrics, HEAD: operations.metrics });
  resource(PYCACHE_KEY_PATH, { GET: pycache.read, HEAD: pycache.read, POST: pycache.write, DELETE: pycache.remove });
  resource(/^\/api\/health\/?$/, { GET: pycache.health, HEAD: pycache.health });
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

  function resource(path: string | RegExp, methods: Readonly<Record<string, Serve>>): void {
    const allow = `${Object.keys(methods).join(', ')}, OPTIONS`;
    const table = new Map(Object.entries(methods));
    app.route(path).all(
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
