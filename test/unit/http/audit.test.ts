// Audit lines: which requests leave one, and what it says.
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { isAct } from '../../../src/http/audit.ts';
import { type Path, ROUTES } from '../../../src/http/routes.ts';
import { type RunningNode, send, startRunningNode } from './running-node.ts';

const ADMIN = 'an-administrators-own-token';
const lines: Record<string, unknown>[] = [];
let running: RunningNode | undefined;

afterEach(async () => {
  await running?.stop();
  lines.length = 0;
});

/** At a level of the log above that of audit lines: they are written all the same. */
async function start(auth: 'none' | 'tokens'): Promise<string> {
  const logger = pino({ level: 'fatal' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const adminDigest = createHash('sha256').update(ADMIN).digest();
  running = await startRunningNode({ http: { logger, auth, adminDigest } });
  return running.url;
}

const told = () => lines.map(({ audit, who, path, status, outcome }) => ({ audit, who, path, status, outcome }));

test('an act is told with who did it, from where, and how it ended', async () => {
  const url = await start('tokens');
  const headers = { authorization: `Bearer ${ADMIN}` };
  expect((await send(url, 'POST', '/v1/snapshots?timeout=10s', { headers })).status).toBe(201);
  await expect
    .poll(told)
    .toEqual([{ audit: 'POST /v1/snapshots', who: '*admin', path: '/v1/snapshots', status: 201, outcome: 'done' }]);
  expect(lines).toEqual([expect.objectContaining({ from: '127.0.0.1', level: 30 })]);
});

test('an act that was refused is told too', async () => {
  const url = await start('tokens');
  const admin = { authorization: `Bearer ${ADMIN}` };
  const token = 'a-readers-token';
  const sha256 = createHash('sha256').update(token).digest('hex');
  const claims = JSON.stringify({ name: 'reader', sha256, scopes: ['read:'] });
  const created = await send(url, 'POST', '/v1/tokens', {
    headers: { ...admin, 'content-type': 'application/json' },
    body: claims,
  });
  expect(created.status, created.text).toBe(201);
  expect((await send(url, 'GET', '/v1/snapshot', { headers: { authorization: `Bearer ${token}` } })).status).toBe(403);
  expect((await send(url, 'DELETE', '/v1/tokens/reader', { headers: admin })).status).toBe(204);
  await expect.poll(told).toEqual([
    { audit: 'POST /v1/tokens', who: '*admin', path: '/v1/tokens', status: 201, outcome: 'done' },
    { audit: 'GET /v1/snapshot', who: 'reader', path: '/v1/snapshot', status: 403, outcome: 'refused' },
    { audit: 'DELETE /v1/tokens/{name}', who: '*admin', path: '/v1/tokens/reader', status: 204, outcome: 'done' },
  ]);
  expect(JSON.stringify(lines)).not.toContain(token);
  expect(JSON.stringify(lines)).not.toContain(sha256);
});

test('deleting every key is told, deleting some is not', async () => {
  const url = await start('none');
  expect((await send(url, 'DELETE', '/v1/keys?prefix=a')).status).toBe(200);
  expect((await send(url, 'DELETE', '/v1/keys?prefix=&all=true')).status).toBe(200);
  await expect.poll(() => lines.map(({ audit }) => audit)).toEqual(['DELETE /v1/keys?all=true']);
});

test('every route that only administrators may change something by is told', () => {
  const acts = Object.entries(ROUTES).flatMap(([path, methods]) =>
    Object.keys(methods).flatMap((method) => (isAct(path as Path, method) ? [`${method} ${path}`] : [])),
  );
  expect(acts.sort()).toEqual([
    'DELETE /v1/caches/{cache}/failed/{key}',
    'DELETE /v1/tokens/{name}',
    'GET /v1/snapshot',
    'POST /v1/caches/{cache}/failed/{key}/retry',
    'POST /v1/caches/{cache}:adopt',
    'POST /v1/restore',
    'POST /v1/snapshots',
    'POST /v1/tokens',
    'PUT /v1/caches/{cache}/policy',
  ]);
});
