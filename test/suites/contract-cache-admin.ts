// The rows of the contract on writes behind, on what the source refused of them, and on what an admin does to caches.
import { expect } from 'vitest';
import type { Scenario } from './contract.ts';
import { entry, MISS, refusedBodies, row, TOO_LONG } from './contract-caches.ts';

const REPEATED = { 'Idempotency-Key': '~put' };

export const CACHE_ADMIN_SCENARIOS: readonly Scenario[] = [
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
    title: 'the fence of another cluster is adopted as it was found, and as often as asked',
    exchanges: [
      ...[{ n: 999 }, { cluster: 'other', n: 1001 }].map((wrong) => ({
        send: 'POST /v1/caches/adopted:adopt',
        json: { cluster: 'another', ...wrong },
        status: 409,
        code: 'fence-differs',
      })),
      ...[1, 2].map(() => ({
        send: 'POST /v1/caches/adopted:adopt',
        json: { cluster: 'another', n: 1000 },
        status: 200,
        gives: { revision: expect.any(Number) },
      })),
      ...refusedBodies('POST /v1/caches/adopted:adopt', [{}, { cluster: 'another' }, { cluster: 'a', n: 2 ** 53 }, []]),
      { send: 'POST /v1/caches/adopted:adopt', json: {}, headers: { Accept: 'text/html' }, status: 406 },
      { send: 'POST /v1/caches/others:adopt', json: {}, status: 404, code: 'no-such-cache' },
    ],
  },
  {
    title: 'caches are shown with their policies and figures',
    exchanges: [
      {
        send: 'GET /v1/caches',
        status: 200,
        gives: {
          caches: ['rows', 'behind', 'full', 'adopted', 'switched'].map((name) => ({ name, source: { state: 'ok' } })),
        },
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
      { send: 'HEAD /v1/watch?cache=rows&prefix=~', status: 200 },
      { send: 'GET /v1/watch?cache=others', status: 404, code: 'no-such-cache' },
      { send: 'GET /v1/caches/', status: 404, code: 'unknown-path' },
    ],
  },
];
