// The rows of the contract on tokens: created by their hash, listed without it, revoked. Who is let in by them is authorisation-rows.ts.
import { expect } from 'vitest';
import type { Scenario } from './contract.ts';

const HASH = 'a1'.repeat(32);
const OTHER_HASH = 'b2'.repeat(32);
const WEB = { name: 'contract-web', sha256: HASH, scopes: ['read:users/', 'write-cache:'] };
const JOB = { name: 'contract-job', sha256: OTHER_HASH, scopes: ['admin'] };
const wrong = (body: unknown, field: string) => ({
  send: 'POST /v1/tokens',
  json: body,
  status: 400,
  code: 'invalid-body',
  field,
});

export const TOKEN_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a token is created once, told of without its hash, and revoked',
    // Another node may be a moment behind.
    isOfNodeAlone: true,
    exchanges: [
      {
        send: 'POST /v1/tokens?timeout=10s',
        json: WEB,
        status: 201,
        gives: { name: WEB.name, scopes: WEB.scopes, revision: expect.any(Number) },
        has: { 'cache-control': 'no-store', 'chorus-consistency': 'linearizable' },
      },
      { send: 'POST /v1/tokens', json: WEB, status: 409, code: 'token-exists' },
      { send: 'POST /v1/tokens', json: { ...WEB, sha256: OTHER_HASH }, status: 409, code: 'token-exists' },
      { send: 'POST /v1/tokens', json: { ...WEB, name: 'contract-twin' }, status: 409, code: 'token-exists' },
      {
        send: 'GET /v1/tokens',
        status: 200,
        text: new RegExp(`^(?!.*${HASH})`),
        gives: {
          tokens: expect.arrayContaining([{ name: WEB.name, scopes: WEB.scopes, createdAt: expect.any(String) }]),
        },
      },
      { send: 'POST /v1/tokens', json: JOB, headers: { 'Idempotency-Key': '~a' }, status: 201 },
      {
        send: 'POST /v1/tokens',
        json: JOB,
        headers: { 'Idempotency-Key': '~a' },
        status: 201,
        has: { 'idempotency-replayed': 'true' },
      },
      { send: 'POST /v1/tokens', json: WEB, headers: { 'Idempotency-Key': '~a' }, status: 422, code: 'id-reused' },
      {
        send: `DELETE /v1/tokens/${JOB.name}`,
        headers: { 'Idempotency-Key': '~a' },
        status: 422,
        code: 'id-reused',
      },
      { send: `DELETE /v1/tokens/${JOB.name}`, headers: { 'Idempotency-Key': '~b' }, status: 204, text: '' },
      {
        send: `DELETE /v1/tokens/${JOB.name}`,
        headers: { 'Idempotency-Key': '~b' },
        status: 204,
        has: { 'idempotency-replayed': 'true' },
      },
      { send: `DELETE /v1/tokens/${JOB.name}`, status: 404, code: 'not-found' },
      { send: `DELETE /v1/tokens/${WEB.name}`, status: 204 },
    ],
  },
  {
    title: 'a token that is described wrongly is not created',
    exchanges: [
      wrong({ ...WEB, name: 'a b' }, 'name'),
      wrong({ ...WEB, name: '*admin' }, 'name'),
      wrong({ ...WEB, name: 'n'.repeat(65) }, 'name'),
      wrong({ ...WEB, sha256: 'chorus_secret' }, 'sha256'),
      wrong({ ...WEB, sha256: HASH.toUpperCase() }, 'sha256'),
      wrong({ ...WEB, scopes: [] }, 'scopes'),
      wrong({ ...WEB, scopes: ['admin', 'reed:users/'] }, 'scopes[1]'),
      wrong({ ...WEB, scopes: ['read'] }, 'scopes[0]'),
      wrong({ ...WEB, scopes: ['admin:users/'] }, 'scopes[0]'),
      wrong({ ...WEB, token: 'x' }, 'token'),
      wrong([], 'body'),
      {
        send: 'POST /v1/tokens',
        json: { ...WEB, scopes: Array(65).fill('admin') },
        status: 413,
        code: 'body-too-large',
      },
      { send: 'POST /v1/tokens', json: WEB, headers: { Accept: 'text/html' }, status: 406, code: 'not-acceptable' },
      { send: 'POST /v1/tokens', json: WEB, headers: { 'If-Match': '*' }, status: 400, code: 'invalid-header' },
      { send: 'DELETE /v1/tokens/%61dmin', status: 404, code: 'not-found' },
      { send: 'DELETE /v1/tokens/contract-none', body: 'x', status: 400, code: 'unexpected-body' },
    ],
  },
];
