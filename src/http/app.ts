// The Express application as a table of contents: head checks, the resources with their methods, and the ends of the line.
import type { RequestListener } from 'node:http';
import express, { type NextFunction, type RequestHandler } from 'express';
import { unreachable } from '../base/assert.ts';
import { answer, answerError } from './answers.ts';
import { audit, isAct } from './audit.ts';
import { createBackup, createRestore } from './backups.ts';
import { createBatch } from './batch.ts';
import { createCacheEntries } from './cache-entries.ts';
import { CACHE_PATTERNS, requireCacheRight } from './cache-requests.ts';
import { createCaches } from './caches.ts';
import { createConsole } from './console.ts';
import { createFailedWrites } from './failed-writes.ts';
import { createHead } from './head.ts';
import { createKeyWrites } from './key-writes.ts';
import { createKeyRead } from './keys.ts';
import { createList } from './list.ts';
import { createOpenApi } from './open-api.ts';
import { createOperations } from './operations.ts';
import { Problem } from './problems.ts';
import { createPyCache, PYCACHE_KEY_PATH } from './pycache.ts';
import { type MethodOf, NEEDS, type Need, type Path } from './routes.ts';
import type { HttpService, Request, Response } from './service.ts';
import { createStores, STORE_PATTERNS } from './stores.ts';
import { KEYS_PATH } from './targets.ts';
import { createTokens, TOKEN_PATH } from './tokens.ts';
import { createPrefixDelete, createTransaction } from './transactions.ts';
import { createWatch } from './watch.ts';

/** Matched against the raw path: nothing is decoded before the key is read from the target. */
const PATTERNS: { readonly [P in Path]?: RegExp } = {
  '/api/cache/{key}/': PYCACHE_KEY_PATH,
  ...CACHE_PATTERNS,
  ...STORE_PATTERNS,
  '/v1/tokens/{name}': TOKEN_PATH,
  '/api/health/': /^\/api\/health\/?$/,
  '/console/{file}': /^\/console\/[^/]+$/,
};

const KEY_PATTERN = /^\/v1\/keys\//;

export function createApp(service: HttpService): RequestListener {
  const app = express();
  // Our ETag is the revision; the application's own headers are written by answers.ts.
  app.disable('etag').disable('x-powered-by').enable('case sensitive routing').enable('strict routing');
  const head = createHead(service);
  const keyWrites = createKeyWrites(service);
  const operations = createOperations(service);
  const caches = createCaches(service);
  const failedWrites = createFailedWrites(service);
  const stores = createStores(service);
  const pycache = createPyCache(service);
  const serveConsole = createConsole(service);
  const tokens = createTokens(service);

  const serveKey = byMethod({
    GET: createKeyRead(service),
    PUT: keyWrites.put,
    DELETE: keyWrites.remove,
    POST: keyWrites.operate,
  });
  app.use(handler(head));
  // Those of an absolute form come here.
  app.route(KEY_PATTERN).all(handler(serveKey));
  resource('/v1/keys', { GET: createList(service), DELETE: createPrefixDelete(service) });
  resource('/v1/batch', { POST: createBatch(service) });
  resource('/v1/transactions', { POST: createTransaction(service) });
  resource('/v1/watch', { GET: createWatch(service) });
  resource('/v1/caches', { GET: caches.list });
  resource('/v1/caches/{cache}', { GET: caches.describe });
  resource('/v1/caches/{cache}/entries/{key}', createCacheEntries(service));
  resource('/v1/caches/{cache}:invalidate', { POST: caches.invalidate });
  resource('/v1/caches/{cache}:adopt', { POST: caches.adopt });
  resource('/v1/caches/{cache}/policy', { PUT: caches.setPolicy });
  resource('/v1/caches/{cache}/failed', { GET: failedWrites.list });
  resource('/v1/caches/{cache}/failed/{key}/retry', { POST: failedWrites.retry });
  resource('/v1/caches/{cache}/failed/{key}', { DELETE: failedWrites.drop });
  resource('/v1/stores/{store}/entries/{key}', stores.entries);
  resource('/v1/stores/{store}:invalidate', { POST: stores.invalidate });
  resource('/v1/cluster', { GET: operations.cluster });
  resource('/v1/snapshots', { POST: operations.snapshot });
  resource('/v1/snapshot', { GET: createBackup(service) });
  resource('/v1/restore', { POST: createRestore(service) });
  resource('/v1/tokens', { GET: tokens.list, POST: tokens.create });
  resource('/v1/tokens/{name}', { DELETE: tokens.revoke });
  resource('/v1/openapi.json', { GET: createOpenApi(service) });
  resource('/livez', { GET: operations.livez });
  resource('/readyz', { GET: operations.readyz });
  resource('/metrics', { GET: operations.metrics });
  resource('/', { GET: serveConsole });
  resource('/console', { GET: serveConsole });
  resource('/console/{file}', { GET: serveConsole });
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
  return (request, response) => {
    if (request.url?.startsWith(KEYS_PATH)) serveDirectly(request as Request, response as Response);
    else app(request, response);
  };

  /** Keys are asked for most, and Express would take as long for each request as all else together. */
  function serveDirectly(request: Request, response: Response): void {
    const fail = (error: unknown) => answerError(service, request, response, error);
    response.locals = { startedAtMs: 0, route: 'keys', target: '' };
    try {
      head(request, response, () => {
        serveKey(request, response, fail)?.catch(fail);
      });
    } catch (error) {
      fail(error);
    }
  }

  function resource<P extends Path>(path: P, methods: Readonly<Record<MethodOf<P>, Serve>>): void {
    const needs: Readonly<Record<string, Need>> = NEEDS[path];
    const guarded = Object.entries<Serve>(methods).map(([method, serve]) => {
      const guardedOne = guard(needs[method], serve);
      return [method, isAct(path, method) ? audited(`${method} ${path}`, guardedOne) : guardedOne];
    });
    app.route(PATTERNS[path] ?? path).all(handler(byMethod(Object.fromEntries(guarded))));
  }

  function audited(act: string, serve: Serve): Serve {
    return (request, response, next) => {
      audit(service, request, response, act);
      return serve(request, response, next);
    };
  }

  /** What head.ts let in has a token, where one is asked for; what a handler asks of its scopes is the handler's. */
  function guard(need: Need | undefined, serve: Serve): Serve {
    switch (need) {
      case 'nothing':
      case 'token':
      case 'scopes':
        return serve;
      case 'read-cache':
      case 'write-cache':
        return (request, response, next) => {
          requireCacheRight(service, request, response, need);
          return serve(request, response, next);
        };
      case 'admin':
      case undefined:
        return (request, response, next) => {
          service.access.requireAdmin(request);
          return serve(request, response, next);
        };
      default:
        return unreachable(need);
    }
  }

  function byMethod(methods: Readonly<Record<string, Serve>>): Serve {
    const table = new Map(
      Object.entries<Serve>(methods).flatMap(([method, serve]) =>
        (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((name) => [name, serve]),
      ),
    );
    const allow = `${[...table.keys()].join(', ')}, OPTIONS`;
    return (request, response, next) => {
      const serve = table.get(request.method);
      if (serve !== undefined) return serve(request, response, next);
      if (request.method === 'OPTIONS') return answer(service, request, response, 204, ['Allow', allow], undefined);
      throw new Problem('method-not-allowed', { detail: `This resource knows ${allow}.`, headers: ['Allow', allow] });
    };
  }
}

type Serve = (request: Request, response: Response, next: NextFunction) => void | Promise<void>;

/** Gives Express a handler whose `locals` are ours: the first one in line, head.ts, fills them. */
function handler(serve: Serve): RequestHandler {
  return serve as unknown as RequestHandler;
}
