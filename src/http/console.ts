// GET / and GET /console: the page for people, and the files it is made of; it knows no more than the API tells it.
import { readFile } from 'node:fs/promises';
import { answer, type Body } from './answers.ts';
import { Problem } from './problems.ts';
import { queryOf } from './queries.ts';
import { ROUTES } from './routes.ts';
import type { Handler, HttpService } from './service.ts';
import { pathOf } from './targets.ts';

const FOLDER = new URL('./console/', import.meta.url);
const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** By the path that each is served at. */
const FILES: ReadonlyMap<string, readonly [name: string, contentType: string]> = new Map([
  ['/', ['console.html', HTML]],
  ['/console', ['console.html', HTML]],
  ['/console/console.css', ['console.css', CSS]],
  ['/console/console.js', ['console.js', JAVASCRIPT]],
  ['/console/nodes.js', ['nodes.js', JAVASCRIPT]],
  ['/console/entries.js', ['entries.js', JAVASCRIPT]],
  ['/console/changes.js', ['changes.js', JAVASCRIPT]],
  ['/console/api.js', ['api.js', JAVASCRIPT]],
  ['/console/elements.js', ['elements.js', JAVASCRIPT]],
]);

/** The page may load and ask nothing but what this origin serves, and nobody may frame it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function createConsole(service: HttpService): Handler {
  const bodies = new Map<string, Promise<Buffer>>();
  return async (request, response) => {
    const { locals } = response;
    locals.route = 'console';
    queryOf(locals.target, ROUTES['/console'].GET);
    const file = FILES.get(pathOf(locals.target));
    if (file === undefined) throw new Problem('unknown-path', { detail: 'The console has no such file.' });
    const [name, contentType] = file;
    const headers = ['Content-Type', contentType, 'Cache-Control', 'no-cache', 'Content-Security-Policy', POLICY];
    answer(service, request, response, 200, headers, await bodyOf(name));
  };

  function bodyOf(name: string): Promise<Body> {
    const known = bodies.get(name);
    if (known !== undefined) return known;
    const body = readFile(new URL(name, FOLDER));
    bodies.set(name, body);
    return body;
  }
}
