// The numbers in nginx/ against the nodes' own limits, of which they must stay on the right side.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { REQUEST_LIMITS, STATE_LIMITS } from '../../../src/base/limits.ts';

const FILES = resolve(import.meta.dirname, '../../../nginx');
const server = readFileSync(resolve(FILES, 'server.conf'), 'utf8');
const upstream = readFileSync(resolve(FILES, 'upstream.conf'), 'utf8');

test('Nginx waits longer for a node than the node itself takes to answer 504', () => {
  expect(secondsOf('location /', 'proxy_read_timeout') * 1000).toBeGreaterThan(REQUEST_LIMITS.defaultTimeoutMs);
  expect(secondsOf('location @waiting', 'proxy_read_timeout') * 1000).toBeGreaterThan(REQUEST_LIMITS.maxTimeoutMs);
});

test('a hung node leaves time for another try, unless the request asked for a long timeout', () => {
  for (const location of ['location @waiting', 'location = /v1/watch']) {
    expect(secondsOf(location, 'proxy_next_upstream_timeout')).toBeLessThan(secondsOf(location, 'proxy_read_timeout'));
  }
  const twoHung = 2 * secondsOf('location /', 'proxy_read_timeout');
  expect(secondsOf('location /', 'proxy_next_upstream_timeout')).toBeGreaterThan(twoHung);
});

test('Nginx closes an idle connection before the node does', () => {
  const seconds = Number(/keepalive_timeout (\d+)s;/.exec(upstream)?.[1]);
  expect(seconds * 1000).toBeLessThan(REQUEST_LIMITS.keepAliveTimeoutMs);
});

test('Nginx takes larger bodies and headers than the nodes, so that a node says what is too large', () => {
  expect(Number(/client_max_body_size (\d+)m;/.exec(server)?.[1]) * 2 ** 20).toBeGreaterThan(
    STATE_LIMITS.maxValueBytes,
  );
  const headerKib = Number(/large_client_header_buffers \d+ (\d+)k;/.exec(server)?.[1]);
  expect(headerKib * 1024).toBeGreaterThan(REQUEST_LIMITS.maxHeaderBytes);
});

function secondsOf(location: string, directive: string): number {
  const block = server.slice(server.indexOf(`${location} {`)).split('\n}')[0] ?? '';
  const [, amount, unit] = new RegExp(`${directive} (\\d+)([sh]);`).exec(block) ?? [];
  return Number(amount) * (unit === 'h' ? 3600 : 1);
}
