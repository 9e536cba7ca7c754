// Chorus as a store upon one node: who may come in, what is refused, and that bytes of others are no entry.
import { ChorusClient } from 'chorus/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chorus } from '../../../src/cache/tiers/chorus.ts';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { type CallerName, createCallers, digestOf, tokenOf } from '../../suites/token-callers.ts';
import { type RunningNode, send, startRunningNode } from '../http/running-node.ts';
import { until } from './cluster-scene.ts';

let running: RunningNode;
const opened: { close(): void | Promise<void> }[] = [];

beforeAll(async () => {
  running = await startRunningNode({ http: { auth: 'tokens', adminDigest: digestOf(tokenOf('ownAdmin')) } });
  await until(() => running.node.cluster().limits.featureLevel === FEATURE_LEVEL);
  await createCallers(running.node);
});
afterAll(async () => {
  for (const one of opened) await one.close();
  await running.stop();
});

function storeOf(caller: CallerName | undefined, store = 'inside') {
  const token = caller === undefined ? {} : { token: tokenOf(caller) };
  const opening = chorus({ urls: [running.url], store, timeout: '10s', ...token });
  opened.push(opening);
  return opening;
}

function entry(text: string, expiresAtMs = Date.now() + 3_600_000) {
  return { value: Buffer.from(text), freshUntilMs: expiresAtMs, expiresAtMs, tags: [] };
}

test('a token opens the store that its scopes name, for what they allow', async () => {
  expect(await storeOf('both').put('key', entry('value'))).toBe(true);
  expect((await storeOf('reader').get('key')).entry?.value).toHaveLength(5);
  const refused = { name: 'CacheError', code: 'refused' };
  await expect(storeOf('reader').put('key', entry('other'))).rejects.toMatchObject(refused);
  await expect(storeOf('writer').get('key')).rejects.toMatchObject(refused);
  await expect(storeOf('both', 'outside').get('key')).rejects.toMatchObject(refused);
  await expect(storeOf(undefined).get('key')).rejects.toMatchObject(refused);
});

test('the client sends its token with calls and streams', async () => {
  const client = new ChorusClient({ baseUrls: [running.url], bearerToken: tokenOf('both') });
  opened.push(client);
  const { revision } = await client.increment('in/n');
  const changes = client.watch({ prefix: 'in/', since: revision });
  await client.put('in/a', 'value');
  expect((await changes.next()).value).toMatchObject({ key: 'in/a' });
  await changes.return(undefined);
  await expect(client.get('out')).rejects.toMatchObject({ code: 'forbidden', status: 403 });
});

test('an entry without an end stays; what another program left there is none, and is replaced by a fill', async () => {
  const store = storeOf('both');
  await store.put('for ever', entry('value', Number.POSITIVE_INFINITY));
  expect((await store.get('for ever')).entry).toMatchObject({ expiresAtMs: Number.POSITIVE_INFINITY });
  const headers = { authorization: `Bearer ${tokenOf('both')}` };
  for (const body of ['no line', '{"fresh": 1\n', '5\nvalue', 'null\n', '{}\n', '']) {
    await send(running.url, 'PUT', '/v1/stores/inside/entries/foreign', { headers, body });
    const { entry: found, note = '' } = await store.get('foreign');
    expect(found).toBeUndefined();
    expect(await store.fill('foreign', entry('mine'), note)).toBe(true);
  }
});

test('a value that is too large is refused, and an address that is none', async () => {
  const tooLarge = { ...entry(''), value: Buffer.alloc(1024 * 1024) };
  await expect(storeOf('both').put('large', tooLarge)).rejects.toMatchObject({ code: 'refused' });
  for (const urls of [[], ['127.0.0.1:8001'], ['ftp://127.0.0.1']]) {
    expect(() => chorus({ urls, store: 'inside' })).toThrow(expect.objectContaining({ code: 'refused' }));
  }
});
