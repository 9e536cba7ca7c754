// The rows of the contract on batches and transactions.
import { expect } from 'vitest';
import type { Exchange, Scenario } from './contract.ts';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);

/** Bodies that are refused, with the place that each is wrong at. */
const refusedBodies = (send: string, rows: readonly (readonly [field: string, json: unknown])[]): readonly Exchange[] =>
  rows.map(([field, json]) => ({ send, json, status: 400, code: 'invalid-body', field }));

/** What both kinds of body refuse alike. */
const refusedAlike = (send: string): readonly Exchange[] => [
  {
    send,
    body: '{',
    headers: { 'Content-Type': 'application/json' },
    status: 400,
    code: 'invalid-body',
    field: 'body',
  },
  { send, body: '{}', headers: { 'Content-Type': 'text/plain' }, status: 415, code: 'unsupported-media-type' },
  { send, json: {}, headers: { Accept: 'text/html' }, status: 406, code: 'not-acceptable' },
  { send, json: {}, headers: { 'If-Match': '*' }, status: 400, code: 'invalid-header', field: 'If-Match' },
  { send: `${send}?limit=3`, json: {}, status: 400, code: 'unknown-parameter', field: 'limit' },
];

/** Sent again it is a repeat. */
const COUNTED_ONCE = {
  send: 'POST /v1/transactions',
  json: {
    if: [],
    then: [
      { op: 'increment', key: '~c' },
      { op: 'get', key: '~c' },
    ],
  },
  headers: { 'Idempotency-Key': '~r' },
} as const;

export const OPERATION_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a batch gives each item its own status, and its writes are applied once under an id',
    exchanges: [
      {
        send: 'POST /v1/batch',
        json: {
          items: [
            { op: 'put', key: '~a', value: 'text', ttl: '5m', contentType: 'text/plain', ifRevision: 0 },
            { op: 'get', key: '~a' },
            { op: 'put', key: '~a', base64: '/w==', ifRevision: 1 },
            { op: 'put', key: '~b', base64: '/w==' },
            { op: 'get', key: '~b' },
            { op: 'increment', key: '~n', by: '9007199254740993', ttl: 60 },
            { op: 'increment', key: '~n' },
            { op: 'increment', key: '~a' },
            { op: 'append', key: '~a', value: 'é' },
            { op: 'touch', key: '~a', ttl: 'none' },
            { op: 'get', key: '~a', ifRevision: 1 },
            { op: 'delete', key: '~b' },
            { op: 'delete', key: '~b' },
            { op: 'get', key: '~b' },
          ],
        },
        status: 200,
        gives: {
          revision: '#revision',
          results: [
            { status: 201, revision: expect.any(Number) },
            { status: 200, value: 'text', contentType: 'text/plain', revision: expect.any(Number), expiresAt: TIME },
            { status: 412, code: 'condition-failed', revision: expect.any(Number) },
            { status: 201 },
            { status: 200, base64: '/w==', contentType: 'application/octet-stream' },
            { status: 200, value: '9007199254740993' },
            { status: 200, value: '9007199254740994' },
            { status: 409, code: 'not-an-integer' },
            { status: 200, bytes: 6 },
            { status: 200, revision: expect.any(Number) },
            { status: 412, code: 'condition-failed' },
            { status: 204, revision: expect.any(Number) },
            { status: 404, code: 'not-found' },
            { status: 404, code: 'not-found' },
          ],
        },
      },
      ...['lacks', 'has'].map((repeat) => ({
        send: 'POST /v1/batch',
        json: { items: [{ op: 'increment', key: '~once' }] },
        headers: { 'Idempotency-Key': '~b' },
        status: 200,
        gives: { results: [{ status: 200, value: '1' }] },
        ...(repeat === 'lacks'
          ? { lacks: ['idempotency-replayed'] }
          : { has: { 'idempotency-replayed': 'true', 'chorus-consistency': 'linearizable' } }),
      })),
      { send: 'POST /v1/batch', json: { items: [] }, status: 200, gives: { results: [] } },
    ],
  },
  {
    title: 'a batch with a malformed item is refused whole',
    exchanges: [
      ...refusedBodies('POST /v1/batch', [
        [
          'items[1]',
          {
            items: [
              { op: 'put', key: '~x', value: '' },
              { op: 'put', key: '~x' },
            ],
          },
        ],
        ['items[0]', { items: [{ op: 'put', key: '~x', value: '', base64: '' }] }],
        ['items[0].base64', { items: [{ op: 'put', key: '~x', base64: '_w' }] }],
        ['items[0].op', { items: [{ op: 'putt', key: '~x' }] }],
        ['items[0].key', { items: [{ op: 'get', key: '' }] }],
        ['items[0].ttl', { items: [{ op: 'touch', key: '~x' }] }],
        ['items[0].tll', { items: [{ op: 'put', key: '~x', value: '', tll: 5 }] }],
        ['items[0].ifRevision', { items: [{ op: 'get', key: '~x', ifRevision: -1 }] }],
        ['items[0].by', { items: [{ op: 'increment', key: '~x', by: 1.5 }] }],
        ['items', {}],
        ['item', { item: [] }],
        ['body', []],
      ]),
      {
        send: 'POST /v1/batch',
        json: { items: new Array(1001).fill({ op: 'get', key: 'a' }) },
        status: 413,
        field: 'items',
      },
      ...refusedAlike('POST /v1/batch'),
      { send: 'GET /v1/keys/~x', status: 404 },
    ],
  },
  {
    title: 'a transaction does all of one branch, at one revision',
    exchanges: [
      { send: 'PUT /v1/keys/~a', body: '1', status: 201 },
      {
        send: 'POST /v1/transactions',
        json: {
          if: [
            { key: '~a', revision: '#etag' },
            { key: '~b', exists: false },
            { key: '~a', exists: true },
            { key: '~a', value: '1' },
            { key: '~b', revision: 0 },
          ],
          then: [
            { op: 'put', key: '~b', value: '2' },
            { op: 'get', key: '~b' },
            { op: 'increment', key: '~a' },
            { op: 'get', key: '~none' },
          ],
        },
        headers: { 'Idempotency-Key': '~t' },
        status: 200,
        lacks: ['idempotency-replayed'],
        gives: {
          branch: 'then',
          revision: '#revision',
          results: [
            { status: 201, revision: '#revision' },
            { status: 200, value: '2', revision: '#revision' },
            { status: 200, value: '2', revision: '#revision' },
            { status: 404, code: 'not-found' },
          ],
        },
      },
      {
        send: 'POST /v1/transactions',
        json: {
          if: [{ key: '~a', value: '1' }],
          then: [{ op: 'delete', key: '~a' }],
          else: [{ op: 'get', key: '~a' }],
        },
        status: 200,
        gives: { branch: 'else', results: [{ status: 200, value: '2' }] },
      },
      {
        send: 'POST /v1/transactions',
        json: { if: [{ key: '~a', exists: false }] },
        status: 200,
        gives: { branch: 'else', results: [] },
      },
      {
        ...COUNTED_ONCE,
        status: 200,
        gives: { results: [{ value: '1' }, { value: '1' }] },
      },
      {
        ...COUNTED_ONCE,
        status: 200,
        has: { 'idempotency-replayed': 'true' },
        gives: {
          branch: 'then',
          results: [
            { status: 200, value: '1' },
            { status: 200, revision: expect.any(Number) },
          ],
        },
      },
      {
        send: 'POST /v1/transactions',
        json: { then: [{ op: 'increment', key: '~c' }] },
        headers: { 'Idempotency-Key': '~r' },
        status: 422,
        code: 'id-reused',
      },
    ],
  },
  {
    title: 'an operation that is rejected undoes the transaction, and its place is told',
    exchanges: [
      {
        send: 'POST /v1/transactions',
        json: {
          then: [
            { op: 'put', key: '~a', value: '1' },
            { op: 'put', key: '~a', value: '2', ifRevision: 1 },
          ],
        },
        status: 409,
        code: 'transaction-failed',
        field: 'then[1]',
        gives: { item: 1, branch: 'then', result: { status: 412, code: 'condition-failed' }, outcome: 'not-applied' },
      },
      {
        send: 'POST /v1/transactions',
        json: {
          if: [{ key: '~a', exists: true }],
          else: [
            { op: 'put', key: '~a', value: '1' },
            { op: 'increment', key: '~a', by: '9223372036854775807' },
          ],
        },
        status: 409,
        gives: { item: 1, branch: 'else', result: { status: 409, code: 'overflow' } },
      },
      ...['delete', 'touch'].map((op) => ({
        send: 'POST /v1/transactions',
        json: {
          then: [
            { op: 'put', key: '~a', value: '1' },
            { op, key: '~none', ...(op === 'touch' ? { ttl: 5 } : {}) },
          ],
        },
        status: 409,
        gives: { item: 1, result: { status: 404, code: 'not-found' } },
      })),
      { send: 'GET /v1/keys/~a', status: 404 },
      ...refusedBodies('POST /v1/transactions', [
        ['body', {}],
        ['if[0]', { if: [{ key: '~a' }] }],
        ['if[0]', { if: [{ key: '~a', exists: true, revision: 1 }] }],
        ['if[0].exists', { if: [{ key: '~a', exists: 1 }] }],
        ['then[0].op', { then: [{ op: 'set', key: '~a' }] }],
        ['else[0].value', { else: [{ op: 'get', key: '~a', value: '' }] }],
        ['than', { than: [] }],
      ]),
      ...refusedAlike('POST /v1/transactions'),
    ],
  },
];
