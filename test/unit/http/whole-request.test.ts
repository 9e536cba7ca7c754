// Which bytes are plainly one whole request upon a key.
import { expect, test } from 'vitest';
import { wholeRequestIn } from '../../../src/http/whole-request.ts';

const methodOf = (text: string) => wholeRequestIn(Buffer.from(text, 'latin1'))?.method;
const get = (...headers: string[]) =>
  `GET /v1/keys/a HTTP/1.1\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`;
const put = (body: string, ...headers: string[]) => get(...headers).replace('GET', 'PUT') + body;

test.each([
  ['a read', get('Host: localhost'), 'GET'],
  ['a read with what balancers add', get('Host: n', 'X-Forwarded-For: 10.0.0.1', 'Connection: keep-alive'), 'GET'],
  ['a deletion without headers', get().replace('GET', 'DELETE'), 'DELETE'],
  ['a write', put('xyz', 'Host: localhost', 'content-length:3'), 'PUT'],
  ['a write of nothing', put('', 'Content-Length: 0'), 'PUT'],
  ['a write of what looks like a request', put(get(), `Content-Length: ${get().length}`), 'PUT'],
])('%s is one', (_name, text, method) => {
  expect(methodOf(text)).toBe(method);
});

test('no part of a request is one, and none with a byte more', () => {
  const text = put('xyz', 'Host: localhost', 'Content-Length: 3');
  for (let length = 0; length < text.length; length++) expect(methodOf(text.slice(0, length))).toBeUndefined();
  for (const more of ['x', '\r\n', get()]) expect(methodOf(text + more)).toBeUndefined();
});

test.each([
  ['of another resource', get().replace('/v1/keys/a', '/v1/keys?limit=1')],
  ['of another method', get().replace('GET', 'POST')],
  ['of an older version', get().replace('1.1', '1.0')],
  ['of an absolute target', get().replace('/v1', 'http://localhost/v1')],
  ['with a fragment', get().replace('/a ', '/a#b ')],
  ['with a byte beyond ASCII in its target', get().replace('/a ', '/\xe4 ')],
  ['with two lengths', put('x', 'Content-Length: 1', 'Content-Length: 1')],
  ['with a length that is no number', put('x', 'Content-Length: +1')],
  ['with a length of hexadecimal digits', put('x', 'Content-Length: 0x1')],
  ['with a space before the colon', put('x', 'Content-Length : 1')],
  ['with a space after the length', put('x', 'Content-Length: 1 ')],
  ['with chunks', put('0\r\n\r\n', 'Transfer-Encoding: chunked')],
  ['that wants to be told to go on', put('x', 'Content-Length: 1', 'Expect: 100-continue')],
  ['that ends its connection', get('Connection: close')],
  ['that ends its connection in an old way', get('Proxy-Connection: close')],
  ['that wants another protocol', get('Connection: keep-alive, Upgrade', 'Upgrade: websocket')],
  ['of a web page', get('Origin: https://localhost')],
  ['whose outcome may be known elsewhere', put('x', 'Content-Length: 1', 'Idempotency-Key: a')],
  ['with a header on two lines', get('A: b', ' c')],
  ['with a line that is no header', get('A')],
  ['with a bare line feed', get('A: b\nContent-Length: 1')],
  ['with a zero byte', get('A: \0')],
])('one %s is left to Node', (_name, text) => {
  expect(methodOf(text)).toBeUndefined();
});
