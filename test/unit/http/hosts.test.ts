// Where a node may be bound, and for which hosts it answers.
import { expect, test } from 'vitest';
import { hostNameOf, isCrossOrigin, isHostAllowed, openBindingWarning } from '../../../src/http/hosts.ts';

test.each(['127.0.0.1', '127.8.0.1', 'localhost', '::1', '[::1]', 'LOCALHOST'])(
  '%s may be bound without more ado',
  (host) => {
    expect(openBindingWarning(host, 'none')).toBeUndefined();
  },
);

test.each(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.example.org', ''])(
  'that %j is bound with auth none is said loudly',
  (host) => {
    expect(openBindingWarning(host, 'tokens')).toBeUndefined();
    expect(openBindingWarning(host, 'none')).toContain('ATTENTION');
  },
);

test.each([
  ['localhost:8001', true],
  ['127.0.0.1', true],
  ['[::1]:8001', true],
  ['Cache.Example.org:80', true],
  ['[2001:DB8::1]:8001', true],
  ['[2001:DB8::2]:8001', true],
  ['192.0.2.7:8001', true],
  ['evil.example', false],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['', false],
  ['localhost:80:80', false],
  ['user@localhost', false],
])('the host %j is answered: %s', (host, isAllowed) => {
  expect(isHostAllowed(['Cache.example.org'], host)).toBe(isAllowed);
  expect(isHostAllowed('any', host)).toBe(true);
});

test('the name in a Host header is lower case, without port and brackets', () => {
  expect(hostNameOf('Example.ORG:8080')).toBe('example.org');
  expect(hostNameOf('[2001:DB8::1]:80')).toBe('2001:db8::1');
});

test.each([
  [undefined, 'localhost:8001', false],
  ['http://localhost:8001', 'localhost:8001', false],
  ['https://Chorus.example.org', 'chorus.example.org', false],
  ['http://localhost:3000', 'localhost:8001', true],
  ['https://evil.example', 'localhost:8001', true],
  ['null', 'localhost:8001', true],
  ['', 'localhost:8001', true],
  ['http://localhost:8001', undefined, true],
])('the origin %j is another one than that of the host %j: %s', (origin, host, isOther) => {
  expect(isCrossOrigin(origin, host)).toBe(isOther);
});
