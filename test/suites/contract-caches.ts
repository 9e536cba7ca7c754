// The rows of the contract on caches in front of databases; contract-config.ts declares those that are asked.
import { expect } from 'vitest';
import type { Exchange, Scenario } from './contract.ts';

const entry = (cache: string, key = '~1') => `/v1/caches/${cache}/entries/${key}`;
const row = (id = '~1', name = 'Ada', mail: string | null = null) => ({ id, name, mail });
const HIT = /^memory; hit; ttl=3[56]\d\d$/;
const MISS = 'memory; fwd=uri-miss; stored';
const REPEATED = { 'Idempotency-Key': '~put' };
const TOO_LONG = 'a name that is much too long';

/** Each on its own row of a table. */
const invalidated = (what: unknown): readonly Exchange[] => [
  { send: `GET ${entry('rows')}`, status: 200, has: { 'cache-status': HIT } },
  { send: 'POST /v1/caches/rows:invalidate', json: what, status: 200, gives: { revision: expect.any(Number) } },
  { send: `GET ${entry('rows')}`, status: 200, has: { 'cache-status': MISS }, gives: row() },
];

const refusedBodies = (send: string, bodies: readonly unknown[]): readonly Exchange[] =>
  bodies.map((json) => ({ send, json, status: 400, code: 'invalid-body' }));

export const CACHE_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a row is written through, and read from memory',
    exchanges: [
      {
        send: `PUT ${entry('rows')}`,
        json: row(),
        status: 200,
        text: '',
        has: { 'chorus-write': 'saved', 'cache-status': 'memory; fwd=method', 'chorus-consistency': 'linearizable' },
      },
      { send: `GET ${entry('rows')}`, status: 200, gives: row(), has: { 'cache-status': HIT, etag: '{etag}' } },
      ...['{etag}', 'W/{etag}', '{bare-etag}', '*', '"other", {etag}'].map((etags) => ({
        send: `GET ${entry('rows')}`,
        headers: { 'If-None-Match': etags },
        status: 304,
        text: '',
        has: { 'cache-status': HIT },
      })),
      { send: `GET ${entry('rows')}`, headers: { 'If-None-Match': '"other"' }, status: 200 },
      { send: `GET ${entry('rows')}`, headers: { 'If-Match': '"1"' }, status: 412, code: 'condition-failed' },
      { send: `GET ${entry('rows')}`, headers: { 'If-Match': '{etag}' }, status: 200 },
      { send: `GET ${entry('rows')}`, headers: { 'If-Match': 'x' }, status: 400, field: 'If-Match' },
      { send: `HEAD ${entry('rows')}`, status: 200, text: '', has: { 'cache-status': HIT, etag: '{etag}' } },
      { send: `GET ${entry('rows')}`, headers: { Accept: 'text/html' }, status: 406, code: 'not-acceptable' },
      { send: `GET ${entry('rows')}`, headers: { Accept: 'application/*' }, status: 200 },
      ...['session', 'linearizable'].map((consistency) => ({
        send: `GET ${entry('rows')}?consistency=${consistency}`,
        status: 200,
        has: { 'chorus-consistency': consistency },
      })),
      { send: `GET ${entry('rows')}?consistency=strong`, status: 400, field: 'consistency' },
      { send: 'GET /v1/keys?prefix=~', status: 200, gives: { keys: [] } },
      { send: `DELETE ${entry('rows')}`, status: 204, has: { 'chorus-write': 'saved' } },
      // That there is no such row is known from now on, and is as much an entry as a row.
      { send: `GET ${entry('rows')}`, status: 404, code: 'not-found', has: { 'cache-status': HIT } },
      { send: `GET ${entry('rows', '~none')}`, status: 404, code: 'not-found', has: { 'cache-status': MISS } },
      { send: `GET ${entry('rows', '~none')}`, status: 404, code: 'not-found', has: { 'cache-status': HIT } },
      { send: `DELETE ${entry('rows')}`, status: 204 },
    ],
  },
  {
    title: 'entries are invalidated by key, by tag, and all together',
    exchanges: [
      { send: `PUT ${entry('rows')}`, json: row(), status: 200 },
      ...invalidated({ keys: ['~other', '~1'] }),
      ...invalidated({ tags: ['all rows'] }),
      ...invalidated({ all: true }),
      { send: 'POST /v1/caches/rows:invalidate', json: { tags: ['another'] }, status: 200 },
      { send: `GET ${entry('rows')}`, status: 200, has: { 'cache-status': HIT } },
      ...refusedBodies('POST /v1/caches/rows:invalidate', [
        {},
        [],
        { everything: true },
        { all: false },
        { keys: '~1' },
        { keys: [''] },
        { tags: [7] },
      ]),
      {
        send: 'POST /v1/caches/rows:invalidate',
        json: { all: true },
        headers: { Accept: 'text/html' },
        status: 406,
      },
      { send: 'POST /v1/caches/others:invalidate', json: { all: true }, status: 404, code: 'no-such-cache' },
    ],
  },
  {
    title: 'a row that the source refuses is 409 or 422, and was not written',
    exchanges: [
      { send: `PUT ${entry('rows')}`, json: row('~1', 'Ada', '~mail'), status: 200 },
      {
        send: `PUT ${entry('rows', '~2')}`,
        json: row('~2', 'Bob', '~mail'),
        status: 409,
        code: 'source-conflict',
        gives: { outcome: 'not-applied' },
      },
      {
        send: `PUT ${entry('rows', '~2')}`,
        json: row('~2', TOO_LONG),
        status: 422,
        code: 'source-refused',
        gives: { outcome: 'not-applied' },
      },
      { send: `PUT ${entry('rows', '~2')}`, json: { name: 7 }, status: 422, code: 'source-refused' },
      { send: `GET ${entry('rows', '~2')}`, status: 404 },
    ],
  },
  {
    title: 'a request on an entry that makes no sense is refused',
    exchanges: [
      { send: `PUT ${entry('rows')}`, json: null, status: 400, code: 'invalid-body' },
      { send: `PUT ${entry('rows')}`, body: '{}', status: 415, code: 'unsupported-media-type' },
      { send: `PUT ${entry('rows')}`, json: row(), headers: { Accept: 'text/html' }, status: 406 },
      { send: `PUT ${entry('rows')}?wait=ever`, json: row(), status: 400, field: 'wait' },
      { send: `PUT ${entry('rows')}?waits=saved`, json: row(), status: 400, code: 'unknown-parameter', field: 'waits' },
      { send: `PUT ${entry('rows')}`, json: row(), headers: { 'If-Match': '*' }, status: 400, field: 'If-Match' },
      { send: `DELETE ${entry('rows')}`, headers: { 'If-None-Match': '*' }, status: 400, field: 'If-None-Match' },
      { send: `DELETE ${entry('rows')}`, body: 'x', status: 400, code: 'unexpected-body' },
      {
        send: `PUT ${entry('rows')}`,
        json: row(),
        headers: { 'Idempotency-Key': 'with space' },
        status: 400,
        field: 'Idempotency-Key',
      },
      ...['GET', 'DELETE'].map((method) => ({
        send: `${method} ${entry('others')}`,
        status: 404,
        code: 'no-such-cache',
      })),
      { send: `PUT ${entry('others')}`, json: row(), status: 404, code: 'no-such-cache' },
    ],
  },
  {
    title: 'a row is written behind, once under its id, and waited for',
    exchanges: [
      {
        send: `PUT ${entry('behind')}`,
        json: row(),
        headers: REPEATED,
        status: 200,
        has: { 'chorus-write': 'behind', 'cache-status': 'memory; detail=behind' },
        lacks: ['idempotency-replayed'],
      },
      {
        send: `PUT ${entry('behind')}`,
        json: row(),
        headers: REPEATED,
        status: 200,
        has: { 'idempotency-replayed': 'true', etag: '{etag}' },
      },
      { send: `PUT ${entry('behind')}`, json: row('~1', 'Bob'), headers: REPEATED, status: 422, code: 'id-reused' },
      { send: `DELETE ${entry('behind')}`, headers: REPEATED, status: 422, code: 'id-reused' },
      { send: `PUT ${entry('behind')}?wait=saved&timeout=30s`, json: row('~1', 'Bob'), status: 200 },
      { send: `GET ${entry('behind')}`, status: 200, gives: row('~1', 'Bob') },
      { send: 'POST /v1/caches/behind:invalidate', json: { keys: ['~1'] }, status: 200 },
      { send: `GET ${entry('behind')}`, status: 200, gives: row('~1', 'Bob'), has: { 'cache-status': MISS } },
      {
        send: `DELETE ${entry('behind')}?wait=saved&timeout=30s`,
        status: 204,
        has: { 'chorus-write': 'behind' },
      },
      { send: `GET ${entry('behind')}`, status: 404, code: 'not-found' },
    ],
  },
  {
    title: 'what the source refused behind is listed, tried again, or given up',
    exchanges: [
      ...['~a', '~b'].map((key) => ({
        send: `PUT ${entry('behind', key)}?wait=saved&timeout=30s`,
        json: row(key, TOO_LONG),
        status: 422,
        code: 'source-refused',
      })),
      {
        send: 'GET /v1/caches/behind/failed?limit=1',
        status: 200,
        gives: {
          failed: [
            {
              key: '~a',
              revision: expect.any(Number),
              ageMs: expect.any(Number),
              error: expect.stringMatching(/CHECK/),
            },
          ],
          next: expect.any(String),
        },
      },
      {
        send: 'GET /v1/caches/behind/failed?cursor={next}',
        status: 200,
        gives: { failed: [{ key: '~b' }], next: null },
      },
      { send: 'GET /v1/caches/behind/failed?cursor=x', status: 400, field: 'cursor' },
      { send: 'GET /v1/caches/behind/failed?limit=0', status: 400, field: 'limit' },
      { send: 'GET /v1/caches/others/failed', status: 404, code: 'no-such-cache' },
      { send: 'GET /v1/caches/behind', status: 200, gives: { name: 'behind', unsaved: 2, failed: 2 } },
      { send: 'POST /v1/caches/behind/failed/~a/retry', status: 204 },
      { send: 'POST /v1/caches/behind/failed/~c/retry', status: 404, code: 'not-found' },
      // Refused once more; a better row then takes its place.
      {
        send: `PUT ${entry('behind', '~a')}?wait=saved&timeout=30s`,
        json: row('~a', TOO_LONG),
        status: 422,
        code: 'source-refused',
      },
      { send: `PUT ${entry('behind', '~a')}?wait=saved&timeout=30s`, json: row('~a'), status: 200 },
      { send: 'DELETE /v1/caches/behind/failed/~b', status: 204 },
      { send: 'DELETE /v1/caches/behind/failed/~b', status: 404, code: 'not-found' },
      { send: `GET ${entry('behind', '~b')}`, status: 404, code: 'not-found' },
      { send: 'GET /v1/caches/behind', status: 200, gives: { unsaved: 0, failed: 0 } },
    ],
  },
  {
    title: 'writes behind are refused where too many wait',
    exchanges: [
      {
        send: `PUT ${entry('full')}?wait=saved&timeout=30s`,
        json: row('~1', TOO_LONG),
        status: 422,
        code: 'source-refused',
      },
      {
        send: `PUT ${entry('full', '~2')}`,
        json: row('~2'),
        status: 429,
        code: 'overloaded',
        has: { 'retry-after': /^\d+$/ },
      },
      { send: 'DELETE /v1/caches/full/failed/~1', status: 204 },
      { send: `PUT ${entry('full', '~2')}?wait=saved&timeout=30s`, json: row('~2'), status: 200 },
    ],
  },
  {
    title: 'a policy is switched while it runs',
    exchanges: [
      {
        send: 'PUT /v1/caches/switched/policy',
        json: { pattern: 'behind', maxDelayMs: 1 },
        status: 200,
        gives: { pattern: 'behind', maxDelayMs: 1, ttlMs: 3_600_000, revision: expect.any(Number) },
      },
      { send: `PUT ${entry('switched')}`, json: row(), status: 200, has: { 'chorus-write': 'behind' } },
      { send: 'PUT /v1/caches/switched/policy', json: { pattern: 'through' }, status: 200 },
      { send: 'GET /v1/caches/switched', status: 200, gives: { policy: { pattern: 'through', maxDelayMs: 1 } } },
      // Waits until all is saved.
      { send: `PUT ${entry('switched')}?timeout=30s`, json: row(), status: 200, has: { 'chorus-write': 'saved' } },
      { send: 'PUT /v1/caches/switched/policy', json: { pattern: 'aside' }, status: 200 },
      {
        send: `PUT ${entry('switched')}`,
        json: row('~1', 'Eve'),
        status: 200,
        has: { 'chorus-write': 'cached', 'cache-status': 'memory; detail=cached' },
      },
      { send: `GET ${entry('switched')}`, status: 200, gives: row('~1', 'Eve') },
      ...refusedBodies('PUT /v1/caches/switched/policy', [
        { pattern: 'sideways' },
        { ttlMs: -1 },
        { ttl: 1 },
        [],
        null,
      ]),
      { send: 'PUT /v1/caches/switched/policy', json: {}, headers: { Accept: 'text/html' }, status: 406 },
      { send: 'PUT /v1/caches/others/policy', json: {}, status: 404, code: 'no-such-cache' },
    ],
  },
  {
    title: 'caches are shown with their policies and figures',
    exchanges: [
      {
        send: 'GET /v1/caches',
        status: 200,
        gives: { caches: ['rows', 'behind', 'full', 'switched'].map((name) => ({ name, source: { state: 'ok' } })) },
      },
      {
        send: 'GET /v1/caches/rows',
        status: 200,
        gives: {
          name: 'rows',
          policy: { pattern: 'through', ttlMs: 3_600_000, negativeTtlMs: 3_600_000, revision: 0 },
          source: { name: 'sqlite', state: 'ok' },
          unsaved: 0,
        },
      },
      { send: 'GET /v1/caches/others', status: 404, code: 'no-such-cache' },
      { send: 'GET /v1/caches/', status: 404, code: 'unknown-path' },
    ],
  },
];
