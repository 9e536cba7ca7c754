// Every route of a real cluster, asked well and badly at log level trace: no log holds a value or a token, and every answer has its headers.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTES } from '../../src/http/routes.ts';
import { type ChorusCluster, startChorusCluster, until } from '../servers/chorus.ts';
import { temporaryDirectory } from '../servers/places.ts';
import { rawExchange } from '../suites/raw-http.ts';
import { type Received, type Sent, send } from '../unit/http/running-node.ts';

/** Each once more with its own ending, so that a find says which it was. */
const VALUE = 'marker-value-7d1f';
const TOKEN = 'marker-token-7d1f';
const WRONG_TOKEN = 'marker-wrong-7d1f';
const PEOPLE = 'people';

let cluster: ChorusCluster;
let directory: string;

beforeAll(async () => {
  directory = temporaryDirectory('secrets');
  const config = join(directory, 'config.ts');
  writeFileSync(config, configuration(join(directory, 'people.db')));
  const admin = ['--auth', 'tokens', '--admin-token-sha256', createHash('sha256').update(TOKEN).digest('hex')];
  cluster = await startChorusCluster({ nodes: 2, flags: ['--config', config, '--log-level', 'trace', ...admin] });
});
afterAll(async () => {
  await cluster?.close();
  rmSync(directory, { recursive: true, force: true });
});

test('no value and no token is in any log, whatever is asked', async () => {
  const asked = new Set<string>();
  for (const url of [cluster.gateway, cluster.nodes[0]?.url ?? '']) {
    for (const [path, methods] of Object.entries(ROUTES)) {
      // A stream without an end; it gets an answer of its own below.
      const each = path === '/v1/watch' ? [] : Object.keys(methods);
      for (const method of each) {
        for (const sent of requestsFor(method, path)) {
          expectHeaders(`${method} ${path}`, await send(url, method, sent.target, sent));
          asked.add(`${method} ${path}`);
        }
      }
    }
    await watchOnce(url);
    // What is no HTTP at all.
    for (const text of [
      `rubbish ${VALUE}\r\n\r\n`,
      `PUT / HTTP/1.1\r\nAuthorization: ${TOKEN}\r\nX ${VALUE}\r\n\r\n`,
    ]) {
      expect((await rawExchange(url, { bytes: Buffer.from(text) }))?.status).toBe(400);
    }
  }
  expect(asked.size).toBeGreaterThan(25);
  const stored = await send(cluster.gateway, 'GET', '/v1/keys/stored', { headers: authorized(TOKEN) });
  expect(stored.text, 'what was asked reached the nodes').toContain(VALUE);

  const logs = await logsAtTheEnd();
  expect(logs).toContain('"audit":"POST /v1/snapshots"');
  for (const secret of [VALUE, TOKEN, WRONG_TOKEN]) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64').slice(0, 20),
      Buffer.from(secret).toString('hex'),
    ]) {
      expect(linesWith(logs, form), `${secret} as ${form}`).toEqual([]);
    }
  }
});

/** The cluster is stopped, so that all that it has to say is said. */
async function logsAtTheEnd(): Promise<string> {
  await cluster.server.stop();
  const data = join(cluster.directory, 'data');
  const files = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.log'));
  expect(files).toHaveLength(2);
  return [...files.map((file) => readFileSync(join(data, file), 'utf8')), cluster.server.output].join('\n');
}

function linesWith(logs: string, text: string): string[] {
  return logs.split('\n').filter((line) => line.includes(text));
}

function expectHeaders(what: string, { status, headers }: Received): void {
  expect(headers['x-content-type-options'], what).toBe('nosniff');
  expect(headers['content-security-policy'], what).toMatch(/^default-src 'none'/);
  expect(headers['access-control-allow-origin'], what).toBeUndefined();
  if (status !== 204 && status !== 304) expect(headers['content-type'], `${what} ${status}`).toBeDefined();
}

type Asked = Sent & { readonly target: string };

const authorized = (token: string, more: Readonly<Record<string, string>> = {}) => ({
  authorization: `Bearer ${token}`,
  ...more,
});

/** The route as it should be asked, with a wrong token, without one, and with a body that is not what it should be. */
function requestsFor(method: string, path: string): Asked[] {
  const target = targetOf(method, path);
  const body = bodyOf(method, path);
  const json = { 'content-type': path.startsWith('/v1/keys/') ? 'text/plain' : 'application/json' };
  const garbled = `{"name":"${VALUE}","value":"${VALUE}"`;
  const withBody = body === undefined ? {} : { body };
  return [
    { target, headers: authorized(TOKEN, json), ...withBody },
    { target, headers: authorized(WRONG_TOKEN, json), ...withBody },
    { target, headers: { authorization: `Basic ${TOKEN}` }, ...withBody },
    ...(method === 'GET' || path === '/v1/keys/{key}'
      ? []
      : [{ target, headers: authorized(TOKEN, json), body: garbled }]),
  ];
}

function targetOf(method: string, path: string): string {
  const target = path.replace('{cache}', PEOPLE).replace('{name}', 'other').replace('{file}', 'console.js');
  switch (`${method} ${path}`) {
    case 'POST /v1/keys/{key}':
      return '/v1/keys/appended?op=append';
    case 'DELETE /v1/keys/{key}':
      return '/v1/keys/appended';
    case 'DELETE /v1/keys':
      return '/v1/keys?prefix=none';
    case 'GET /v1/keys':
      return '/v1/keys?values=true';
    default:
      return target.replace(
        '{key}',
        path.startsWith('/v1/caches') ? '1' : path.startsWith('/v1/keys') ? 'stored' : 'cached',
      );
  }
}

function bodyOf(method: string, path: string): string | undefined {
  const put = { op: 'put', key: 'from-json', value: VALUE };
  const bodies: Readonly<Record<string, unknown>> = {
    'POST /v1/batch': { items: [put, { ...put, ifRevision: 1 }, { op: 'get', key: 'from-json' }] },
    'POST /v1/transactions': { if: [{ key: 'from-json', value: VALUE }], then: [put], else: [put] },
    'PUT /v1/caches/{cache}/entries/{key}': { id: 1, name: VALUE },
    'POST /v1/caches/{cache}:invalidate': { keys: ['1'] },
    'POST /v1/caches/{cache}:adopt': { token: VALUE },
    'PUT /v1/caches/{cache}/policy': { pattern: 'through' },
    'POST /v1/tokens': {
      name: 'other',
      sha256: createHash('sha256')
        .update(WRONG_TOKEN + VALUE)
        .digest('hex'),
      scopes: ['read:'],
    },
    'POST /api/cache/{key}/': { value: VALUE },
    'POST /v1/restore': VALUE,
  };
  if (`${method} ${path}` === 'PUT /v1/keys/{key}') return VALUE;
  if (`${method} ${path}` === 'POST /v1/keys/{key}') return VALUE;
  const body = bodies[`${method} ${path}`];
  return body === undefined ? undefined : JSON.stringify(body);
}

async function watchOnce(url: string): Promise<void> {
  const giveUp = new AbortController();
  const answer = await fetch(`${url}/v1/watch?prefix=watched`, { headers: authorized(TOKEN), signal: giveUp.signal });
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  const reader = answer.body?.getReader();
  await send(url, 'PUT', '/v1/keys/watched', { headers: authorized(TOKEN), body: VALUE });
  let seen = '';
  await until('the event', async () => {
    seen += Buffer.from((await reader?.read())?.value ?? []).toString();
    return seen.includes(VALUE);
  });
  giveUp.abort();
}

function configuration(file: string): string {
  const source = resolve(import.meta.dirname, '../../src/cache/sources');
  return `// The cache of this test.
import { rows } from '${source}/rows.ts';
import { sqliteDatabase } from '${source}/sqlite-database.ts';
import { DatabaseSync } from 'node:sqlite';
new DatabaseSync('${file}').exec('CREATE TABLE IF NOT EXISTS ${PEOPLE} (id INTEGER PRIMARY KEY, name TEXT)');
export const config = {
  caches: {
    ${PEOPLE}: {
      source: () =>
        rows(sqliteDatabase({ file: '${file}' }), { table: '${PEOPLE}', columns: { id: 'integer', name: 'text' }, key: 'id' }),
      keyOf: (text) => Number(text),
      pattern: 'through',
      ttl: '1h',
    },
  },
};
`;
}
