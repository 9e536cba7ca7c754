// Media types: which are stored, and which a client accepts.
import { expect, test } from 'vitest';
import { accepts, OCTETS, storedTypeOf } from '../../../src/http/media-types.ts';

test.each([
  [undefined, OCTETS],
  ['', OCTETS],
  ['application/x-www-form-urlencoded', OCTETS],
  ['Application/X-WWW-Form-Urlencoded; charset=UTF-8', OCTETS],
  ['application/x-www-form-urlencoded-not', 'application/x-www-form-urlencoded-not'],
  ['text/plain', 'text/plain'],
  ['text/plain; charset="utf-8"', 'text/plain; charset="utf-8"'],
  ['multipart/form-data; boundary=a-b; x="a\\"b"', 'multipart/form-data; boundary=a-b; x="a\\"b"'],
  ['application/vnd.api+json;', 'application/vnd.api+json;'],
])('%j is stored as %s', (header, stored) => {
  expect(storedTypeOf(header, 255)).toBe(stored);
});

test.each([
  'text',
  '/',
  'text/',
  '/plain',
  'text/plain/x',
  'a b/c',
  'text/plain; charset',
  'text/pl\xe4in',
  `text/${'x'.repeat(251)}`,
])('%j is no content type', (header) => {
  expect(() => storedTypeOf(header, 255)).toThrow(expect.objectContaining({ status: 415 }));
});

test.each([
  [undefined, true],
  ['*/*', true],
  ['text/html', false],
  ['text/*', true],
  ['TEXT/Plain', true],
  ['text/html, text/plain', true],
  ['text/html, */*;q=0.1', true],
  ['*/*, text/plain;q=0', false],
  ['text/*;q=0, text/plain', true],
  ['text/plain;q=0.0', false],
  ['application/json, text/plain, */*', true],
  ['what is this', true],
])('Accept: %s admits text/plain: %s', (accept, isAccepted) => {
  expect(accepts(accept, 'text/plain; charset=utf-8')).toBe(isAccepted);
});
