// Who is let in by which token, over a listening server: created, revoked, unknown here yet; and whose ids are whose.

import { afterEach, describe, expect, test } from 'vitest';
import { systemWorld } from '../../../src/base/system-world.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { requireFirstToken } from '../../../src/http/first-token.ts';
import { EventStream } from '../../suites/event-stream.ts';
import { creation, digestOf } from '../../suites/token-callers.ts';
import { until } from '../cache/cluster-scene.ts';
import {
  overriding,
  problemIn,
  type RunningNode,
  type RunningNodeOptions,
  type Sent,
  send,
  startRunningNode,
} from './running-node.ts';

const ADMIN = 'chorus_first-of-all';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const JSON_TYPE = { 'content-type': 'application/json' };

let stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
});

async function start(options: RunningNodeOptions = {}) {
  const running = await startRunningNode({
    ...options,
    http: { auth: 'tokens', adminDigest: digestOf(ADMIN), ...options.http },
  });
  stops.push(running.stop);
  await until(() => running.node.cluster().limits.featureLevel === FEATURE_LEVEL);
  return { running, ...caller(running) };
}

function caller({ url }: RunningNode) {
  const ask = (token: string, method: string, target: string, { headers = {}, ...sent }: Sent = {}) =>
    send(url, method, target, { ...sent, headers: { ...bearer(token), ...headers } });
  const create = (name: string, scopes: readonly string[], token = `chorus_${name}`) =>
    ask(ADMIN, 'POST', '/v1/tokens', { headers: JSON_TYPE, body: creation(name, token, scopes) });
  const revoke = (name: string) => ask(ADMIN, 'DELETE', `/v1/tokens/${name}`);
  return { ask, create, revoke };
}

test('a token is let in from its creation to its revocation, however often it was seen', async () => {
  const { ask, create, revoke } = await start();
  const status = async () => (await ask('chorus_web', 'PUT', '/v1/keys/a', { body: 'x' })).status;
  expect(await status()).toBe(401);
  expect((await create('web', ['write:'])).status).toBe(201);
  expect([await status(), await status()]).toEqual([201, 200]);
  expect((await revoke('web')).status).toBe(204);
  expect(await status()).toBe(401);
  // The same token under other scopes: nothing of the old ones is remembered.
  await create('web', ['write:b/']);
  expect(await status()).toBe(403);
});

test('a token is shown as RFC 6750 says, and in no other way', async () => {
  const { running, create } = await start();
  await create('web', ['read:']);
  const status = async (authorization: string) =>
    (await send(running.url, 'GET', '/v1/keys', { headers: { authorization } })).status;
  for (const right of ['Bearer chorus_web', 'bearer chorus_web', 'BEARER   chorus_web'])
    expect(await status(right), right).toBe(200);
  for (const wrong of [
    'chorus_web',
    'Basic chorus_web',
    'Bearer',
    'Bearer ',
    'Bearer chorus_web x',
    'Bearer chorus_we',
    'Bearer chorus_web,',
    'Bearerchorus_web',
  ])
    expect(await status(wrong), wrong).toBe(401);
  const inQuery = await send(running.url, 'GET', '/v1/keys?access_token=chorus_web');
  expect(inQuery.status).toBe(401);
  expect(problemIn(inQuery)).toMatchObject({ code: 'unauthenticated', retryable: false });
  expect(inQuery.headers['www-authenticate']).toBe('Bearer realm="chorus"');
});

test('an id belongs to the token that it came with', async () => {
  const { ask, create } = await start();
  for (const name of ['one', 'two']) await create(name, ['read:', 'write:']);
  const increment = (name: string) =>
    ask(`chorus_${name}`, 'POST', '/v1/keys/n?op=increment', { headers: { 'idempotency-key': 'same' } });
  const answers = [await increment('one'), await increment('two'), await increment('one')];
  expect(answers.map(({ text }) => text)).toEqual(['1', '2', '1']);
  expect(answers.map(({ headers }) => headers['idempotency-replayed'])).toEqual([undefined, undefined, 'true']);
  const batch = (name: string) =>
    ask(`chorus_${name}`, 'POST', '/v1/batch', {
      headers: { ...JSON_TYPE, 'idempotency-key': 'batch' },
      body: JSON.stringify({ items: [{ op: 'increment', key: 'm' }] }),
    });
  const values = [await batch('one'), await batch('two'), await batch('one')].map(
    ({ text }) => JSON.parse(text).results[0].value,
  );
  expect(values).toEqual(['1', '2', '1']);
});

test('a watch ends when its token is revoked: not one event is told after it', async () => {
  const { running, create, revoke, ask } = await start();
  await create('web', ['read:in/']);
  const stream = await EventStream.open(running.url, '/v1/watch?prefix=in/', bearer('chorus_web'));
  await ask(ADMIN, 'PUT', '/v1/keys/in/a', { body: 'seen' });
  await stream.take(1);
  await revoke('web');
  await ask(ADMIN, 'PUT', '/v1/keys/in/b', { body: 'not to be seen' });
  await stream.until('end', () => stream.ending !== undefined);
  const [, last, ...more] = stream.events;
  expect([stream.ending, last?.event, last?.data.reason, more]).toEqual(['whole', 'end', 'unauthenticated', []]);
  await until(() => running.node.metrics().watchers === 0);
});

test('what was begun before the revocation is not written after it', async () => {
  const { running, create, revoke } = await start();
  await create('web', ['write:']);
  const slow = new ReadableStream({
    async start(controller) {
      controller.enqueue(Buffer.from('x'));
      await revoke('web');
      controller.close();
    },
  });
  const options = { method: 'PUT', headers: bearer('chorus_web'), body: slow, duplex: 'half' } as const;
  const answer = await fetch(`${running.url}/v1/keys/a`, options);
  expect(answer.status).toBe(401);
  expect(running.node.get(Buffer.from('a'))).toBeUndefined();
});

test('items of a batch are judged one by one, and what is forbidden is not done', async () => {
  const { running, ask, create } = await start();
  await create('web', ['write:in/']);
  const items = [
    { op: 'put', key: 'in/a', value: '1' },
    { op: 'put', key: 'out', value: '1' },
    { op: 'get', key: 'in/a' },
  ];
  const { status, text } = await ask('chorus_web', 'POST', '/v1/batch', {
    headers: JSON_TYPE,
    body: JSON.stringify({ items }),
  });
  expect([status, JSON.parse(text).results.map((item: { status: number }) => item.status)]).toEqual([
    200,
    [201, 403, 403],
  ]);
  expect(running.node.get(Buffer.from('out'))).toBeUndefined();
});

test('a transaction that is forbidden in one place is done in none, and the place is named', async () => {
  const { running, ask, create } = await start();
  await create('web', ['read:in/', 'write:in/']);
  const put = (key: string) => ({ op: 'put', key, value: '1' });
  const body = JSON.stringify({
    if: [{ key: 'in/a', exists: false }],
    then: [put('in/a')],
    else: [put('in/b'), put('out')],
  });
  const answer = await ask('chorus_web', 'POST', '/v1/transactions', { headers: JSON_TYPE, body });
  expect(problemIn(answer)).toMatchObject({ status: 403, field: 'else[1]' });
  expect(running.node.get(Buffer.from('in/a'))).toBeUndefined();
});

test('a backup does not bring its tokens into the cluster that it is restored into', async () => {
  const [from, to] = [await start(), await start()];
  await from.create('web', ['read:']);
  await from.ask(ADMIN, 'PUT', '/v1/keys/a', { body: 'kept' });
  const backup = await from.ask(ADMIN, 'GET', '/v1/snapshot?timeout=30s');
  const restored = await to.ask(ADMIN, 'POST', '/v1/restore', { body: backup.bytes });
  expect([restored.status, JSON.parse(restored.text).keys]).toEqual([200, 1]);
  expect((await to.ask('chorus_web', 'GET', '/v1/keys/a')).status).toBe(401);
  expect(JSON.parse((await to.ask(ADMIN, 'GET', '/v1/tokens')).text).tokens).toEqual([]);
});

describe('a node that has not caught up', () => {
  const behind = (token: string) =>
    start({ see: (node) => overriding(node, { refusal: () => 'replaying' }) }).then(({ ask }) =>
      ask(token, 'GET', '/v1/cluster'),
    );

  test('says so to a token that it does not know: another node may', async () => {
    expect(problemIn(await behind('chorus_web'))).toMatchObject({ status: 503, code: 'replaying' });
  });

  test('does what its own administrator asks', async () => {
    expect((await behind(ADMIN)).status).toBe(200);
  });

  test('does not trust an administrator of the log: he may be revoked in what it has not read', async () => {
    let isBehind = false;
    const see: RunningNodeOptions['see'] = (node) =>
      overriding(node, { refusal: (kind) => (isBehind ? 'replaying' : node.refusal(kind)) });
    const { ask, create } = await start({ see });
    await create('boss', ['admin']);
    expect((await ask('chorus_boss', 'GET', '/v1/cluster')).status).toBe(200);
    isBehind = true;
    expect((await ask('chorus_boss', 'GET', '/v1/cluster')).status).toBe(503);
  });
});

describe('a node that nobody could ask anything', () => {
  test('does not go on, and says how to make the first token', async () => {
    const { running } = await start();
    const { node } = running;
    const starting = requireFirstToken({ node, auth: 'tokens' }, systemWorld.clock);
    await expect(starting).rejects.toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('node src/token.ts new'),
    });
  });

  test.each([
    ['its own administrator', { auth: 'tokens', adminDigest: digestOf(ADMIN) }],
    ['no need of tokens', { auth: 'none' }],
  ] as const)('is not one with %s', async (_, options) => {
    const { running } = await start();
    await requireFirstToken({ node: running.node, ...options }, systemWorld.clock);
  });

  test('is not one with a token in the log', async () => {
    const { running, create } = await start();
    await create('web', ['admin']);
    await requireFirstToken({ node: running.node, auth: 'tokens' }, systemWorld.clock);
  });
});
