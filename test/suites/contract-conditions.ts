// The rows of the contract on what decides whether and when a request is done: conditions, ids, consistency.
import type { Scenario } from './contract.ts';

const KEY = '/v1/keys/~';
const TEXT = { 'Content-Type': 'text/plain' };

export const CONDITION_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a read is conditional',
    exchanges: [
      { send: `PUT ${KEY}`, body: 'x', headers: TEXT, status: 201 },
      ...['{etag}', 'W/{etag}', '{bare-etag}', '"1", {etag}', '*'].map((tags) => ({
        send: `GET ${KEY}`,
        headers: { 'If-None-Match': tags },
        status: 304,
        text: '',
        has: { etag: '{etag}', 'cache-control': 'no-cache' },
        lacks: ['content-type'],
      })),
      { send: `GET ${KEY}`, headers: { 'If-None-Match': '"1", "other"' }, status: 200, text: 'x' },
      { send: `GET ${KEY}`, headers: { 'If-Match': '{etag}' }, status: 200 },
      {
        send: `GET ${KEY}`,
        headers: { 'If-Match': '"1"' },
        status: 412,
        code: 'condition-failed',
        has: { etag: '{etag}' },
      },
      { send: `GET ${KEY}`, headers: { 'If-None-Match': 'seven' }, status: 400, code: 'invalid-header' },
      { send: `GET ${KEY}none`, headers: { 'If-Match': 'seven' }, status: 400, field: 'If-Match' },
      { send: `GET ${KEY}none`, headers: { 'If-None-Match': '*' }, status: 404 },
      { send: `GET ${KEY}`, headers: { Accept: 'image/*, text/plain;q=0' }, status: 406, code: 'not-acceptable' },
      { send: `GET ${KEY}`, headers: { Accept: 'image/*, text/*;q=0.1' }, status: 200 },
    ],
  },
  {
    title: 'a write is conditional, in every form of an ETag',
    exchanges: [
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-Match': '*' }, status: 412, lacks: ['etag'] },
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-None-Match': '*' }, status: 201 },
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-None-Match': '*' }, status: 412, has: { etag: '{etag}' } },
      ...['{etag}', 'W/{etag}', '{bare-etag}', '"1", {etag}', '*'].map((tags) => ({
        send: `PUT ${KEY}`,
        body: 'x',
        headers: { 'If-Match': tags },
        status: 200,
      })),
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-Match': '"1"' }, status: 412, has: { etag: '{etag}' } },
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-None-Match': '"1"' }, status: 200 },
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-None-Match': '"1", {etag}' }, status: 412 },
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-Match': '*', 'If-None-Match': '{etag}' }, status: 412 },
      { send: `PUT ${KEY}`, body: 'x', headers: { 'If-Match': 'seven' }, status: 400, field: 'If-Match' },
      { send: `POST ${KEY}?op=append`, body: 'y', headers: { 'If-Match': '"1"' }, status: 412 },
      {
        send: `POST ${KEY}?op=touch&ttl=1h`,
        headers: { 'If-Match': '{etag}' },
        status: 200,
        has: { etag: '"{revision}"' },
      },
      { send: `DELETE ${KEY}`, headers: { 'If-Match': '"1"' }, status: 412, has: { etag: '{etag}' } },
      { send: `DELETE ${KEY}`, headers: { 'If-Match': '{etag}' }, status: 204 },
      { send: `DELETE ${KEY}`, headers: { 'If-Match': '{etag}' }, status: 412, lacks: ['etag'] },
    ],
  },
  {
    title: 'an id is applied once, whatever was its outcome, and names one command only',
    exchanges: [
      { send: `POST ${KEY}?op=increment`, headers: id('n'), status: 200, text: '1', lacks: ['idempotency-replayed'] },
      {
        send: `POST ${KEY}?op=increment`,
        headers: id('n'),
        status: 200,
        text: '1',
        has: { 'idempotency-replayed': 'true', etag: '{etag}' },
      },
      ...[
        `POST ${KEY}?op=increment&by=2`,
        `POST ${KEY}?op=increment&ttl=5m`,
        `POST ${KEY}x?op=increment`,
        `DELETE ${KEY}`,
      ].map((send) => ({ send, headers: id('n'), status: 422, code: 'id-reused', field: 'Idempotency-Key' })),
      { send: `POST ${KEY}?op=increment`, headers: { ...id('n'), 'If-Match': '*' }, status: 422 },
      { send: `PUT ${KEY}v`, body: 'x', headers: { ...id('p'), ...TEXT }, status: 201 },
      {
        send: `PUT ${KEY}v`,
        body: 'x',
        headers: { ...id('p'), ...TEXT },
        status: 201,
        has: { 'idempotency-replayed': 'true' },
      },
      { send: `PUT ${KEY}v`, body: 'y', headers: { ...id('p'), ...TEXT }, status: 422 },
      { send: `PUT ${KEY}v`, body: 'x', headers: { ...id('p'), 'Content-Type': 'text/html' }, status: 422 },
      { send: `PUT ${KEY}v?timeout=3s`, body: 'x', headers: { ...id('p'), ...TEXT }, status: 201 },
      { send: `DELETE ${KEY}v`, headers: id('d'), status: 204 },
      { send: `DELETE ${KEY}v`, headers: id('d'), status: 204, has: { 'idempotency-replayed': 'true' } },
      { send: `DELETE ${KEY}v`, headers: id('e'), status: 404 },
      { send: `PUT ${KEY}v`, body: '', status: 201 },
      { send: `DELETE ${KEY}v`, headers: id('e'), status: 404, has: { 'idempotency-replayed': 'true' } },
      { send: `PUT ${KEY}v`, body: '', headers: { ...id('c'), 'If-None-Match': '*' }, status: 412 },
      { send: `DELETE ${KEY}v`, status: 204 },
      {
        send: `PUT ${KEY}v`,
        body: '',
        headers: { ...id('c'), 'If-None-Match': '*' },
        status: 412,
        has: { 'idempotency-replayed': 'true' },
      },
      ...['a b', 'x'.repeat(256), 'é', ''].map((text) => ({
        send: `DELETE ${KEY}`,
        headers: { 'Idempotency-Key': text },
        status: 400,
        field: 'Idempotency-Key',
      })),
    ],
    isOfNodeAlone: true,
  },
  {
    title: 'where a condition is asked for, nothing is put or deleted without one',
    exchanges: [
      ...[
        'PUT /v1/keys/guarded/~',
        'DELETE /v1/keys/guarded/~',
        'DELETE /v1/keys?prefix=guard',
        'DELETE /v1/keys?prefix=guarded/x',
      ].map((send) => ({ send, status: 428, code: 'condition-required' })),
      { send: 'POST /api/cache/guarded%2Fa/', body: '1', status: 428 },
      { send: 'DELETE /api/cache/guarded%2Fa/', status: 428 },
      { send: 'POST /v1/keys/guarded/~?op=increment', status: 200 },
      { send: 'PUT /v1/keys/guarded/~', body: '1', headers: { 'If-Match': '{etag}' }, status: 200 },
      {
        send: 'POST /v1/batch',
        json: {
          items: [
            { op: 'put', key: 'guarded/~', value: '' },
            { op: 'put', key: 'guarded/~', value: '2', ifRevision: '#etag' },
          ],
        },
        status: 200,
        gives: { results: [{ status: 428, code: 'condition-required' }, { status: 200 }] },
      },
      { send: 'POST /v1/transactions', json: { else: [{ op: 'delete', key: 'guarded/~' }] }, status: 428 },
      {
        send: 'POST /v1/transactions',
        json: { if: [{ key: 'guarded/~', value: '2' }], then: [{ op: 'delete', key: 'guarded/~' }] },
        status: 200,
        gives: { branch: 'then' },
      },
    ],
  },
  {
    title: 'a read is as consistent as it was asked to be',
    isOfNodeAlone: true,
    exchanges: [
      { send: `PUT ${KEY}`, body: 'x', status: 201, has: { 'chorus-consistency': 'linearizable' } },
      { send: `GET ${KEY}`, status: 200, has: { 'chorus-consistency': 'eventual', 'chorus-lag-ms': /^\d{1,4}$/ } },
      ...['eventual', 'session', 'linearizable'].map((level) => ({
        send: `GET ${KEY}?consistency=${level}`,
        status: 200,
        has: { 'chorus-consistency': level },
      })),
      ...[`GET ${KEY}`, `GET ${KEY}?consistency=eventual`].map((send) => ({
        send,
        headers: { 'Chorus-Min-Revision': '{revision}' },
        status: 200,
        has: { 'chorus-consistency': 'session' },
      })),
      { send: `GET ${KEY}none?consistency=linearizable`, status: 404, has: { 'chorus-consistency': 'linearizable' } },
      {
        send: `GET ${KEY}?timeout=100ms`,
        headers: { 'Chorus-Min-Revision': '{revision}00000' },
        status: 504,
        code: 'revision-not-reached',
      },
      { send: `GET ${KEY}?consistency=strong`, status: 400, field: 'consistency' },
      { send: `GET ${KEY}`, headers: { 'Chorus-Min-Revision': '-1' }, status: 400, field: 'Chorus-Min-Revision' },
    ],
  },
];

function id(name: string): Readonly<Record<string, string>> {
  return { 'Idempotency-Key': `~${name}` };
}
