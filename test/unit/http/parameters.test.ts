// Query parameters and header values against their grammars.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { consistencyOf, idOf, int64, positiveDuration, revisionToken } from '../../../src/http/parameters.ts';
import { queryOf } from '../../../src/http/queries.ts';

const TEN_YEARS_MS = 3650 * 86_400_000;
const UNITS = { '': 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

test('a ttl of any number and unit is its milliseconds, if it is above zero and at most ten years', () => {
  const unit = fc.constantFrom(...Object.entries(UNITS));
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.nat()), unit, (count, [name, factor]) => {
      const ms = count * factor;
      const read = () => positiveDuration('ttl', `${count}${name}`, TEN_YEARS_MS);
      if (ms > 0 && ms <= TEN_YEARS_MS) expect(read()).toBe(ms);
      else
        expect(read).toThrow(
          expect.objectContaining({ code: 'invalid-parameter', details: expect.objectContaining({ field: 'ttl' }) }),
        );
    }),
  );
});

test('a ttl that is not digits with a unit is refused', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      fc.pre(!/^\d+(ms|s|m|h|d)?$/.test(text));
      expect(() => positiveDuration('ttl', text, TEN_YEARS_MS)).toThrow(
        expect.objectContaining({ code: 'invalid-parameter' }),
      );
    }),
  );
});

test('every 64-bit integer is read, and none beyond', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (number) => {
      const read = () => int64('by', String(number));
      if (BigInt.asIntN(64, number) === number) expect(read()).toBe(number);
      else expect(read).toThrow(expect.objectContaining({ code: 'invalid-parameter' }));
    }),
  );
  for (const text of ['', '-', '1.0', '0x1', ' 1', '1n']) {
    expect(() => int64('by', text)).toThrow(expect.objectContaining({ code: 'invalid-parameter' }));
  }
});

test('an id is 1 to 255 visible ASCII characters', () => {
  const visible = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 255,
  });
  fc.assert(
    fc.property(visible, (id) => {
      expect(idOf(id, 255)).toBe(id);
    }),
  );
  for (const text of ['', 'a b', 'x'.repeat(256), 'caf\xe9', 'a\tb', 'a, b']) {
    expect(() => idOf(text, 255)).toThrow(expect.objectContaining({ code: 'invalid-header' }));
  }
});

test('a token is a revision', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (revision) => {
      expect(revisionToken(String(revision))).toBe(revision);
    }),
  );
  for (const text of ['', '-1', '1.5', '9007199254740992', '99999999999999999', 'x', '1, 2', '"7"']) {
    expect(() => revisionToken(text)).toThrow(expect.objectContaining({ code: 'invalid-header' }));
  }
});

test('the consistency levels are known by their names only', () => {
  expect(consistencyOf('session')).toBe('session');
  for (const text of ['', 'Session', 'strong'])
    expect(() => consistencyOf(text)).toThrow(expect.objectContaining({ code: 'invalid-parameter' }));
});

test('query parameters are read back from their percent-encoded form', () => {
  const values = fc.uniqueArray(
    fc.tuple(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    ),
    {
      selector: ([name]) => name,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(values, (pairs) => {
      const text = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
      const names = pairs.map(([name]) => name);
      expect([...queryOf(`/x?${text}`, names)]).toEqual(pairs);
    }),
  );
});

test('an unknown parameter is refused, and the nearest known one is named', () => {
  expect(() => queryOf('/x?tll=30s', ['ttl', 'timeout'])).toThrow('did you mean "ttl"');
  expect(() => queryOf('/x?time_out=3', ['ttl', 'timeout'])).toThrow('did you mean "timeout"');
  expect(() => queryOf('/x?constructor=1', ['ttl'])).toThrow('It takes: ttl.');
  expect(() => queryOf('/x?ttl=1&ttl=1', ['ttl'])).toThrow('given twice');
  expect(() => queryOf('/x?ttl=%2', ['ttl'])).toThrow('hexadecimal');
  expect([...queryOf('/x?&verbose&', ['verbose'])]).toEqual([['verbose', '']]);
});
