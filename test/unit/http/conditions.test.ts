// If-Match and If-None-Match against the grammar of RFC 9110, and what they mean for revisions.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALWAYS, holds } from '../../../src/core/condition.ts';
import { conditionOf, revisionSet } from '../../../src/http/conditions.ts';

const revision = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const space = fc.constantFrom('', ' ', '\t', '  ');
/** A list element with the revision it names; 0 for ETags that are none of ours. */
const element = fc.oneof(
  revision.map((n) => ({ text: `"${n}"`, n })),
  revision.map((n) => ({ text: `W/"${n}"`, n })),
  revision.map((n) => ({ text: `${n}`, n })),
  fc
    .constantFrom('"abc"', '""', '"007"', '"1,2"', 'W/"x y"'.replace(' ', ''), '"99999999999999999999"', '"0"', '"-1"')
    .map((text) => ({ text, n: 0 })),
);

test('a list of ETags in any of their forms is the list of their revisions', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(space, element, space), { minLength: 1, maxLength: 16 }), (elements) => {
      const text = elements.map(([before, { text }, after]) => before + text + after).join(',');
      expect(revisionSet('If-Match', text, 16)).toEqual(elements.map(([, { n }]) => n));
    }),
  );
});

test('text is either read as revisions or refused as a Problem, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('"', 'W', '/', ',', ' ', '*', '7', 'x', '\t'), maxLength: 30 }),
      (text) => {
        try {
          const set = revisionSet('If-Match', text, 16);
          expect(set === 'any' || set.length > 0).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-header', details: { field: 'If-Match' } });
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([
  '',
  ' ',
  ',',
  'seven',
  '"7',
  '7"',
  'W/7',
  'w/"7"',
  '"7" "8"',
  '*, "7"',
  '"7", *',
  "'7'",
  '-7',
  '7.0',
  '0x7',
])('%j names no ETags', (text) => {
  expect(() => revisionSet('If-Match', text, 16)).toThrow(expect.objectContaining({ code: 'invalid-header' }));
});

test('more ETags than a condition may hold are refused', () => {
  const list = (count: number) => Array.from({ length: count }, (_, n) => `"${n + 1}"`).join(', ');
  expect(revisionSet('If-Match', list(16), 16)).toHaveLength(16);
  expect(() => revisionSet('If-Match', list(17), 16)).toThrow(expect.objectContaining({ code: 'invalid-header' }));
});

test('without headers there is no condition', () => {
  expect(conditionOf(undefined, undefined, 16)).toBe(ALWAYS);
});

test('an ETag that is none of ours matches no entry, and does not match an absent one either', () => {
  const condition = conditionOf('"abc"', undefined, 16);
  for (const revision of [undefined, 1, 7]) expect(holds(condition, revision)).toBe(false);
});

test('If-None-Match: * asks for an absent key, If-Match: * for a present one', () => {
  expect(holds(conditionOf(undefined, '*', 16), 7)).toBe(false);
  expect(holds(conditionOf(undefined, '*', 16), undefined)).toBe(true);
  expect(holds(conditionOf(' * ', undefined, 16), 7)).toBe(true);
  expect(holds(conditionOf('*', undefined, 16), undefined)).toBe(false);
});
