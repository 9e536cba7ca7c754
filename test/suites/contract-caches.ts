// The rows of the contract on entries of caches in front of databases; contract-config.ts declares those that are asked.
import { expect } from 'vitest';
import type { Exchange, Scenario } from './contract.ts';

export const entry = (cache: string, key = '~1') => `/v1/caches/${cache}/entries/${key}`;
export const row = (id = '~1', name = 'Ada', mail: string | null = null) => ({ id, name, mail });
const HIT = /^memory; hit; ttl=3[56]\d\d$/;
export const MISS = 'memory; fwd=uri-miss; stored';
export const TOO_LONG = 'a name that is much too long';

/** Each on its own row of a table. */
const invalidated = (what: unknown): readonly Exchange[] => [
  { send: `GET ${entry('rows')}`, status: 200, has: { 'cache-status': HIT } },
  { send: 'POST /v1/caches/rows:invalidate', json: what, status: 200, gives: { revision: expect.any(Number) } },
  { send: `GET ${entry('rows')}`, status: 200, has: { 'cache-status': MISS }, gives: row() },
];

export const refusedBodies = (send: string, bodies: readonly unknown[]): readonly Exchange[] =>
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
];
