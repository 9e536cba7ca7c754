// Requests that nobody may accept, made from a seed: well-formed ones with one or more faults, and bytes that are no HTTP.
import type { Random } from '../random.ts';
import type { RawRequest } from './raw-http.ts';

type Draft = { method: string; target: string; query: string[]; headers: string[]; body: string; isEnded: boolean };

/** The bytes of a request of the key `bad`. */
export function request(parts: {
  method: string;
  target?: string;
  headers?: readonly string[];
  body?: string;
}): Buffer {
  const { method, target = '/v1/keys/bad', headers = [], body = '' } = parts;
  const head = [`${method} ${target} HTTP/1.1`, 'Host: 127.0.0.1', ...headers].join('\r\n');
  return Buffer.from(`${head}\r\n\r\n${body}`, 'latin1');
}

/** A request with at least one fault for which it must be refused; often more than one. */
export function faultyRequest(random: Random): RawRequest {
  const draft = soundDraft(random);
  do random.one(FAULTS)(draft, random);
  while (random.below(4) === 0);
  const target = draft.query.length === 0 ? draft.target : `${draft.target}?${draft.query.join('&')}`;
  return { bytes: request({ ...draft, target }), isEnded: draft.isEnded };
}

/** Bytes that do not begin like a request; ended, for a server may wait for the rest of a line. */
export function garbage(random: Random): RawRequest {
  const bytes = Buffer.from(Array.from({ length: 1 + random.below(400) }, () => random.below(256)));
  // No line that a lenient parser would skip, and no method's first letter.
  bytes[0] = random.one([0x00, 0x01, 0x16, 0x7b, 0x80, 0xff]);
  return { bytes, isEnded: true };
}

function soundDraft(random: Random): Draft {
  const body = 'x'.repeat(random.below(200));
  const draft: Draft = { method: 'PUT', target: '/v1/keys/bad', query: [], headers: [], body, isEnded: false };
  const operation = random.one(['put', 'put', 'append', 'increment', 'touch', 'delete']);
  if (operation !== 'put') draft.method = operation === 'delete' ? 'DELETE' : 'POST';
  if (operation !== 'put' && operation !== 'delete') draft.query.push(`op=${operation}`);
  if (operation === 'touch') draft.query.push('ttl=5m');
  if (operation !== 'put' && operation !== 'append') draft.body = '';
  draft.headers.push(`Content-Length: ${draft.body.length}`);
  if (random.below(3) === 0) draft.query.push(`timeout=${1 + random.below(5)}s`);
  if (random.below(3) === 0) draft.headers.push(`Idempotency-Key: id-${random.below(1_000_000_000)}`);
  return draft;
}

type Fault = (draft: Draft, random: Random) => void;

const FAULTS: readonly [Fault, ...Fault[]] = [
  (draft, random) => {
    draft.target += random.one(['%', '%2', '%zz', '%g1', '%1g', '%%41']);
  },
  (draft, random) => {
    draft.target += random.one(['%ff', '%c3', '%c0%af', '%ed%a0%80', '%f8%88%80%80%80', '\xff', '%80']);
  },
  (draft, random) => {
    draft.target += 'k'.repeat(1025 + random.below(500));
  },
  (draft) => {
    draft.target = '/v1/keys/';
  },
  (draft, random) => {
    draft.target = random.one([
      '/',
      '/v1',
      '/v1/',
      '/v1/keyz/bad',
      '/V1/keys/bad',
      '/v2/keys/bad',
      '/..',
      '//v1/keys/bad',
      '/api/cash/bad',
    ]);
  },
  (draft, random) => {
    draft.query = draft.query.filter((part) => !part.startsWith('ttl'));
    draft.query.push(
      `ttl=${random.one(['0', '-1', '1.5s', '1e3', 's', '5w', '%35x', '', '99999999999999999999', '4000d', 'NaN', '0s', '5+s'])}`,
    );
  },
  (draft, random) => {
    draft.query = draft.query.filter((part) => !part.startsWith('timeout'));
    draft.query.push(`timeout=${random.one(['0', '-1', '61', '2m', '1d', 'x', ''])}`);
  },
  (draft, random) => {
    draft.query.push(
      random.one([
        'tll=30s',
        'TTL=5',
        'x=1',
        'values',
        '%74%74%74=1',
        'ttl%00=1',
        '=',
        '%',
        'constructor=1',
        '__proto__=1',
      ]),
    );
  },
  (draft, random) => {
    const name = random.one(['timeout', 'ttl']);
    draft.query.push(`${name}=5s`, `${name}=5s`);
  },
  (draft, random) => {
    draft.headers.push(
      `If-Match: ${random.one(['seven', '"7', '7"', 'W/7', '"7" "8"', '*, "7"', ',', "'7'", '-7', '1.0'])}`,
    );
  },
  (draft, random) => {
    draft.headers = draft.headers.filter((line) => !line.startsWith('Idempotency-Key'));
    draft.headers.push(`Idempotency-Key: ${random.one(['a b', 'x'.repeat(256), 'caf\xe9', '\x80', ''])}`);
  },
  (draft, random) => {
    draft.method = random.one(['PATCH', 'TRACE', 'PROPFIND', 'SEARCH', 'MERGE', 'LINK']);
  },
  (draft, random) => {
    draft.method = random.one(['BREW', 'get', 'PUTT', '{}', 'GET\t']);
  },
  (draft) => {
    replaceLength(draft, `Content-Length: ${draft.body.length + 10}`);
    draft.isEnded = true;
  },
  (draft, random) => {
    replaceLength(draft, `Content-Length: ${random.one(['-1', '1x', 'abc', '1, 2', '18446744073709551616', '0x10'])}`);
  },
  (draft, random) => {
    draft.method = 'PUT';
    draft.query = [];
    draft.body = '';
    replaceLength(draft, `Content-Length: ${1_048_577 + random.below(1_000_000_000)}`);
  },
  (draft) => {
    draft.method = 'PUT';
    draft.query = [];
    draft.body = '';
    draft.headers = draft.headers.filter((line) => !line.startsWith('Content-Length'));
  },
  (draft) => {
    draft.headers.push('Transfer-Encoding: chunked');
    draft.isEnded = true;
  },
  (draft, random) => {
    draft.method = 'PUT';
    draft.query = [];
    draft.headers.push(
      random.one([
        'Content-Encoding: gzip',
        'Content-Encoding: br',
        'Content-Type: text',
        'Content-Type: /',
        'Content-Type: a b/c',
      ]),
    );
  },
  (draft, random) => {
    draft.headers.push(`X-Large: ${'x'.repeat(16_384 + random.below(4096))}`);
  },
  (draft, random) => {
    draft.headers.push(
      random.one(['no colon', ': no name', 'Bad Name: x', 'Null: a\0b', 'Bell(: x', 'Expect: the-unexpected']),
    );
  },
];

function replaceLength(draft: Draft, line: string): void {
  draft.headers = draft.headers.filter((header) => !header.startsWith('Content-Length'));
  draft.headers.push(line);
}
