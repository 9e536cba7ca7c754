// The rows of the contract on one key: values, keys, times to live, numbers.
import type { Exchange, Scenario } from './contract.ts';

const KEY = '/v1/keys/~';
const TEXT = { 'Content-Type': 'text/plain' };

/** Requests that differ in one thing and are all refused alike. */
const refused = (sends: readonly string[], status: number, code: string, field: string): readonly Exchange[] =>
  sends.map((send) => ({ send, status, code, field }));

export const KEY_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a value is created, read, replaced and deleted',
    exchanges: [
      { send: `PUT ${KEY}`, body: 'one', headers: TEXT, status: 201, has: { etag: '"{revision}"' } },
      {
        send: `GET ${KEY}`,
        status: 200,
        text: 'one',
        has: { etag: '{etag}', 'content-type': 'text/plain', 'cache-control': 'no-cache', 'content-length': '3' },
        lacks: ['expires', 'chorus-expires-at', 'chorus-ttl-ms'],
      },
      { send: `HEAD ${KEY}`, status: 200, text: '', has: { 'content-length': '3', 'content-type': 'text/plain' } },
      { send: `PUT ${KEY}`, body: 'two', status: 200, has: { etag: '"{revision}"' } },
      { send: `GET ${KEY}`, status: 200, text: 'two', has: { 'content-type': 'application/octet-stream' } },
      { send: `DELETE ${KEY}`, status: 204, text: '', lacks: ['etag', 'content-type'] },
      { send: `GET ${KEY}`, status: 404, code: 'not-found' },
      { send: `HEAD ${KEY}`, status: 404, text: '' },
      { send: `DELETE ${KEY}`, status: 404, code: 'not-found' },
    ],
  },
  {
    title: 'any bytes are a value, none too',
    exchanges: [
      { send: `PUT ${KEY}`, body: Uint8Array.of(0, 255, 10, 13, 0), status: 201 },
      { send: `GET ${KEY}`, status: 200, bytes: [0, 255, 10, 13, 0] },
      {
        send: `PUT ${KEY}`,
        body: 'x',
        headers: { 'Content-Range': 'bytes 0-0/5' },
        status: 400,
        field: 'Content-Range',
      },
      { send: `GET ${KEY}`, headers: { Range: 'bytes=0-0' }, status: 200, bytes: [0, 255, 10, 13, 0] },
      { send: `PUT ${KEY}`, body: '', status: 200 },
      { send: `GET ${KEY}`, status: 200, bytes: [], has: { 'content-length': '0' } },
    ],
  },
  {
    title: 'a type that means nothing is stored as octets, any other as it came',
    exchanges: [
      ['application/x-www-form-urlencoded', 'application/octet-stream'],
      ['', 'application/octet-stream'],
      ['text/html; charset="utf-8"', 'text/html; charset="utf-8"'],
      ['application/vnd.x+json', 'application/vnd.x+json'],
    ].flatMap(([sent = '', stored = '']) => [
      { send: `PUT ${KEY}/${stored.length}`, body: '{}', headers: { 'Content-Type': sent }, status: 201 },
      { send: `GET ${KEY}/${stored.length}`, status: 200, text: '{}', has: { 'content-type': stored } },
      { send: `DELETE ${KEY}/${stored.length}`, status: 204 },
    ]),
  },
  {
    title: 'a key is decoded once; a raw slash and %2F are the same, two slashes are two',
    exchanges: [
      { send: `PUT ${KEY}a/b`, body: '1', status: 201 },
      { send: `GET ${KEY}a%2Fb`, status: 200, text: '1' },
      { send: `GET ${KEY}a%2fb`, status: 200, text: '1' },
      { send: `GET ${KEY}a//b`, status: 404 },
      { send: `GET ${KEY}a%252Fb`, status: 404 },
      { send: `PUT ${KEY}a+b%20%C3%A9`, body: '2', status: 201 },
      { send: 'GET /v1/keys?prefix=~a%2Bb', status: 200, gives: { keys: [{ key: '~a+b é' }] } },
      { send: `PUT /v1/keys/${'k'.repeat(1024)}`, body: '', status: 201 },
      { send: `DELETE /v1/keys/${'k'.repeat(1024)}`, status: 204 },
      { send: `GET /v1/keys/${'k'.repeat(1025)}`, status: 414, code: 'key-too-long', field: 'key' },
    ],
  },
  {
    title: 'a time to live is set, shown, renewed, ended, and cleared by a put without one',
    exchanges: [
      ...[
        ['30s', 30_000],
        ['90', 90_000],
        ['90000ms', 90_000],
        ['5m', 300_000],
        ['2h', 7_200_000],
        ['3650d', 315_360_000_000],
      ].flatMap(([ttl, ms]) => [
        { send: `PUT ${KEY}?ttl=${ttl}`, body: 'x', status: ttl === '30s' ? 201 : 200 },
        {
          send: `GET ${KEY}`,
          status: 200,
          has: { 'chorus-expires-at': /^\d{4}-.*Z$/, 'chorus-ttl-ms': upTo(Number(ms)) },
          lacks: ['expires'],
        },
      ]),
      { send: `POST ${KEY}?op=touch&ttl=none`, status: 200, text: '', has: { etag: '"{revision}"' } },
      { send: `GET ${KEY}`, status: 200, lacks: ['chorus-ttl-ms'], has: { etag: '{etag}' } },
      { send: `POST ${KEY}?op=touch&ttl=1h`, status: 200 },
      { send: `HEAD ${KEY}`, status: 200, has: { 'chorus-ttl-ms': upTo(3_600_000) } },
      { send: `PUT ${KEY}`, body: 'x', status: 200 },
      { send: `GET ${KEY}`, status: 200, lacks: ['chorus-ttl-ms', 'chorus-expires-at'] },
      { send: `POST ${KEY}none?op=touch&ttl=1h`, status: 404, code: 'not-found' },
      ...refused(
        ['0', '-1', '1.5s', '3651d', 'soon', '', '5w', '+5', 'none', '1e3'].map((ttl) => `PUT ${KEY}?ttl=${ttl}`),
        400,
        'invalid-parameter',
        'ttl',
      ),
      ...refused([`POST ${KEY}?op=touch`, `POST ${KEY}?op=touch&ttl=0`], 400, 'invalid-parameter', 'ttl'),
      ...refused(
        ['0', '61s', '2m', 'x'].map((timeout) => `DELETE ${KEY}?timeout=${timeout}`),
        400,
        'invalid-parameter',
        'timeout',
      ),
      { send: `GET ${KEY}?timeout=60s`, status: 200 },
    ],
  },
  {
    title: 'an increment counts in 64 bits; its ttl is used only when it creates the key',
    exchanges: [
      { send: `POST ${KEY}?op=increment&ttl=1h`, status: 200, text: '1', has: { 'content-type': /^text\/plain/ } },
      { send: `POST ${KEY}?op=increment&by=-43&ttl=2d`, status: 200, text: '-42', has: { etag: '"{revision}"' } },
      { send: `GET ${KEY}`, status: 200, text: '-42', has: { 'chorus-ttl-ms': upTo(3_600_000) } },
      { send: `POST ${KEY}?op=increment&by=-9223372036854775807`, status: 409, code: 'overflow' },
      ...refused(
        ['x', '1.5', '9223372036854775808', ''].map((by) => `POST ${KEY}?op=increment&by=${by}`),
        400,
        'invalid-parameter',
        'by',
      ),
      { send: `PUT ${KEY}`, body: 'many', status: 200 },
      { send: `POST ${KEY}?op=increment`, status: 409, code: 'not-an-integer' },
      { send: `POST ${KEY}?op=increment`, body: '1', status: 400, code: 'unexpected-body' },
    ],
  },
  {
    title: 'an append answers the new length; ttl and type are used only when it creates the key',
    exchanges: [
      { send: `POST ${KEY}?op=append&ttl=1h`, body: 'ab', headers: TEXT, status: 200, text: '2' },
      {
        send: `POST ${KEY}?op=append&ttl=2d`,
        body: Uint8Array.of(255),
        headers: { 'Content-Type': 'x/y' },
        status: 200,
        text: '3',
      },
      {
        send: `GET ${KEY}`,
        status: 200,
        bytes: [97, 98, 255],
        has: { 'content-type': 'text/plain', 'chorus-ttl-ms': upTo(3_600_000) },
      },
      { send: `POST ${KEY}?op=append`, body: new Uint8Array(2 ** 20), status: 413, code: 'value-too-large' },
      { send: `GET ${KEY}`, status: 200, bytes: [97, 98, 255] },
    ],
  },
  {
    title: 'an op that is none names the nearest, a parameter that is none too',
    exchanges: [
      { send: `POST ${KEY}?op=incremnt`, status: 400, field: 'op', text: /did you mean ..increment/ },
      { send: `POST ${KEY}`, status: 400, code: 'invalid-parameter', field: 'op' },
      {
        send: `PUT ${KEY}?tll=30s`,
        body: '',
        status: 400,
        code: 'unknown-parameter',
        field: 'tll',
        text: /did you mean ..ttl/,
      },
      { send: `GET ${KEY}?consistancy=session`, status: 400, text: /did you mean ..consistency/ },
      { send: `PUT ${KEY}?ttl=5&ttl=6`, body: '', status: 400, code: 'invalid-parameter', field: 'ttl' },
      { send: `GET ${KEY}`, status: 404 },
    ],
  },
];

/** Milliseconds that are left of `ms`, a minute at most gone. */
function upTo(ms: number): RegExp {
  const most = String(ms);
  return ms < 120_000 ? /^\d{1,5}$/ : new RegExp(`^(${most}|\\d{${most.length - 1},${most.length}})$`);
}
