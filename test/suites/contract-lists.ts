// The rows of the contract on lists, and on deleting by prefix.
import { expect } from 'vitest';
import type { Scenario } from './contract.ts';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);

export const LIST_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a list gives pages in the order of the bytes, with a cursor and a link to the next',
    exchanges: [
      ...['b', 'a', 'a/é', 'c'].map((key) => ({
        send: `PUT /v1/keys/~${encodeURIComponent(key)}`,
        body: key,
        status: 201,
      })),
      { send: 'PUT /v1/keys/~d?ttl=1h', body: Uint8Array.of(255), headers: { 'Content-Type': 'x/y' }, status: 201 },
      {
        send: 'GET /v1/keys?prefix=~&limit=3',
        status: 200,
        has: {
          link: /^<\/v1\/keys\?prefix=[^<>]*&limit=3&cursor=[^<>]+>; rel="next"$/,
          'content-type': 'application/json',
        },
        gives: {
          keys: [
            { key: '~a', bytes: 1 },
            { key: '~a/é', bytes: 4 },
            { key: '~b', contentType: 'application/octet-stream' },
          ],
          revision: '#revision',
        },
      },
      { send: 'GET /v1/keys?prefix=other&cursor={next}', status: 400, code: 'invalid-parameter', field: 'cursor' },
      {
        send: 'GET /v1/keys?prefix=~&limit=3&values=true&cursor={next}',
        status: 200,
        lacks: ['link'],
        gives: {
          keys: [
            { key: '~c', value: 'c' },
            { key: '~d', base64: '/w==', bytes: 1, contentType: 'x/y', expiresAt: TIME, revision: '#etag' },
          ],
          next: null,
        },
      },
      { send: 'HEAD /v1/keys?prefix=~', status: 200, text: '' },
      { send: 'GET /v1/keys?prefix=~none', status: 200, gives: { keys: [], next: null } },
      { send: 'GET /v1/keys?limit=1000', status: 200 },
      ...[
        'limit=0',
        'limit=1001',
        'limit=x',
        'limit=',
        'cursor=',
        'cursor=AAAA',
        'values=yes',
        `prefix=${'k'.repeat(1025)}`,
      ].map((query) => ({
        send: `GET /v1/keys?${query}`,
        status: 400,
        code: 'invalid-parameter',
        field: query.split('=')[0] ?? '',
      })),
      { send: 'GET /v1/keys?vaules=true', status: 400, code: 'unknown-parameter', text: /did you mean ..values/ },
      { send: 'GET /v1/keys', headers: { Accept: 'text/html' }, status: 406, code: 'not-acceptable' },
      { send: 'GET /v1/keys?timeout=100ms', headers: { 'Chorus-Min-Revision': '{revision}00000' }, status: 504 },
    ],
  },
  {
    title: 'a long list is compressed as the client takes it, a short one and a value never',
    exchanges: [
      ...Array.from({ length: 20 }, (_, n) => ({ send: `PUT /v1/keys/~${n}`, body: 'x'.repeat(2000), status: 201 })),
      ...['gzip', 'br', 'deflate'].map((coding) => ({
        send: 'HEAD /v1/keys?prefix=~&values=true',
        headers: { 'Accept-Encoding': coding },
        status: 200,
        has: { vary: 'Accept-Encoding' },
      })),
      { send: 'GET /v1/keys/~0', headers: { 'Accept-Encoding': 'gzip' }, status: 200, lacks: ['content-encoding'] },
      {
        send: 'GET /v1/keys?prefix=~0',
        headers: { 'Accept-Encoding': 'gzip' },
        status: 200,
        lacks: ['content-encoding'],
      },
    ],
  },
  {
    title: 'keys are deleted by prefix in one command, all of them only when told so',
    exchanges: [
      ...['a/1', 'a/2', 'b'].map((key) => ({ send: `PUT /v1/keys/~${key}`, body: '', status: 201 })),
      { send: 'DELETE /v1/keys', status: 400, code: 'invalid-parameter', field: 'prefix' },
      { send: 'DELETE /v1/keys?prefix=', status: 400, field: 'prefix' },
      { send: 'DELETE /v1/keys?prefix=~&limit=1', status: 400, code: 'unknown-parameter', field: 'limit' },
      { send: 'DELETE /v1/keys?prefix=~', headers: { 'If-Match': '*' }, status: 400, field: 'If-Match' },
      { send: 'DELETE /v1/keys?prefix=~', body: 'x', status: 400, code: 'unexpected-body' },
      {
        send: 'DELETE /v1/keys?prefix=~a/',
        headers: { 'Idempotency-Key': '~d' },
        status: 200,
        text: '{"deleted":2,"more":false}',
        lacks: ['idempotency-replayed'],
      },
      {
        send: 'DELETE /v1/keys?prefix=~a/',
        headers: { 'Idempotency-Key': '~d' },
        status: 200,
        text: '{"deleted":2,"more":false}',
        has: { 'idempotency-replayed': 'true' },
      },
      { send: 'DELETE /v1/keys?prefix=~b', headers: { 'Idempotency-Key': '~d' }, status: 422, code: 'id-reused' },
      { send: 'DELETE /v1/keys?prefix=~a/', status: 200, text: '{"deleted":0,"more":false}' },
      { send: 'GET /v1/keys?prefix=~', status: 200, gives: { keys: [{ key: '~b' }] } },
    ],
  },
];
