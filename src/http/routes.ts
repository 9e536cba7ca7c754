// The API as a table: every path, its methods, and the query parameters that each takes; app.ts serves it and docs/openapi.yaml describes it.

const READ = ['consistency', 'timeout'] as const;

/** HEAD is wherever GET is, OPTIONS everywhere. PyCache's paths ignore their queries, as PyCache does. */
export const ROUTES = {
  '/v1/keys/{key}': { GET: READ, PUT: ['ttl', 'timeout'], DELETE: ['timeout'], POST: ['op', 'by', 'ttl', 'timeout'] },
  '/v1/keys': { GET: ['prefix', 'limit', 'cursor', 'values', ...READ], DELETE: ['prefix', 'all', 'timeout'] },
  '/v1/batch': { POST: READ },
  '/v1/transactions': { POST: ['timeout'] },
  '/v1/watch': { GET: ['prefix', 'cache', 'since'] },
  '/v1/caches': { GET: READ },
  '/v1/caches/{cache}': { GET: READ },
  '/v1/caches/{cache}/entries/{key}': { GET: READ, PUT: ['timeout', 'wait'], DELETE: ['timeout', 'wait'] },
  '/v1/caches/{cache}:invalidate': { POST: ['timeout'] },
  '/v1/caches/{cache}:adopt': { POST: ['timeout'] },
  '/v1/caches/{cache}/policy': { PUT: ['timeout'] },
  '/v1/caches/{cache}/failed': { GET: ['limit', 'cursor', ...READ] },
  '/v1/caches/{cache}/failed/{key}': { DELETE: ['timeout'] },
  '/v1/caches/{cache}/failed/{key}/retry': { POST: ['timeout'] },
  '/v1/stores/{store}/entries/{key}': {
    GET: READ,
    PUT: ['ttl', 'since', 'hold', 'timeout'],
    DELETE: ['hold', 'timeout'],
    POST: ['op', 'ttl', 'timeout'],
  },
  '/v1/stores/{store}:invalidate': { POST: ['timeout'] },
  '/v1/cluster': { GET: ['check', 'timeout'] },
  '/v1/snapshots': { POST: ['timeout'] },
  '/v1/snapshot': { GET: ['timeout'] },
  '/v1/restore': { POST: [] },
  '/v1/tokens': { GET: [], POST: ['timeout'] },
  '/v1/tokens/{name}': { DELETE: ['timeout'] },
  '/v1/openapi.json': { GET: [] },
  '/livez': { GET: [] },
  '/readyz': { GET: ['verbose'] },
  '/metrics': { GET: [] },
  '/': { GET: [] },
  '/console': { GET: [] },
  '/console/{file}': { GET: [] },
  '/api/cache/{key}/': { GET: [], POST: [], DELETE: [] },
  '/api/health/': { GET: [] },
} as const satisfies Readonly<Record<string, Methods>>;

export type Path = keyof typeof ROUTES;
export type MethodOf<P extends Path> = keyof (typeof ROUTES)[P];

/**
 * What a request needs where tokens are asked for. `nothing`: everybody may; `token`: any; `admin`: one with that scope; `read-cache`,
 * `write-cache`: that of the cache in its path; `scopes`: the handler asks for each key or cache that is touched or told of.
 */
export type Need = 'nothing' | 'token' | 'admin' | 'read-cache' | 'write-cache' | 'scopes';

export const NEEDS: { readonly [P in Path]: { readonly [M in MethodOf<P>]: Need } } = {
  '/v1/keys/{key}': { GET: 'scopes', PUT: 'scopes', DELETE: 'scopes', POST: 'scopes' },
  '/v1/keys': { GET: 'scopes', DELETE: 'scopes' },
  '/v1/batch': { POST: 'scopes' },
  '/v1/transactions': { POST: 'scopes' },
  '/v1/watch': { GET: 'scopes' },
  '/v1/caches': { GET: 'scopes' },
  '/v1/caches/{cache}': { GET: 'read-cache' },
  '/v1/caches/{cache}/entries/{key}': { GET: 'read-cache', PUT: 'write-cache', DELETE: 'write-cache' },
  '/v1/caches/{cache}:invalidate': { POST: 'write-cache' },
  '/v1/caches/{cache}:adopt': { POST: 'admin' },
  '/v1/caches/{cache}/policy': { PUT: 'admin' },
  '/v1/caches/{cache}/failed': { GET: 'admin' },
  '/v1/caches/{cache}/failed/{key}': { DELETE: 'admin' },
  '/v1/caches/{cache}/failed/{key}/retry': { POST: 'admin' },
  '/v1/stores/{store}/entries/{key}': { GET: 'scopes', PUT: 'scopes', DELETE: 'scopes', POST: 'scopes' },
  '/v1/stores/{store}:invalidate': { POST: 'scopes' },
  '/v1/cluster': { GET: 'admin' },
  '/v1/snapshots': { POST: 'admin' },
  '/v1/snapshot': { GET: 'admin' },
  '/v1/restore': { POST: 'admin' },
  '/v1/tokens': { GET: 'admin', POST: 'admin' },
  '/v1/tokens/{name}': { DELETE: 'admin' },
  '/v1/openapi.json': { GET: 'token' },
  '/livez': { GET: 'nothing' },
  '/readyz': { GET: 'nothing' },
  '/metrics': { GET: 'admin' },
  // The page holds nothing: what it shows it asks of the API, with the token of whoever looks at it.
  '/': { GET: 'nothing' },
  '/console': { GET: 'nothing' },
  '/console/{file}': { GET: 'nothing' },
  '/api/cache/{key}/': { GET: 'scopes', POST: 'scopes', DELETE: 'scopes' },
  '/api/health/': { GET: 'token' },
};

/** Their answers are kept from pages of other origins by the browser itself: no header of CORS is ever sent. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a request there reads or writes data, which it does many times a second. */
export function isDataTarget(target: string): boolean {
  return DATA.test(target);
}

const DATA = /^\/(?:v1\/(?:keys|batch|transactions|caches|stores)|api\/cache)(?![\w-])/;

/** Whether nobody need say who he is to ask at this path. Anywhere else he must, whether there is something or not. */
export function isOpenPath(path: string): boolean {
  return OPEN_PATHS.has(path) || OPEN_FOLDERS.some((folder) => path.startsWith(folder));
}

const open = Object.entries<Readonly<Record<string, Need>>>(NEEDS).flatMap(([path, methods]) =>
  Object.values(methods).every((need) => need === 'nothing') ? [path] : [],
);
const OPEN_PATHS: ReadonlySet<string> = new Set(open);
const OPEN_FOLDERS = open.filter((path) => path.includes('{')).map((path) => path.slice(0, path.indexOf('{')));

type Methods = Readonly<Partial<Record<'GET' | 'PUT' | 'DELETE' | 'POST', readonly string[]>>>;
