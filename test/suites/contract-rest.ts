// The rows of the contract beside the keys: watching, operations, PyCache's API, and what every resource refuses alike.
import { expect } from 'vitest';
import { ROUTES } from '../../src/http/routes.ts';
import type { Exchange, Scenario } from './contract.ts';
import { OpenApiDocument } from './open-api-document.ts';

const ANY = expect.anything();
const MEMBER = {
  node: expect.any(String),
  address: expect.stringMatching(/^[\d.]+:\d+$/),
  pid: expect.any(Number),
  ready: true,
  digest: expect.stringMatching(/^[0-9a-f]*$/),
};

const NO_KEY = 'contract-none';
/** Declared in contract-config.ts. */
const CACHE = 'rows';
const STORE = 'contract';

/** Every resource by a target of its own. */
const RESOURCES = Object.entries(ROUTES).map(([path, methods]) => ({
  target: path
    .replace('{key}', NO_KEY)
    .replace('{file}', 'console.js')
    .replace('{cache}', CACHE)
    .replace('{name}', 'none')
    .replace('{store}', STORE),
  methods: Object.keys(methods),
}));
const READABLE = RESOURCES.filter(({ methods }) => methods.includes('GET'));
const METHODS = RESOURCES.flatMap(({ target, methods }) => methods.map((method) => `${method} ${target}`));
/** Where a bounded body goes. */
const TAKING_BODY = [...new OpenApiDocument().operations]
  .filter(([, { responses }]) => '413' in responses)
  .map(
    ([send]) =>
      `${send.replace('{key}', NO_KEY).replace('{cache}', CACHE).replace('{store}', STORE)}${send === 'POST /v1/keys/{key}' ? '?op=append' : ''}`,
  );
const OF_PYCACHE = /\/api\//;
const JSON_TYPE = { 'Content-Type': 'application/json' };

export const REST_SCENARIOS: readonly Scenario[] = [
  {
    title: 'every resource says its methods, and refuses others',
    exchanges: RESOURCES.flatMap(({ target, methods }) => {
      const allowed = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
      const allow = `${allowed.join(', ')}, OPTIONS`;
      const others = ['PUT', 'POST', 'DELETE', 'PATCH', 'TRACE'].filter((method) => !methods.includes(method));
      return [
        { send: `OPTIONS ${target}`, status: 204, has: { allow }, text: '' },
        ...others.map((method) => ({
          send: `${method} ${target}`,
          status: 405,
          code: 'method-not-allowed',
          has: { allow },
        })),
      ];
    }),
    isOfNodeAlone: true,
  },
  {
    title: 'every resource refuses another host, another expectation and too large a head',
    exchanges: METHODS.flatMap((send) => [
      { send, headers: { Host: 'evil.example' }, status: 421, code: 'misdirected-request' },
      { send, headers: { Expect: 'gold' }, status: 417, code: 'expectation-failed' },
      { send, headers: { 'X-Long': 'x'.repeat(20_000) }, status: 431, code: 'headers-too-large' },
    ]),
    isOfNodeAlone: true,
  },
  {
    title: 'every resource but PyCache refuses a parameter that it does not know',
    exchanges: METHODS.filter((send) => !OF_PYCACHE.test(send)).map((send) => ({
      send: `${send}?constructor=1`,
      ...(/batch|transactions/.test(send) ? { json: {} } : {}),
      status: 400,
      code: 'unknown-parameter',
      field: 'constructor',
    })),
  },
  {
    title: 'every key is one',
    exchanges: METHODS.filter((send) => send.includes(NO_KEY)).flatMap((send) => {
      const at = (key: string) =>
        `${send.replace(NO_KEY, key)}${send.startsWith('POST /v1/keys') ? '?op=increment' : ''}`;
      return [
        ...['%', '%zz', '%ff', '%ED%A0%80'].map((key) => ({
          send: at(key),
          status: 400,
          code: 'invalid-key',
          field: 'key',
        })),
        { send: at('k'.repeat(1025)), status: 414, code: 'key-too-long', field: 'key' },
      ];
    }),
    isOfNodeAlone: true,
  },
  {
    title: 'every body is of a length, a size and a coding that is taken',
    exchanges: TAKING_BODY.flatMap((send): readonly Exchange[] => [
      { send, headers: { ...JSON_TYPE, 'Transfer-Encoding': 'gzip, chunked' }, status: 501 },
      {
        send,
        headers: { ...JSON_TYPE, 'Content-Encoding': 'br' },
        body: '{}',
        status: 415,
        code: 'unsupported-encoding',
      },
      { send, headers: JSON_TYPE, body: new Uint8Array(1900 * 1024), status: 413 },
    ]),
    isOfNodeAlone: true,
  },
  {
    title: 'a watch is refused where it cannot begin',
    exchanges: [
      {
        send: 'HEAD /v1/watch?prefix=~',
        status: 200,
        has: { 'content-type': 'text/event-stream' },
        lacks: ['content-encoding'],
      },
      ...['since=x', 'since=', 'since=1.', 'since=-1', 'since=1.1.1'].map((query) => ({
        send: `GET /v1/watch?${query}`,
        status: 400,
        code: 'invalid-parameter',
        field: 'since',
      })),
      {
        send: 'GET /v1/watch',
        headers: { 'Last-Event-ID': 'x' },
        status: 400,
        code: 'invalid-header',
        field: 'Last-Event-ID',
      },
      { send: 'GET /v1/watch', headers: { Accept: 'application/json' }, status: 406, code: 'not-acceptable' },
    ],
  },
  {
    title: 'a node says that it lives, that it is ready, what it counts and how it is described',
    exchanges: [
      { send: 'GET /livez', status: 200, text: 'ok\n' },
      { send: 'GET /readyz', status: 200, gives: { status: 'ready', degraded: [] } },
      ...['?verbose', '?verbose=true'].map((query) => ({
        send: `GET /readyz${query}`,
        status: 200,
        gives: { phase: 'ready', revision: '#revision', lagMs: expect.any(Number), progress: { percent: 100 } },
      })),
      { send: 'GET /readyz?verbose=yes', status: 400, field: 'verbose' },
      { send: 'GET /metrics', status: 200, text: /chorus_revision\{node="node-\d"\} \d+/ },
      { send: 'GET /', status: 200, text: /<title>Chorus<\/title>/, has: { 'cache-control': 'no-cache' } },
      { send: 'GET /console', status: 200, text: /<title>Chorus<\/title>/, has: { 'cache-control': 'no-cache' } },
      { send: 'GET /console/console.js', status: 200, has: { 'content-type': 'text/javascript; charset=utf-8' } },
      { send: 'GET /console/none.js', status: 404, code: 'unknown-path' },
      { send: 'GET /v1/openapi.json', status: 200, gives: { openapi: '3.1.1' } },
      ...READABLE.filter(({ target }) => !OF_PYCACHE.test(target) && target !== '/v1/watch').map(({ target }) => ({
        send: `HEAD ${target}`,
        status: target.endsWith(`/${NO_KEY}`) ? 404 : 200,
        text: '',
      })),
      { send: 'GET /v1', status: 404, code: 'unknown-path' },
      { send: 'PUT /v1/key/a', body: '', status: 404, code: 'unknown-path' },
    ],
  },
  {
    title: 'backups are made on demand; what is no backup is not restored',
    exchanges: [
      { send: 'GET /v1/snapshot', status: 200, has: { 'content-type': 'application/vnd.chorus.snapshot' } },
      { send: 'POST /v1/restore', body: 'no backup', status: 400, code: 'invalid-body' },
      { send: 'POST /v1/restore', headers: { 'Content-Encoding': 'br' }, body: '', status: 415 },
    ],
    isOfNodeAlone: true,
  },
  {
    title: 'the cluster is shown, and its digests are compared',
    exchanges: [
      {
        send: 'GET /v1/cluster',
        status: 200,
        gives: {
          cluster: ANY,
          node: ANY,
          revision: '#revision',
          ready: true,
          members: expect.arrayContaining([expect.objectContaining({ ...MEMBER, duty: true })]),
        },
      },
      {
        send: 'GET /v1/cluster?check=digests&timeout=20s',
        status: 200,
        gives: {
          agreed: true,
          revision: expect.any(Number),
          digests: { 'node-1': expect.stringMatching(/^[0-9a-f]{16}$/) },
        },
      },
      { send: 'GET /v1/cluster?check=all', status: 400, field: 'check' },
    ],
  },
  {
    title: 'a snapshot is saved and verified',
    exchanges: [
      {
        send: 'POST /v1/snapshots?timeout=30s',
        status: 201,
        gives: {
          id: ANY,
          revision: expect.any(Number),
          offset: expect.any(Number),
          keys: expect.any(Number),
          bytes: expect.any(Number),
          tookMs: expect.any(Number),
          verified: true,
        },
      },
      { send: 'POST /v1/snapshots?timeout=x', status: 400, field: 'timeout' },
    ],
  },
  {
    title: 'PyCache is answered as it answers',
    exchanges: [
      ...['{"name":"Ada"}', '[1]', '12345678901234567890', '"text"'].flatMap((json) => [
        {
          send: 'POST /api/cache/contract-cache%2F/',
          body: json,
          status: 201,
          text: `{"message":"Cache key set success","payload":{"key":"contract-cache/","value":${json}}}`,
        },
        {
          send: 'GET /api/cache/contract-cache%2F',
          status: 200,
          text: `{"message":"Cache key get success","payload":{"key":"contract-cache/","value":${json}}}`,
        },
      ]),
      {
        send: 'GET /v1/keys/contract-cache/',
        status: 200,
        text: '"text"',
        has: { 'content-type': 'application/json' },
      },
      ...['', 'null', 'true', '""', '[]', '{'].map((body) => ({
        send: 'POST /api/cache/contract-cache%2F/',
        body,
        status: 400,
        gives: { message: 'Invalid request body', payload: { error: expect.any(String) } },
      })),
      ...[1, 2].map(() => ({
        send: 'DELETE /api/cache/contract-cache%2F/?any=1',
        status: 200,
        text: '{"message":"Cache key expired","payload":{}}',
      })),
      {
        send: 'GET /api/cache/contract-cache%2F/',
        status: 200,
        text: '{"message":"Cache key get success","payload":{}}',
      },
      { send: 'HEAD /api/cache/contract-cache%2F/', status: 200, text: '' },
      ...[
        [201, '1'],
        [422, '2'],
      ].map(([status, body]) => ({
        send: 'POST /api/cache/contract-cache%2F/',
        headers: { 'Idempotency-Key': '~' },
        body: String(body),
        status: Number(status),
      })),
      {
        send: 'DELETE /api/cache/contract-cache%2F/',
        headers: { 'Idempotency-Key': '~' },
        status: 422,
        code: 'id-reused',
      },
      ...['/api/health/', '/api/health'].map((target) => ({
        send: `GET ${target}`,
        status: 200,
        text: '{"message":"It works!!!","payload":{"message_broker":"ok"}}',
      })),
    ],
  },
];
