// The JSON forms of operations: what is well formed comes out as it was meant, and whatever is not is refused at its place.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JSON_LIMITS, REQUEST_LIMITS } from '../../../src/base/limits.ts';
import type { Operation } from '../../../src/core/commands/command.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import { batchIn, operationAt, transactionIn } from '../../../src/http/json-operations.ts';
import { Problem } from '../../../src/http/problems.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const revision = fc.option(fc.maxSafeNat(), { nil: undefined });
const value = fc.oneof(
  text.map((value) => [{ value }, Buffer.from(value)] as const),
  fc.uint8Array().map((bytes) => [{ base64: Buffer.from(bytes).toString('base64') }, Buffer.from(bytes)] as const),
);
const ttl = fc.constantFrom<readonly [unknown, number]>(
  [undefined, 0],
  ['500ms', 500],
  [30, 30_000],
  ['3650d', REQUEST_LIMITS.maxTtlMs],
);
const by = fc.oneof(
  fc.maxSafeInteger().map((number) => [number, BigInt(number)] as const),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((number) => [String(number), number] as const),
);

/** A form and the operation that it means. */
const forms: fc.Arbitrary<readonly [Readonly<Record<string, unknown>>, Operation]> = fc
  .record({
    key,
    revision,
    value,
    ttl,
    by,
    type: fc.constantFrom('get', 'put', 'delete', 'increment', 'append', 'touch'),
  })
  .map(({ type, ...drawn }) => {
    const [valueForm, bytes] = drawn.value;
    const [ttlForm, ttlMs] = drawn.ttl;
    const form = { op: type, key: drawn.key, ifRevision: drawn.revision };
    const target = { key: Buffer.from(drawn.key), condition: conditionOf(drawn.revision) };
    switch (type) {
      case 'get':
      case 'delete':
        return [form, { type, ...target }];
      case 'put':
      case 'append': {
        const contentType = 'text/plain';
        return [
          { ...form, ...valueForm, contentType, ttl: ttlForm },
          { type, ...target, value: bytes, contentType, ttlMs },
        ];
      }
      case 'increment':
        return [
          { ...form, by: drawn.by[0], ttl: ttlForm },
          { type, ...target, by: drawn.by[1], ttlMs },
        ];
      default:
        return [
          { ...form, ttl: ttlForm ?? 'none' },
          { type: 'touch', ...target, ttlMs },
        ];
    }
  });

function conditionOf(revision: number | undefined): Operation['condition'] {
  if (revision === undefined) return ALWAYS;
  return revision === 0 ? { match: 'none', noneMatch: 'any' } : { match: [revision], noneMatch: 'none' };
}

/** `JSON` as it comes over the wire: what is undefined is left out. */
function sent(form: unknown): unknown {
  return JSON.parse(JSON.stringify(form));
}

function problemOf(act: () => unknown): readonly [code: string, field: string | undefined, detail: string] {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return [error.code, error.details.field, error.message];
    throw error;
  }
  throw new Error('nothing was refused');
}

test('a well-formed operation comes out as it was meant', () => {
  fc.assert(
    fc.property(fc.array(forms, { maxLength: 5 }), (list) => {
      const meant = list.map(([, operation]) => operation);
      const items = list.map(([form]) => form);
      expect(batchIn(sent({ items }))).toEqual(meant);
      expect(transactionIn(sent(Object.fromEntries([['then', items]]))).thenDo).toEqual(meant);
    }),
  );
});

test('whatever JSON may hold is an operation or a problem with a place, and nothing else is thrown', () => {
  const whatever = fc.oneof(
    fc.jsonValue(),
    forms.chain(([form]) =>
      fc
        .tuple(fc.constantFrom(...Object.keys(form), 'x'), fc.jsonValue())
        .map(([name, json]) => ({ ...form, [name]: json })),
    ),
  );
  fc.assert(
    fc.property(whatever, (json) => {
      try {
        operationAt('items[0]', sent(json));
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
        expect((error as Problem).details.field).toMatch(/^items\[0\]/);
      }
    }),
    { numRuns: 500 },
  );
});

describe('an operation is refused at its place', () => {
  test.each<[unknown, string, string]>([
    ['put', 'items[0]', 'must be a JSON object'],
    [[], 'items[0]', 'must be a JSON object'],
    [null, 'items[0]', 'must be a JSON object'],
    [{ key: 'a' }, 'items[0].op', 'must be one of get, put'],
    [{ op: 'incremnt', key: 'a' }, 'items[0].op', 'did you mean "increment"?'],
    [{ op: 'toString', key: 'a' }, 'items[0].op', 'must be one of'],
    [{ op: 'put', key: 'a', value: '', tll: '5m' }, 'items[0].tll', 'did you mean "ttl"?'],
    [{ op: 'get', key: 'a', value: 'x' }, 'items[0].value', 'does not take "value"'],
    [{ op: 'delete' }, 'items[0].key', 'must be a string'],
    [{ op: 'get', key: '' }, 'items[0].key', '1 to 1024'],
    [{ op: 'get', key: 'ä'.repeat(513) }, 'items[0].key', 'has 1026 bytes'],
    [{ op: 'get', key: '\ud800' }, 'items[0].key', 'surrogate'],
    [{ op: 'put', key: 'a' }, 'items[0]', 'exactly one of "value" and "base64"'],
    [{ op: 'put', key: 'a', value: 'x', base64: 'eA==' }, 'items[0]', 'exactly one of'],
    [{ op: 'put', key: 'a', value: 5 }, 'items[0].value', 'must be a string'],
    [{ op: 'put', key: 'a', value: null }, 'items[0].value', 'must be a string'],
    [{ op: 'append', key: 'a', value: 'x\udc00' }, 'items[0].value', 'surrogate'],
    [{ op: 'put', key: 'a', base64: 'eA' }, 'items[0].base64', 'must be base64'],
    [{ op: 'put', key: 'a', base64: 'e A==' }, 'items[0].base64', 'must be base64'],
    [{ op: 'put', key: 'a', value: '', contentType: 'text' }, 'items[0].contentType', 'media type'],
    [{ op: 'put', key: 'a', value: '', contentType: `a/${'b'.repeat(254)}` }, 'items[0].contentType', '255'],
    [{ op: 'put', key: 'a', value: '', ttl: 0 }, 'items[0].ttl', 'above zero'],
    [{ op: 'put', key: 'a', value: '', ttl: -1 }, 'items[0].ttl', 'above zero'],
    [{ op: 'put', key: 'a', value: '', ttl: 1.5 }, 'items[0].ttl', 'number of seconds'],
    [{ op: 'put', key: 'a', value: '', ttl: '3651d' }, 'items[0].ttl', 'at most 3650d'],
    [{ op: 'put', key: 'a', value: '', ttl: true }, 'items[0].ttl', 'number of seconds'],
    [{ op: 'put', key: 'a', value: '', ttl: 'none' }, 'items[0].ttl', 'number of seconds'],
    [{ op: 'touch', key: 'a' }, 'items[0].ttl', 'is missing'],
    [{ op: 'increment', key: 'a', by: 2 ** 53 }, 'items[0].by', 'as a string'],
    [{ op: 'increment', key: 'a', by: '9223372036854775808' }, 'items[0].by', '64 bits'],
    [{ op: 'increment', key: 'a', by: 0.5 }, 'items[0].by', 'whole number'],
    [{ op: 'get', key: 'a', ifRevision: '7' }, 'items[0].ifRevision', 'must be a revision'],
    [{ op: 'get', key: 'a', ifRevision: -1 }, 'items[0].ifRevision', 'must be a revision'],
  ])('%j', (form, field, detail) => {
    const [code, place, sentence] = problemOf(() => batchIn({ items: [form] }));
    expect([code, place]).toEqual(['invalid-body', field]);
    expect(sentence).toContain(detail);
  });
});

describe('a whole body is refused at its place', () => {
  test.each([
    ['[]', 'body', 'The body must be a JSON object'],
    ['{}', 'body', 'at least one of "if", "then" and "else"'],
    ['{"than":[]}', 'than', 'did you mean "then"?'],
    ['{"then":{}}', 'then', 'must be a JSON array'],
    ['{"then":null}', 'then', 'must be a JSON array'],
    ['{"__proto__":[],"then":[]}', '__proto__', 'does not take'],
    ['{"then":[],"else":[{"op":"get","key":"a"},7]}', 'else[1]', 'must be a JSON object'],
    ['{"if":[{"key":"a"}]}', 'if[0]', 'exactly one of revision, exists, value, base64'],
    ['{"if":[{"key":"a","exists":true,"revision":7}]}', 'if[0]', 'exactly one of'],
    ['{"if":[{"key":"a","exists":"yes"}]}', 'if[0].exists', 'true or false'],
    ['{"if":[{"key":"a","revison":7}]}', 'if[0].revison', 'did you mean "revision"?'],
    ['{"if":[{"revision":7}]}', 'if[0].key', 'must be a string'],
  ])('%s', (body, field, detail) => {
    const [code, place, sentence] = problemOf(() => transactionIn(JSON.parse(body)));
    expect([code, place]).toEqual(['invalid-body', field]);
    expect(sentence).toContain(detail);
  });

  test('more items than a request may have', () => {
    const items = new Array(JSON_LIMITS.maxBatchItems + 1).fill({ op: 'get', key: 'a' });
    expect(batchIn({ items: items.slice(1) }).length).toBe(JSON_LIMITS.maxBatchItems);
    expect(problemOf(() => batchIn({ items })).slice(0, 2)).toEqual(['body-too-large', 'items']);
    expect(problemOf(() => transactionIn({ else: items })).slice(0, 2)).toEqual(['body-too-large', 'else']);
  });
});

test('compares are conditions and values', () => {
  const body = {
    if: [
      { key: 'a', revision: 7 },
      { key: 'b', exists: false },
      { key: 'c', exists: true },
      { key: 'd', value: 'ä' },
      { key: 'e', base64: '/w==' },
      { key: 'f', revision: 0 },
    ],
  };
  expect(transactionIn(body).compares.map(({ condition, value: bytes }) => [condition, bytes])).toEqual([
    [{ match: [7], noneMatch: 'none' }, undefined],
    [{ match: 'none', noneMatch: 'any' }, undefined],
    [{ match: 'any', noneMatch: 'none' }, undefined],
    [ALWAYS, Buffer.from('ä')],
    [ALWAYS, Buffer.from([0xff])],
    [{ match: 'none', noneMatch: 'any' }, undefined],
  ]);
});
