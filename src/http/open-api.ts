// GET /v1/openapi.json: docs/openapi.yaml as JSON, made when it is first asked for.
import { readFile } from 'node:fs/promises';
import { answer, JSON_TYPE } from './answers.ts';
import { queryOf } from './queries.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService } from './service.ts';

const DOCUMENT = new URL('../../docs/openapi.yaml', import.meta.url);

export function createOpenApi(service: HttpService): Handler {
  let document: Promise<Buffer> | undefined;
  return async (request, response) => {
    response.locals.route = 'openapi';
    queryOf(response.locals.target, ROUTES['/v1/openapi.json'].GET);
    document ??= readDocument();
    const body = await document;
    answer(service, request, response, 200, ['Content-Type', JSON_TYPE, 'Cache-Control', 'no-cache'], body);
  };
}

/** Loaded only here: no node needs YAML to start. The file is our own: its aliases need no bound. */
async function readDocument(): Promise<Buffer> {
  const { parse } = await import('yaml');
  return Buffer.from(JSON.stringify(parse(await readFile(DOCUMENT, 'utf8'), { merge: true, maxAliasCount: -1 })));
}
