// The rows of the contract on stores: what the cache library asks of the cluster when it keeps its entries there.
import { expect } from 'vitest';
import type { Scenario } from './contract.ts';

const entry = (query = '', key = '~1') => `/v1/stores/contract/entries/${key}${query}`;
const NOTE = /^\d+\.[\w-]+$/;
const put = (query: string, body: string, kept: boolean) => ({
  send: `PUT ${entry(query)}`,
  body,
  status: 200,
  gives: { kept },
});

export const STORE_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a store takes a fill once for each note, and tells its bytes',
    exchanges: [
      { send: `GET ${entry()}`, status: 404, code: 'not-found', has: { 'chorus-note': NOTE } },
      put('?since={note}&ttl=1h', 'first', true),
      put('?since={note}&ttl=1h', 'second', false),
      {
        send: `GET ${entry('?consistency=linearizable')}`,
        status: 200,
        text: 'first',
        has: { 'chorus-note': NOTE, 'content-type': 'application/octet-stream', 'chorus-consistency': 'linearizable' },
      },
      put('?since={note}', 'third', true),
      { send: `GET ${entry()}`, status: 200, text: 'third' },
      { send: 'POST /v1/stores/contract:invalidate', json: { keys: ['~1'] }, status: 200 },
      put('?since={note}', 'stale', false),
      put('?since=1.another-cluster', 'foreign', false),
      { send: `HEAD ${entry()}`, status: 404, has: { 'chorus-note': NOTE } },
      { send: 'GET /v1/keys?prefix=~', status: 200, gives: { keys: [] } },
    ],
  },
  {
    title: 'a store keeps fills out while somebody holds the key, and then what was written',
    exchanges: [
      put('', 'old', true),
      { send: `GET ${entry()}`, status: 200, text: 'old' },
      { send: `POST ${entry('?op=hold&ttl=1m')}`, status: 200, gives: { hold: expect.stringMatching(NOTE) } },
      { send: `GET ${entry()}`, status: 404, lacks: ['chorus-note'] },
      put('?since={note}', 'stale', false),
      put('?hold={hold}&ttl=1h', 'written', true),
      put('?hold={hold}&ttl=1h', 'twice', false),
      { send: `GET ${entry()}`, status: 404, has: { 'chorus-note': NOTE } },
      { send: `POST ${entry('?op=hold&ttl=1m')}`, status: 200 },
      { send: `DELETE ${entry('?hold={hold}')}`, status: 204 },
      { send: `GET ${entry()}`, status: 404, has: { 'chorus-note': NOTE } },
      put('?hold=7.another-cluster', 'foreign', false),
      { send: `DELETE ${entry()}`, status: 204 },
    ],
  },
  {
    title: 'a store invalidates by tags, and all together',
    exchanges: [
      ...[{ tags: ['a,b ü'] }, { all: true }].flatMap((what) => [
        {
          send: `PUT ${entry()}`,
          body: 'tagged',
          headers: { 'Chorus-Tags': 'a%2Cb%20%C3%BC, other' },
          status: 200,
          gives: { kept: true },
        },
        { send: 'POST /v1/stores/contract:invalidate', json: { tags: ['a'] }, status: 200 },
        { send: `GET ${entry()}`, status: 200, text: 'tagged' },
        {
          send: 'POST /v1/stores/contract:invalidate',
          json: what,
          status: 200,
          gives: { revision: expect.any(Number) },
        },
        { send: `GET ${entry()}`, status: 404 },
      ]),
    ],
  },
  {
    title: 'a request on a store that makes no sense is refused',
    exchanges: [
      { send: `PUT ${entry('?since=1.a&hold=1.a')}`, body: '', status: 400, field: 'since' },
      { send: `PUT ${entry('?ttl=0')}`, body: '', status: 400, field: 'ttl' },
      ...['%', 'a,,b', '%FF', 'x'.repeat(256)].map((tags) => ({
        send: `PUT ${entry()}`,
        body: '',
        headers: { 'Chorus-Tags': tags },
        status: 400,
        code: 'invalid-header',
        field: 'Chorus-Tags',
      })),
      { send: `POST ${entry()}`, status: 400, field: 'op' },
      { send: `POST ${entry('?op=hold')}`, status: 400, field: 'ttl' },
      { send: `DELETE ${entry()}`, body: 'x', status: 400, code: 'unexpected-body' },
      { send: 'POST /v1/stores/contract:invalidate', json: {}, status: 400, code: 'invalid-body' },
      {
        send: 'POST /v1/stores/contract:invalidate',
        json: { all: true },
        headers: { Accept: 'text/html' },
        status: 406,
      },
      { send: 'GET /v1/stores/-/entries/a', status: 404, code: 'unknown-path' },
    ],
  },
];
