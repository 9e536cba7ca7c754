// The authorisation matrix: a request for each route and method, inside of what the callers may and outside, and who may ask it.
import type { MethodOf, Path } from '../../src/http/routes.ts';
import { CALLER_NAMES, type CallerName, creation, KNOWN } from './token-callers.ts';

/** One row; each caller is a cell. */
export type Row = {
  readonly route: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whoever else has a token that is let in gets 403, and the rest 401. */
  readonly allowed: readonly CallerName[];
  /** The answer is 200, and the verdict is the status of its only item. */
  readonly isBatch?: true;
};

const JSON_HEADERS = { 'content-type': 'application/json' };
const ADMINS = ['admin', 'ownAdmin'] as const;
const ALL: readonly CallerName[] = ['everywhere', ...ADMINS];
const READERS: readonly CallerName[] = ['reader', 'both', ...ALL];
const WRITERS: readonly CallerName[] = ['writer', 'both', ...ALL];
const BOTH: readonly CallerName[] = ['both', ...ALL];

type Asked = Omit<Row, 'route'>;
type Rows = { readonly [P in Path]: { readonly [M in MethodOf<P>]: readonly Asked[] } };

const json = (target: string, body: unknown, allowed: readonly CallerName[]): Asked => ({
  target,
  headers: JSON_HEADERS,
  body: JSON.stringify(body),
  allowed,
});
const item = (body: unknown, allowed: readonly CallerName[]): Asked => ({
  ...json('/v1/batch', { items: [body] }, allowed),
  isBatch: true,
});
const transaction = (body: unknown, allowed: readonly CallerName[]) => json('/v1/transactions', body, allowed);
const get = (target: string, allowed: readonly CallerName[]): Asked => ({ target, allowed });
const get_ = (key: string) => ({ op: 'get', key });
const put = (key: string) => ({ op: 'put', key, value: '1' });

/** A route without a row is a fault of types here, and of the test at its run. */
const ROWS: Rows = {
  '/v1/keys/{key}': {
    GET: [
      get('/v1/keys/in/a', READERS),
      get('/v1/keys/in%2fa', READERS),
      get('/v1/keys/%69n/a?consistency=linearizable', READERS),
      get('/v1/keys/out', ALL),
      get('/v1/keys/in', ALL),
      get('/v1/keys//in/a', ALL),
      get('/v1/keys/IN/a', ALL),
      get('/v1/keys/out/../in/a', ALL),
      get('/v1/keys/%2fin/a', ALL),
      // `elsewhere` may read this one.
      get('/v1/keys/in/side', [...READERS, 'elsewhere']),
    ],
    PUT: [
      { target: '/v1/keys/in/a', body: '1', allowed: WRITERS },
      { target: '/v1/keys/in/../b', body: '1', allowed: WRITERS },
      { target: '/v1/keys/in/a', body: '1', headers: { 'if-match': '*' }, allowed: BOTH },
      { target: '/v1/keys/in/a', body: '1', headers: { 'if-none-match': '*' }, allowed: BOTH },
      { target: '/v1/keys/out', body: '1', allowed: ALL },
      { target: '/v1/keys/i', body: '1', allowed: ALL },
      { target: '/v1/keys/in/side', body: '1', allowed: WRITERS },
    ],
    DELETE: [
      { target: '/v1/keys/in/gone', allowed: WRITERS },
      { target: '/v1/keys/in/gone', headers: { 'if-match': '"1"' }, allowed: BOTH },
      { target: '/v1/keys/out', allowed: ALL },
    ],
    POST: [
      { target: '/v1/keys/in/n?op=increment', allowed: BOTH },
      { target: '/v1/keys/in/t?op=append', body: 'x', allowed: WRITERS },
      { target: '/v1/keys/in/t?op=touch&ttl=1h', allowed: WRITERS },
      { target: '/v1/keys/out?op=increment', allowed: ALL },
      { target: '/v1/keys/out?op=append', body: 'x', allowed: ALL },
      { target: '/v1/keys/out?op=touch&ttl=1h', allowed: ALL },
    ],
  },
  '/v1/keys': {
    GET: [
      get('/v1/keys?prefix=in/', READERS),
      get('/v1/keys?prefix=in%2fdeep&values=true', READERS),
      get('/v1/keys?prefix=in', ALL),
      get('/v1/keys', ALL),
      get('/v1/keys?prefix=out', ALL),
    ],
    DELETE: [
      { target: '/v1/keys?prefix=in/gone', allowed: WRITERS },
      { target: '/v1/keys?prefix=i', allowed: ALL },
      { target: '/v1/keys?prefix=out/', allowed: ALL },
      { target: '/v1/keys?all=true', allowed: ALL },
    ],
  },
  '/v1/batch': {
    POST: [
      item(get_('in/a'), READERS),
      item(get_('out'), ALL),
      item(put('in/a'), WRITERS),
      item(put('out'), ALL),
      item({ ...put('in/a'), ifRevision: 1 }, BOTH),
      item({ op: 'increment', key: 'in/n' }, BOTH),
      item({ op: 'append', key: 'in/t', value: 'x' }, WRITERS),
      item({ op: 'delete', key: 'out' }, ALL),
      json('/v1/batch', { items: [] }, KNOWN),
    ],
  },
  '/v1/transactions': {
    POST: [
      transaction({ then: [put('in/a')] }, WRITERS),
      transaction({ then: [get_('in/a')] }, READERS),
      transaction({ if: [{ key: 'in/a', exists: true }] }, READERS),
      transaction({ if: [{ key: 'out', value: 'guess' }] }, ALL),
      transaction({ if: [{ key: 'in/a', exists: true }], then: [put('in/a')] }, BOTH),
      transaction({ then: [put('in/a'), put('out')] }, ALL),
      transaction({ if: [{ key: 'in/a', exists: true }], then: [], else: [get_('out')] }, ALL),
      transaction({ then: [{ op: 'increment', key: 'in/n' }] }, BOTH),
      transaction({ then: [{ ...put('in/a'), ifRevision: 1 }] }, BOTH),
    ],
  },
  '/v1/watch': {
    GET: [
      get('/v1/watch?prefix=in/', READERS),
      get('/v1/watch?prefix=in', ALL),
      get('/v1/watch', ALL),
      get('/v1/watch?cache=inside', READERS),
      get('/v1/watch?cache=outside&prefix=in/', ALL),
      get('/v1/watch?cache=none', ALL),
    ],
  },
  '/v1/caches': { GET: [get('/v1/caches', KNOWN)] },
  '/v1/caches/{cache}': { GET: [get('/v1/caches/inside', READERS), get('/v1/caches/outside', ALL)] },
  '/v1/caches/{cache}/entries/{key}': {
    GET: [get('/v1/caches/inside/entries/1', READERS), get('/v1/caches/outside/entries/in/1', ALL)],
    PUT: [json('/v1/caches/inside/entries/1', { a: 1 }, WRITERS), json('/v1/caches/outside/entries/1', { a: 1 }, ALL)],
    DELETE: [
      { target: '/v1/caches/inside/entries/1', allowed: WRITERS },
      { target: '/v1/caches/outside/entries/1', allowed: ALL },
    ],
  },
  '/v1/caches/{cache}:invalidate': {
    POST: [
      json('/v1/caches/inside:invalidate', { all: true }, WRITERS),
      json('/v1/caches/outside:invalidate', { all: true }, ALL),
    ],
  },
  '/v1/caches/{cache}:adopt': { POST: [json('/v1/caches/inside:adopt', { cluster: 'c', n: 1 }, ADMINS)] },
  '/v1/caches/{cache}/policy': { PUT: [json('/v1/caches/inside/policy', { ttlMs: 1000 }, ADMINS)] },
  '/v1/caches/{cache}/failed': { GET: [get('/v1/caches/inside/failed', ADMINS)] },
  '/v1/caches/{cache}/failed/{key}': { DELETE: [{ target: '/v1/caches/inside/failed/1', allowed: ADMINS }] },
  '/v1/caches/{cache}/failed/{key}/retry': { POST: [{ target: '/v1/caches/inside/failed/1/retry', allowed: ADMINS }] },
  '/v1/stores/{store}/entries/{key}': {
    GET: [get('/v1/stores/inside/entries/1', READERS), get('/v1/stores/outside/entries/in/1', ALL)],
    PUT: [
      { target: '/v1/stores/inside/entries/1', body: 'x', allowed: WRITERS },
      { target: '/v1/stores/outside/entries/1', body: 'x', allowed: ALL },
    ],
    DELETE: [
      { target: '/v1/stores/inside/entries/1', allowed: WRITERS },
      { target: '/v1/stores/outside/entries/1', allowed: ALL },
    ],
    POST: [
      { target: '/v1/stores/inside/entries/1?op=hold&ttl=1s', allowed: WRITERS },
      { target: '/v1/stores/outside/entries/1?op=hold&ttl=1s', allowed: ALL },
    ],
  },
  '/v1/stores/{store}:invalidate': {
    POST: [
      json('/v1/stores/inside:invalidate', { all: true }, WRITERS),
      json('/v1/stores/outside:invalidate', { all: true }, ALL),
    ],
  },
  '/v1/cluster': { GET: [get('/v1/cluster', ADMINS)] },
  '/v1/snapshots': { POST: [{ target: '/v1/snapshots', allowed: ADMINS }] },
  '/v1/snapshot': { GET: [get('/v1/snapshot', ADMINS)] },
  '/v1/restore': { POST: [{ target: '/v1/restore', body: 'no backup', allowed: ADMINS }] },
  '/v1/tokens': {
    GET: [get('/v1/tokens', ADMINS)],
    POST: [{ target: '/v1/tokens', headers: JSON_HEADERS, body: creation('made', 'made', ['admin']), allowed: ADMINS }],
  },
  '/v1/tokens/{name}': { DELETE: [{ target: '/v1/tokens/made', allowed: ADMINS }] },
  '/v1/openapi.json': { GET: [get('/v1/openapi.json', KNOWN)] },
  '/livez': { GET: [get('/livez', CALLER_NAMES)] },
  '/readyz': { GET: [get('/readyz?verbose', CALLER_NAMES)] },
  '/metrics': { GET: [get('/metrics', ADMINS)] },
  '/': { GET: [get('/', CALLER_NAMES)] },
  '/console': { GET: [get('/console', CALLER_NAMES)] },
  '/console/{file}': { GET: [get('/console/api.js', CALLER_NAMES)] },
  '/api/cache/{key}/': {
    GET: [get('/api/cache/in%2Fa/', READERS), get('/api/cache/out/', ALL), get('/api/cache/in', ALL)],
    POST: [
      { target: '/api/cache/in%2Fa', body: '1', allowed: WRITERS },
      { target: '/api/cache/out/', body: '1', allowed: ALL },
    ],
    DELETE: [
      { target: '/api/cache/in%2Fgone/', allowed: WRITERS },
      { target: '/api/cache/out/', allowed: ALL },
    ],
  },
  '/api/health/': { GET: [get('/api/health/', KNOWN)] },
};

/** What is no route, tried in the ways in which a door is missed: whoever is not let in learns nothing of it. */
const NO_ROUTES: readonly Row[] = [
  ...[
    '/v1',
    '/v1/keys/in/a/../../cluster',
    '/v1//cluster',
    '/v1/cluster/',
    '/V1/cluster',
    '/v1/clusteR',
    '/v1/%63luster',
  ],
  ...[
    '/livez/',
    '/livez/../v1/cluster',
    '/livez%2f..%2fv1/cluster',
    '/LIVEZ',
    '/%6civez',
    '//livez',
    '/readyz/',
    '/metrics/',
    '//metrics',
  ],
  ...['/consolex', '/console/', '/console%2fapi.js', '/v1/tokens/', '/v1/snapshot/', '/v1/restore/'],
].map((target) => {
  // A key may be called anything, and the console's folder is open, whatever is asked in it.
  const allowed = target.startsWith('/v1/keys/') ? READERS : target.startsWith('/console/') ? CALLER_NAMES : KNOWN;
  return { route: 'no route', target, allowed };
});

/** All rows: HEAD wherever GET is, OPTIONS everywhere. */
export const AUTHORISATION: readonly Row[] = [
  ...Object.entries<Readonly<Record<string, readonly Asked[]>>>(ROWS).flatMap(([path, methods]) => [
    ...Object.entries(methods).flatMap(([method, rows]) =>
      (method === 'GET' ? ['GET', 'HEAD'] : [method]).flatMap((name) =>
        rows.map((row): Row => ({ ...row, route: `${name} ${path}` })),
      ),
    ),
    optionsOf(path, Object.values(methods).flat()),
  ]),
  ...NO_ROUTES,
];

function optionsOf(path: string, rows: readonly Asked[]): Row {
  const isOpen = rows.every(({ allowed }) => allowed === CALLER_NAMES);
  return { route: `OPTIONS ${path}`, target: rows[0]?.target ?? '', allowed: isOpen ? CALLER_NAMES : KNOWN };
}
