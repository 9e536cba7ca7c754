// The HTTP contract as tables of exchanges, sent to whatever serves it; each answer is also held to docs/openapi.yaml.
import { beforeAll, describe, expect, test } from 'vitest';
import { type Received, send } from '../unit/http/running-node.ts';
import { watchContract } from './contract-watch.ts';
import { type Answer, OpenApiDocument, pathOfTarget } from './open-api-document.ts';

export type Exchange = {
  /** Method and target. `~` stands for a name of this scenario's own, `{etag}`, `{bare-etag}`, `{revision}`, `{next}`, `{note}`, `{hold}` for the latest of them; in headers too. */
  readonly send: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** A body of JSON, with its content type. */
  readonly json?: unknown;
  readonly status: number;
  /** Of the problem. */
  readonly code?: string;
  readonly field?: string;
  /** Headers of the answer, in lower case. */
  readonly has?: Readonly<Record<string, string | RegExp>>;
  readonly lacks?: readonly string[];
  readonly text?: string | RegExp;
  readonly bytes?: readonly number[];
  /** What is at least in an answer of JSON; `#etag` and `#revision` in it and in `json` are numbers. */
  readonly gives?: unknown;
};

/** What follows one after the other. */
export type Scenario = {
  readonly title: string;
  /** A balancer answers some of it itself, or asks for more than the client did. */
  readonly isOfNodeAlone?: boolean;
  readonly exchanges: readonly Exchange[];
};

type ContractTarget = { url(): string; readonly isNode: boolean };

/** Documented, but for other tests to bring about: who is not let in (authorisation-rows.ts), a request too slow or without a length, a node that fails, is late, full or old, a restore. */
const RARE: ReadonlySet<number> = new Set([401, 403, 408, 409, 410, 411, 429, 500, 501, 503, 504, 507]);
/** A stream without an end, a restore into an empty cluster; and what takes any query is wrong only where no request is one. */
const APART: ReadonlySet<string> = new Set(['200 GET /v1/watch', '200 POST /v1/restore', '400 GET /api/health/']);
const STANDARD = ['chorus-node', 'chorus-revision', 'chorus-lag-ms', 'chorus-consistency'];
const DOCUMENTED = [
  ...STANDARD,
  'chorus-expires-at',
  'chorus-ttl-ms',
  'idempotency-replayed',
  'etag',
  'link',
  'allow',
  'chorus-note',
];

export function contractSuite(name: string, scenarios: readonly Scenario[], target: ContractTarget): void {
  describe(`the contract: ${name}`, () => {
    const document = new OpenApiDocument();
    const operations = document.operations;
    const seen = new Set<string>();

    beforeAll(async () => {
      expect((await send(target.url(), 'GET', '/readyz')).status).toBe(200);
    });

    const told = scenarios.filter(({ isOfNodeAlone = false }) => target.isNode || !isOfNodeAlone);
    test.each(told.map((scenario, at) => [scenario.title, scenario.exchanges, at] as const))(
      '%s',
      async (_, exchanges, at) => {
        const known: Known = { '~': `contract/${name}/${at}/`.replaceAll(' ', '-') };
        for (const exchange of exchanges) await checkExchange(exchange, known);
      },
    );

    watchContract(target.url);

    // The balancers add answers of their own and keep some of a node's to themselves.
    if (target.isNode)
      test('every answer that is documented was seen, but for those that are rare', everyAnswerWasSeen);

    function everyAnswerWasSeen(): void {
      const promised = [...operations].flatMap(([operation, { responses }]) =>
        Object.keys(responses)
          .filter((status) => !RARE.has(Number(status)))
          .map((status) => `${status} ${operation}`),
      );
      // 405 is what a path answers to methods that it does not know.
      const isOpen = (one: string) => !/^405|HEAD/.test(one) && !APART.has(one) && !seen.has(one);
      expect(promised.filter(isOpen)).toEqual([]);
    }

    async function checkExchange(exchange: Exchange, known: Known): Promise<void> {
      const [method = '', path = ''] = filled(exchange.send, known).split(' ');
      const body = exchange.json === undefined ? exchange.body : JSON.stringify(filledIn(exchange.json, known));
      const type = exchange.json === undefined ? {} : { 'content-type': 'application/json' };
      const headers = { ...type, ...filledAll(exchange.headers ?? {}, known) };
      const received = await send(target.url(), method, path, { headers, ...(body === undefined ? {} : { body }) });
      const what = `${method} ${path}`;
      expect([received.status, received.status === exchange.status ? '' : received.text], what).toEqual([
        exchange.status,
        '',
      ]);
      learn(received, known);
      checkDocumented(method, path, received, what);
      if (exchange.status >= 400 && method !== 'HEAD') checkProblem(exchange, received, what);
      for (const [header, value] of Object.entries(exchange.has ?? {})) {
        const actual = received.headers[header];
        if (value instanceof RegExp) expect(actual, `${what}: ${header}`).toMatch(value);
        else expect(actual, `${what}: ${header}`).toBe(filled(value, known));
      }
      for (const header of exchange.lacks ?? []) expect(received.headers, what).not.toHaveProperty(header);
      if (exchange.text instanceof RegExp) expect(received.text, what).toMatch(exchange.text);
      else if (exchange.text !== undefined) expect(received.text, what).toBe(filled(exchange.text, known));
      if (exchange.bytes !== undefined) expect([...received.bytes], what).toEqual(exchange.bytes);
      if (exchange.gives !== undefined) {
        expect(JSON.parse(received.text), what).toMatchObject(filledIn(exchange.gives, known) as object);
      }
    }

    function checkDocumented(method: string, path: string, received: Received, what: string): void {
      for (const header of STANDARD) expect(received.headers, what).toHaveProperty(header);
      expect(received.headers, what).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringMatching(/^default-src 'none'/),
      });
      const documentedPath = pathOfTarget(path);
      if (documentedPath === undefined || received.status === 405) return;
      const operation = operations.get(`${method} ${documentedPath}`);
      const answer = operation?.responses[String(received.status)];
      if (answer === undefined) throw new Error(`${received.status} of ${method} ${documentedPath} is not documented`);
      seen.add(`${received.status} ${method} ${documentedPath}`);
      checkHeaders(answer, received, what);
      if (method !== 'HEAD') checkContent(answer, received, what);
    }

    function checkHeaders({ headers = {} }: Answer, received: Received, what: string): void {
      const names = Object.entries(headers).map(([header, schema]) => [header.toLowerCase(), schema] as const);
      for (const [header, reference] of names) {
        const { required, schema } = document.resolved(reference);
        const text = received.headers[header];
        if (text === undefined) expect(required, `${what}: ${header} is missing`).not.toBe(true);
        else expect(faultsOfText(schema as object, String(text)), `${what}: ${header}: ${text}`).toBe('');
      }
      const unknown = DOCUMENTED.filter(
        (header) => header in received.headers && !names.some(([one]) => one === header),
      );
      // The conditions' ETag of 406 and 412 is the entry's.
      expect(received.status >= 400 ? unknown.filter((one) => STANDARD.includes(one)) : unknown, what).toEqual([]);
    }

    /** A header is text; where its schema wants a number, it is one. */
    function faultsOfText(schema: object, text: string): string {
      const asText = document.faults(schema as Readonly<Record<string, unknown>>, text);
      return asText === '' ? '' : document.faults(schema as Readonly<Record<string, unknown>>, Number(text));
    }

    function checkContent({ content = {} }: Answer, received: Received, what: string): void {
      const type = received.headers['content-type']?.split(';')[0] ?? 'none';
      const media = content[type] ?? content['*/*'];
      const isDocumented = media !== undefined || (type === 'none' && Object.keys(content).length === 0);
      expect(isDocumented, `${what}: the content type ${type} is not documented`).toBe(true);
      if (media?.schema === undefined) return;
      const value = type.endsWith('json') ? JSON.parse(received.text) : received.text;
      expect(document.faults(media.schema, value), `${what}: ${received.text}`).toBe('');
    }
  });
}

type Known = { '~': string; etag?: string; revision?: string; next?: string; note?: string; hold?: string };

function learn(received: Received, known: Known): void {
  const { etag, 'chorus-revision': revision } = received.headers;
  if (etag !== undefined) known.etag = etag;
  if (revision !== undefined) known.revision = String(revision);
  const { 'chorus-note': note } = received.headers;
  if (note !== undefined) known.note = String(note);
  const hold = /"hold":"([^"]*)"/.exec(received.text)?.[1];
  if (hold !== undefined) known.hold = hold;
  const next = /"next":"([^"]*)"/.exec(received.text)?.[1];
  if (next !== undefined) known.next = next;
}

function filled(text: string, known: Known): string {
  return text
    .replaceAll('~', known['~'])
    .replaceAll('{bare-etag}', bareEtag(known))
    .replaceAll('{etag}', known.etag ?? '')
    .replaceAll('{revision}', known.revision ?? '')
    .replaceAll('{note}', known.note ?? '')
    .replaceAll('{hold}', known.hold ?? '')
    .replaceAll('{next}', known.next ?? '');
}

function filledAll(headers: Readonly<Record<string, string>>, known: Known): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([header, value]) => [header, filled(value, known)]));
}

function bareEtag({ etag = '' }: Known): string {
  return etag.replaceAll('"', '');
}

/** A value of JSON with the same places filled; `#etag` and `#revision` as numbers. Matchers of vitest in it stay what they are. */
function filledIn(value: unknown, known: Known): unknown {
  if (value === '#etag') return Number(bareEtag(known));
  if (value === '#revision') return Number(known.revision);
  if (typeof value === 'string') return filled(value, known);
  if (Array.isArray(value)) return value.map((one) => filledIn(one, known));
  if (typeof value !== 'object' || value === null || 'asymmetricMatch' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, filledIn(inner, known)]));
}

function checkProblem({ status, code, field }: Exchange, received: Received, what: string): void {
  const isProblem = received.headers['content-type'] === 'application/problem+json';
  const problem: Readonly<Record<string, unknown>> = isProblem ? JSON.parse(received.text) : {};
  if (!isProblem) expect(code, what).toBeUndefined();
  else expect(problem, what).toMatchObject({ status, type: `urn:chorus:problem:${problem.code}` });
  if (code !== undefined) expect(problem.code, what).toBe(code);
  if (field !== undefined) expect(problem.field, what).toBe(field);
}
