// The authorisation matrix: every route and method, asked by every caller, inside of its scopes and outside.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CacheDeclaration } from '../../../src/cache/server/declaration.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { ROUTES } from '../../../src/http/routes.ts';
import { AUTHORISATION, type Row } from '../../suites/authorisation-rows.ts';
import {
  CALLER_NAMES,
  type CallerName,
  createCallers,
  digestOf,
  headersOf,
  KNOWN,
  tokenOf,
} from '../../suites/token-callers.ts';
import { until } from '../cache/cluster-scene.ts';
import { type RunningNode, startRunningNode } from './running-node.ts';

const cache: CacheDeclaration = {
  source: () => ({
    name: 'table',
    load: async (key: string) => ({ key }),
    ping: async () => {},
    close: async () => {},
  }),
};
let running: RunningNode;

beforeAll(async () => {
  running = await startRunningNode({
    caches: { inside: cache, outside: cache },
    http: { auth: 'tokens', adminDigest: digestOf(tokenOf('ownAdmin')) },
  });
  await until(() => running.node.cluster().limits.featureLevel === FEATURE_LEVEL);
  await createCallers(running.node);
});
afterAll(() => running.stop());

test('every route and method has its row', () => {
  const routes = Object.entries(ROUTES).flatMap(([path, methods]) => [
    ...Object.keys(methods).flatMap((method) =>
      (method === 'GET' ? ['GET', 'HEAD'] : [method]).map((name) => `${name} ${path}`),
    ),
    `OPTIONS ${path}`,
  ]);
  const known = new Set(AUTHORISATION.map(({ route }) => route));
  known.delete('no route');
  expect([...known].sort()).toEqual(routes.sort());
  expect(AUTHORISATION.length * CALLER_NAMES.length).toBeGreaterThan(1000);
});

describe.each(AUTHORISATION.map((row) => [row.route, row.target, row.body ?? '', row] as const))(
  '%s: %s %s',
  (_1, _2, _3, row) => {
    test('lets in those who may, and no others', async () => {
      const verdicts = new Map<CallerName, string>();
      for (const name of CALLER_NAMES) verdicts.set(name, verdictOf(row, await ask(row, name)));
      const expected = CALLER_NAMES.map((name) => [
        name,
        row.allowed.includes(name) ? 'let in' : KNOWN.includes(name) ? '403' : '401',
      ]);
      expect(Object.fromEntries(verdicts)).toEqual(Object.fromEntries(expected));
    });
  },
);

type Answer = { readonly status: number; readonly challenge: string | undefined; readonly body: string };

function verdictOf(row: Row, { status, challenge, body }: Answer): string {
  if (status !== 401 && status !== 403 && row.isBatch !== true) return 'let in';
  if (status === 401 || status === 403) {
    expect(challenge, `${row.target} ${status}`).toMatch(/^Bearer realm="chorus"/);
    expect(body).not.toContain('-secret');
    return String(status);
  }
  const [{ status: ofItem, code }] = JSON.parse(body).results;
  return ofItem === 403 && code === 'forbidden' ? '403' : 'let in';
}

/** The head is enough of what never ends. */
async function ask({ route, target, headers = {}, body }: Row, caller: CallerName): Promise<Answer> {
  const [method = 'GET'] = route === 'no route' ? ['GET'] : route.split(' ');
  const { hostname, port } = new URL(running.url);
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const all = { ...length, ...headers, ...headersOf(caller) };
  const asking = httpRequest({ hostname, port, method, path: target, headers: all, agent: false });
  asking.end(method === 'OPTIONS' ? undefined : body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const isEndless = String(answer.headers['content-type']).startsWith('text/event-stream');
  const read = isEndless ? '' : await text(answer);
  answer.destroy();
  return { status: answer.statusCode ?? 0, challenge: answer.headers['www-authenticate'], body: read };
}
