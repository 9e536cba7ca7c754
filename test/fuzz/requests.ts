// Requests for the fuzzer: sound ones for every part of the API, and the same with their bytes changed.
import type { Random } from '../random.ts';
import { request } from '../suites/bad-requests.ts';

export type FuzzRequest = {
  readonly bytes: Buffer;
  /** As made by the grammar: the connection stays in step after its answer. */
  readonly isSound: boolean;
};

const KEYS = ['a', 'b', 'a/b', 'caf%C3%A9', '%00', 'x%2Fy', 'k'.repeat(1024), '%F0%9F%98%80'] as const;
const TTLS = ['1s', '500ms', '30', '5m', '3650d'] as const;
const TIMEOUTS = ['5s', '1s', '300ms'] as const;
const VALUES = ['', 'x', '0', '-1', '9223372036854775807', 'x'.repeat(300), '\0\xff', '{"a":1}'] as const;
const CONDITIONS = ['If-Match: "1"', 'If-Match: *', 'If-None-Match: *', 'If-Match: W/"7", "8"'] as const;
const MUTATED_OF_TEN = 6;
const SPLICE_BYTES = 40;

export function fuzzRequest(random: Random): FuzzRequest {
  const bytes = random.one(GRAMMAR)(random);
  if (random.below(10) >= MUTATED_OF_TEN) return { bytes, isSound: true };
  return { bytes: mutated(bytes, random), isSound: false };
}

type Maker = (random: Random) => Buffer;

const GRAMMAR: readonly [Maker, ...Maker[]] = [
  (random) => request({ method: random.one(['GET', 'HEAD', 'OPTIONS']), target: keyTarget(random, READS) }),
  (random) => withBody('PUT', keyTarget(random, WRITES), random.one(VALUES), random),
  (random) => withBody('POST', keyTarget(random, ['op=append', ...WRITES]), random.one(VALUES), random),
  (random) => withBody('POST', keyTarget(random, ['op=increment', 'op=increment&by=-3']), '', random),
  (random) =>
    withBody('POST', keyTarget(random, [`op=touch&ttl=${random.one(TTLS)}`, 'op=touch&ttl=none']), '', random),
  (random) => request({ method: 'DELETE', target: keyTarget(random, WRITES), headers: head(random) }),
  (random) => request({ method: 'GET', target: `/v1/keys?${random.one(LISTS)}` }),
  (random) => request({ method: 'DELETE', target: random.one(['/v1/keys?prefix=a', '/v1/keys?prefix=zz&timeout=1s']) }),
  (random) => json('/v1/batch', { items: operations(random) }, random),
  (random) =>
    json('/v1/transactions', { if: compares(random), then: operations(random), else: operations(random) }, random),
  (random) => request({ method: 'GET', target: random.one(random.below(10) === 0 ? LARGE_PAGES : PAGES) }),
];

const READS = ['', 'consistency=eventual', 'consistency=session', 'timeout=1s'] as const;
const WRITES = ['', 'ttl=30s', 'ttl=1s&timeout=2s', 'timeout=5s'] as const;
const LISTS = ['prefix=a&limit=10', 'limit=1000&values=true', 'prefix=%00', 'limit=1', 'cursor=x', ''] as const;
const PAGES = [
  '/livez',
  '/readyz',
  '/readyz?verbose',
  '/v1/cluster',
  '/v1/caches',
  '/api/health/',
  '/api/cache/a/',
] as const;
const LARGE_PAGES = ['/metrics', '/v1/openapi.json', '/console'] as const;

function keyTarget(random: Random, queries: readonly string[]): string {
  const query = queries[random.below(queries.length)] ?? '';
  return `/v1/keys/${random.one(KEYS)}${query === '' ? '' : `?${query}`}`;
}

function head(random: Random): string[] {
  return [
    ...(random.below(3) === 0 ? [`Idempotency-Key: fuzz-${random.below(1_000_000_000)}`] : []),
    ...(random.below(4) === 0 ? [random.one(CONDITIONS)] : []),
  ];
}

function withBody(method: string, target: string, body: string, random: Random): Buffer {
  if (body !== '' && random.below(5) === 0) {
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    return request({ method, target, headers: ['Transfer-Encoding: chunked', ...head(random)], body: chunked });
  }
  return request({ method, target, headers: [`Content-Length: ${body.length}`, ...head(random)], body });
}

function json(target: string, value: unknown, random: Random): Buffer {
  // Requests are made of Latin-1: a character for each byte of the body.
  const body = Buffer.from(JSON.stringify(value)).toString('latin1');
  const headers = ['Content-Type: application/json', `Content-Length: ${body.length}`, ...head(random)];
  return request({ method: 'POST', target, headers, body });
}

function operations(random: Random): unknown[] {
  return Array.from({ length: random.below(4) }, () => {
    const key = random.one(['a', 'b', 'c', 'é', '']);
    return random.one<unknown>([
      { op: 'put', key, value: 'text', ttl: random.one(TTLS) },
      { op: 'put', key, base64: 'AAEC', ifRevision: random.below(3) },
      { op: 'get', key },
      { op: 'delete', key },
      { op: 'increment', key, by: random.below(9) },
      { op: 'append', key, value: 'x' },
      { op: 'touch', key, ttl: random.one(TIMEOUTS) },
      { op: 'dance', key },
    ]);
  });
}

function compares(random: Random): unknown[] {
  return Array.from({ length: random.below(3) }, () => {
    const key = random.one(['a', 'b']);
    return random.one<unknown>([
      { key, revision: random.below(99) },
      { key, exists: false },
      { key, value: 'text' },
    ]);
  });
}

/** One to four changes: a byte, some taken out, put in, doubled, or taken over from another request. */
function mutated(sound: Buffer, random: Random): Buffer {
  let bytes = sound;
  for (let n = 1 + random.below(4); n > 0; n--) bytes = random.one(MUTATIONS)(bytes, random);
  return bytes;
}

const MUTATIONS: readonly [
  (bytes: Buffer, random: Random) => Buffer,
  ...((bytes: Buffer, random: Random) => Buffer)[],
] = [
  (bytes, random) => replaced(bytes, random, 1, Buffer.from([random.below(256)])),
  (bytes, random) => replaced(bytes, random, 1, Buffer.from(random.one(['\r', '\n', ' ', ':', '%', '\0', '/', '"']))),
  (bytes, random) => replaced(bytes, random, 1 + random.below(SPLICE_BYTES), Buffer.alloc(0)),
  (bytes, random) => replaced(bytes, random, 0, part(bytes, random)),
  (bytes, random) => replaced(bytes, random, 0, Buffer.from('\r\n')),
  (bytes, random) => replaced(bytes, random, random.below(SPLICE_BYTES), part(random.one(GRAMMAR)(random), random)),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => Buffer.concat([bytes, random.one(GRAMMAR)(random)]),
];

function replaced(bytes: Buffer, random: Random, length: number, by: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)]);
}

function part(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  return bytes.subarray(at, at + 1 + random.below(SPLICE_BYTES));
}
