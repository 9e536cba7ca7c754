// The API as a table: every path, its methods, and the query parameters that each takes; app.ts serves it and docs/openapi.yaml describes it.

const READ = ['consistency', 'timeout'] as const;

/** HEAD is wherever GET is, OPTIONS everywhere. PyCache's paths ignore their queries, as PyCache does. */
export const ROUTES = {
  '/v1/keys/{key}': { GET: READ, PUT: ['ttl', 'timeout'], DELETE: ['timeout'], POST: ['op', 'by', 'ttl', 'timeout'] },
  '/v1/keys': { GET: ['prefix', 'limit', 'cursor', 'values', ...READ], DELETE: ['prefix', 'all', 'timeout'] },
  '/v1/batch': { POST: READ },
  '/v1/transactions': { POST: ['timeout'] },
  '/v1/watch': { GET: ['prefix', 'since'] },
  '/v1/caches': { GET: READ },
  '/v1/caches/{cache}': { GET: READ },
  '/v1/caches/{cache}/entries/{key}': { GET: READ, PUT: ['timeout', 'wait'], DELETE: ['timeout', 'wait'] },
  '/v1/caches/{cache}:invalidate': { POST: ['timeout'] },
  '/v1/caches/{cache}:adopt': { POST: ['timeout'] },
  '/v1/caches/{cache}/policy': { PUT: ['timeout'] },
  '/v1/caches/{cache}/failed': { GET: ['limit', 'cursor', ...READ] },
  '/v1/caches/{cache}/failed/{key}': { DELETE: ['timeout'] },
  '/v1/caches/{cache}/failed/{key}/retry': { POST: ['timeout'] },
  '/v1/cluster': { GET: ['check', 'timeout'] },
  '/v1/snapshots': { POST: ['timeout'] },
  '/v1/snapshot': { GET: ['timeout'] },
  '/v1/restore': { POST: [] },
  '/v1/openapi.json': { GET: [] },
  '/livez': { GET: [] },
  '/readyz': { GET: ['verbose'] },
  '/metrics': { GET: [] },
  '/console': { GET: [] },
  '/console/{file}': { GET: [] },
  '/api/cache/{key}/': { GET: [], POST: [], DELETE: [] },
  '/api/health/': { GET: [] },
} as const satisfies Readonly<Record<string, Methods>>;

export type Path = keyof typeof ROUTES;
export type MethodOf<P extends Path> = keyof (typeof ROUTES)[P];

type Methods = Readonly<Partial<Record<'GET' | 'PUT' | 'DELETE' | 'POST', readonly string[]>>>;
