// Bad input, whatever serves it, a node or a balancer: a problem document each time, never a 500, and nothing stored.
import { beforeAll, describe, expect, test } from 'vitest';
import { type Random, seeded } from '../random.ts';
import { faultyRequest, garbage, request } from './bad-requests.ts';
import { type RawRequest, rawExchange } from './raw-http.ts';

type BadInputTarget = {
  /** `http://host:port` of what is tested, running when the tests begin. */
  url(): string;
  /** Defaults to 10,000. */
  readonly randomRequests?: number;
};

const SEED = 20_261_121;
const AT_ONCE = 16;

export function badInputSuite(name: string, { url, randomRequests = 10_000 }: BadInputTarget): void {
  describe(`bad input: ${name}`, () => {
    beforeAll(async () => {
      expect((await fetch(`${url()}/livez`)).status).toBeLessThan(500);
    });

    test.each(CASES)('$title is answered $status $code', async ({ sent, status, code, detail }) => {
      const problem = await problemOf(url(), sent);
      expect(problem).toMatchObject({ status, code });
      if (detail !== undefined) expect(problem.detail).toContain(detail);
      await expectNothingStored(url());
    });

    test(`${randomRequests} random requests get a problem document each, and store nothing`, {
      timeout: 240_000,
    }, async () => {
      const random = seeded(SEED);
      const requests = Array.from({ length: randomRequests }, () => randomRequest(random));
      const statuses = new Set<number>();
      await inParallel(AT_ONCE, requests, async (sent) => {
        const { status } = await problemOf(url(), sent);
        statuses.add(status);
      });
      // The generator reaches the different refusals, or it proves little.
      expect([...statuses]).toEqual(expect.arrayContaining([400, 404, 405, 411, 413, 414, 415, 431]));
      await expectNothingStored(url());
      expect((await fetch(`${url()}/livez`)).status).toBe(200);
    });
  });
}

type Case = {
  readonly title: string;
  readonly sent: RawRequest;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
};

const CASES: readonly Case[] = [
  {
    title: 'a key of 1025 bytes',
    sent: put({ target: `/v1/keys/${'k'.repeat(1025)}` }),
    status: 414,
    code: 'key-too-long',
  },
  { title: 'an empty key', sent: put({ target: '/v1/keys/' }), status: 400, code: 'invalid-key' },
  { title: 'a key that is not UTF-8', sent: put({ target: '/v1/keys/bad%ff' }), status: 400, code: 'invalid-key' },
  {
    title: 'a key with an encoded surrogate',
    sent: put({ target: '/v1/keys/bad%ED%A0%80' }),
    status: 400,
    code: 'invalid-key',
  },
  {
    title: 'a key with bad percent-encoding',
    sent: put({ target: '/v1/keys/bad%2' }),
    status: 400,
    code: 'invalid-key',
  },
  { title: 'a value above the limit, by its length', sent: announced(2_000_000), status: 413, code: 'value-too-large' },
  { title: 'a value above the limit, in chunks', sent: chunked(1_100_000), status: 413, code: 'value-too-large' },
  {
    title: 'a header above the limit',
    sent: put({ headers: [`X-Large: ${'x'.repeat(20_000)}`] }),
    status: 431,
    code: 'headers-too-large',
  },
  { title: 'a negative ttl', sent: put({ query: 'ttl=-5s' }), status: 400, code: 'invalid-parameter' },
  { title: 'a ttl of zero', sent: put({ query: 'ttl=0' }), status: 400, code: 'invalid-parameter' },
  { title: 'a ttl above ten years', sent: put({ query: 'ttl=3651d' }), status: 400, code: 'invalid-parameter' },
  { title: 'a ttl that is no time', sent: put({ query: 'ttl=soon' }), status: 400, code: 'invalid-parameter' },
  { title: 'a timeout above a minute', sent: put({ query: 'timeout=61s' }), status: 400, code: 'invalid-parameter' },
  {
    title: 'a misspelt parameter',
    sent: put({ query: 'tll=30s' }),
    status: 400,
    code: 'unknown-parameter',
    detail: 'did you mean "ttl"',
  },
  { title: 'a parameter given twice', sent: put({ query: 'ttl=5&ttl=6' }), status: 400, code: 'invalid-parameter' },
  { title: 'a POST without op', sent: put({ method: 'POST' }), status: 400, code: 'invalid-parameter' },
  {
    title: 'an unknown op',
    sent: put({ method: 'POST', query: 'op=incremnt' }),
    status: 400,
    code: 'invalid-parameter',
    detail: 'increment',
  },
  {
    title: 'an If-Match that is no ETag',
    sent: put({ headers: ['If-Match: seven'] }),
    status: 400,
    code: 'invalid-header',
  },
  {
    title: 'an Idempotency-Key with a space',
    sent: put({ headers: ['Idempotency-Key: a b'] }),
    status: 400,
    code: 'invalid-header',
  },
  { title: 'a body shorter than its length', sent: truncated(), status: 400, code: 'body-truncated' },
  {
    title: 'a PUT without a length',
    sent: { bytes: request({ method: 'PUT' }) },
    status: 411,
    code: 'length-required',
  },
  {
    title: 'a compressed body',
    sent: put({ headers: ['Content-Encoding: gzip'] }),
    status: 415,
    code: 'unsupported-encoding',
  },
  {
    title: 'a content type that is none',
    sent: put({ headers: ['Content-Type: text'] }),
    status: 415,
    code: 'unsupported-media-type',
  },
  { title: 'a body on DELETE', sent: put({ method: 'DELETE' }), status: 400, code: 'unexpected-body' },
  { title: 'a wrong method', sent: put({ method: 'PATCH' }), status: 405, code: 'method-not-allowed' },
  { title: 'an unknown path', sent: put({ target: '/v2/keys/bad' }), status: 404, code: 'unknown-path' },
  {
    title: 'a request without Host',
    sent: { bytes: Buffer.from('GET /v1/keys/bad HTTP/1.1\r\n\r\n') },
    status: 400,
    code: 'malformed-request',
  },
  {
    title: 'no HTTP at all',
    sent: { bytes: Buffer.from('\x16\x03\x01hello\r\n\r\n', 'latin1') },
    status: 400,
    code: 'malformed-request',
  },
];

type Parts = { method?: string; target?: string; query?: string; headers?: readonly string[] };

/** A PUT of the key `bad` with a small body, but for the parts given. */
function put({ method = 'PUT', target = '/v1/keys/bad', query, headers = [] }: Parts): RawRequest {
  const full = query === undefined ? target : `${target}?${query}`;
  return { bytes: request({ method, target: full, headers: ['Content-Length: 5', ...headers], body: 'value' }) };
}

function announced(length: number): RawRequest {
  return { bytes: request({ method: 'PUT', headers: [`Content-Length: ${length}`], body: 'x'.repeat(length) }) };
}

function chunked(length: number): RawRequest {
  const body = `${length.toString(16)}\r\n${'x'.repeat(length)}\r\n0\r\n\r\n`;
  return { bytes: request({ method: 'PUT', headers: ['Transfer-Encoding: chunked'], body }) };
}

function truncated(): RawRequest {
  return { bytes: request({ method: 'PUT', headers: ['Content-Length: 100'], body: 'only this' }), isEnded: true };
}

function randomRequest(random: Random): RawRequest {
  return random.below(10) === 0 ? garbage(random) : faultyRequest(random);
}

type ProblemDocument = { readonly status: number; readonly code: string; readonly detail: string };

/** Sends and checks what every refusal must be. */
async function problemOf(url: string, sent: RawRequest): Promise<ProblemDocument> {
  const answer = await rawExchange(url, sent);
  const shown = JSON.stringify(sent.bytes.toString('latin1', 0, 300));
  if (answer === undefined) throw new Error(`the connection was closed without an answer to ${shown}`);
  if (answer.status < 400) throw new Error(`${answer.status} was answered to ${shown}`);
  expect(answer.headers.get('content-type'), `${answer.status} to ${shown}`).toBe('application/problem+json');
  const problem = JSON.parse(answer.body) as ProblemDocument;
  expect(answer.headers.get('x-content-type-options'), shown).toBe('nosniff');
  expect(answer.status, shown).not.toBe(500);
  expect(problem, shown).toMatchObject({
    status: answer.status,
    type: expect.any(String),
    title: expect.any(String),
    detail: expect.any(String),
    code: expect.any(String),
    retryable: expect.any(Boolean),
  });
  return problem;
}

/** Every request above, the random ones too, means the key `bad` where it means a key that could be stored at all. */
async function expectNothingStored(url: string): Promise<void> {
  const answer = await fetch(`${url}/v1/keys/bad?consistency=linearizable`);
  await answer.arrayBuffer();
  expect(answer.status).toBe(404);
}

async function inParallel<T>(atOnce: number, items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) await act(item);
    }),
  );
}
