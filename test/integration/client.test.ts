// The TypeScript client on a real cluster of three node processes: every call, over several addresses, and past a killed node.

import { ChorusClient, type Operation } from 'chorus/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClusterUnderTest, startSupervised } from '../drill/cluster-under-test.ts';
import { killNodes } from '../drill/faults.ts';

let cluster: ClusterUnderTest;
const clients: ChorusClient[] = [];

beforeAll(async () => {
  cluster = await startSupervised(['--log', 'embedded']);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await cluster.stop({ isKept: false });
});

/** A client of the nodes with these indexes, tried in this order. */
function clientOf(...nodes: readonly number[]): ChorusClient {
  const baseUrls = nodes.map((at) => `http://127.0.0.1:${cluster.nodes[at]?.port}`);
  const client = new ChorusClient({ baseUrls });
  clients.push(client);
  return client;
}

test('binary values, types, ttl and conditions come back from another node', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
  const writer = clientOf(0);
  const put = await writer.put('client/ä b', bytes, { contentType: 'image/png', ttlMs: 60_000 });
  expect(put).toMatchObject({ kind: 'created', isReplayed: false, attempts: 1 });
  expect(await writer.put('client/ä b', 'x', { ifAbsent: true })).toMatchObject({ kind: 'condition-failed' });
  const found = await clientOf(1).get('client/ä b', { consistency: 'linearizable' });
  expect(found).toMatchObject({ kind: 'found', contentType: 'image/png', expiresAt: expect.any(String) });
  expect(found.kind === 'found' && [...found.value]).toEqual([...bytes]);
});

test('numbers, appended text, touches and deletions', async () => {
  const client = clientOf(1, 2, 0);
  expect((await client.increment('client/n', 5)).value).toBe(5n);
  expect((await client.increment('client/n', -7n)).value).toBe(-2n);
  await expect(client.append('client/n', 'x').then(() => client.increment('client/n'))).rejects.toMatchObject({
    code: 'not-an-integer',
    status: 409,
  });
  expect((await client.append('client/text', 'ab')).lengthBytes).toBe(2);
  expect((await client.append('client/text', 'ä')).lengthBytes).toBe(4);
  expect(await client.touch('client/text', 60_000)).toMatchObject({ kind: 'touched' });
  expect(await client.touch('client/none', 'none')).toEqual({ kind: 'absent' });
  expect(await client.delete('client/text')).toMatchObject({ kind: 'deleted' });
  expect(await client.get('client/text')).toEqual({ kind: 'absent' });
  expect(await client.delete('client/text')).toEqual({ kind: 'absent' });
});

test('a write given the same id twice, on two nodes, is applied once', async () => {
  const first = await clientOf(0).increment('client/once', 1, { id: 'the-same' });
  const second = await clientOf(2).increment('client/once', 1, { id: 'the-same' });
  expect(second).toEqual({ ...first, isReplayed: true });
  await expect(clientOf(1).increment('client/once', 2, { id: 'the-same' })).rejects.toMatchObject({ status: 422 });
});

test('a list gives pages in order, with values, each no older than what this client wrote', async () => {
  const client = clientOf(0, 1, 2);
  const keys = ['a', 'a/é', 'b', 'c//d', 'e'].map((key) => `client/list/${key}`);
  for (const key of keys) await client.put(key, key);
  await client.put('client/list/z', Uint8Array.of(255, 0), { contentType: 'image/x', ttlMs: 60_000 });
  const pages = [];
  for await (const page of client.list({ prefix: 'client/list/', limit: 4, values: true })) pages.push(page);
  expect(pages.map((page) => page.keys.length)).toEqual([4, 2]);
  const listed = pages.flatMap((page) => page.keys);
  expect(listed.slice(0, -1).map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])).toEqual(
    keys.map((key) => [key, key]),
  );
  expect(listed.at(-1)).toEqual({
    key: 'client/list/z',
    revision: client.token,
    bytes: 2,
    contentType: 'image/x',
    expiresAt: expect.stringMatching(/Z$/),
    value: Buffer.of(255, 0),
  });
  for await (const page of client.list({ prefix: 'client/list/b' })) {
    expect(page.keys).toMatchObject([{ key: 'client/list/b', value: undefined }]);
  }
});

const OPERATIONS: readonly Operation[] = [
  { op: 'put', key: 'client/many/a', value: 'ä', ttlMs: 60_000, ifRevision: 0 },
  { op: 'put', key: 'client/many/b', value: Uint8Array.of(255), contentType: 'image/x' },
  { op: 'get', key: 'client/many/b' },
  { op: 'append', key: 'client/many/a', value: Uint8Array.of(0) },
  { op: 'increment', key: 'client/many/n', by: 2n ** 60n },
  { op: 'touch', key: 'client/many/a', ttlMs: 'none' },
  { op: 'delete', key: 'client/many/b' },
  { op: 'get', key: 'client/many/b' },
];
const revision = expect.any(Number);
const RESULTS = [
  { kind: 'created', revision },
  { kind: 'created', revision },
  { kind: 'found', value: Buffer.of(255), contentType: 'image/x', revision, expiresAt: undefined },
  { kind: 'appended', revision, lengthBytes: 3 },
  { kind: 'incremented', revision, value: 2n ** 60n },
  { kind: 'touched', revision },
  { kind: 'deleted', revision },
  { kind: 'absent' },
];

test('a batch does each operation by itself, and once under its id', async () => {
  const first = await clientOf(0).batch(OPERATIONS, { id: 'client-batch' });
  expect([first.results, first.isReplayed]).toEqual([RESULTS, false]);
  const again = await clientOf(2).batch(OPERATIONS, { id: 'client-batch' });
  expect([again.results[4], again.isReplayed]).toEqual([first.results[4], true]);
  const { results } = await clientOf(1).batch([
    { op: 'put', key: 'client/many/a', value: 'x', ifRevision: 1 },
    { op: 'increment', key: 'client/many/a' },
    { op: 'put', key: 'client/many/c', value: 'x', ifRevision: 7 },
  ]);
  expect(results).toEqual([
    { kind: 'condition-failed', revision },
    { kind: 'rejected', status: 409, code: 'not-an-integer', outcome: 'not-applied' },
    { kind: 'condition-failed', revision: undefined },
  ]);
});

test('a transaction does one branch or nothing, and once under its id', async () => {
  const client = clientOf(1, 2, 0);
  await client.deletePrefix('client/many/');
  const transaction = { if: [{ key: 'client/many/a', exists: false }], then: OPERATIONS };
  const done = await client.transaction(transaction, { id: 'client-transaction' });
  expect(done).toEqual({
    kind: 'done',
    branch: 'then',
    results: RESULTS,
    revision: expect.any(Number),
    isReplayed: false,
    attempts: 1,
  });
  const again = await clientOf(0).transaction(transaction, { id: 'client-transaction' });
  expect(again).toMatchObject({ kind: 'done', branch: 'then', isReplayed: true });
  expect(again.kind === 'done' && again.results[2]).toEqual({ kind: 'was-found', revision });
  const other = await client.transaction({
    if: [
      { key: 'client/many/n', value: String(2n ** 60n) },
      { key: 'client/many/a', value: Buffer.from('ä\0') },
      { key: 'client/many/n', revision: 1 },
    ],
    else: [{ op: 'get', key: 'client/many/n' }],
  });
  expect(other).toMatchObject({ kind: 'done', branch: 'else', results: [{ kind: 'found' }] });
  const failed = await client.transaction({
    then: [
      { op: 'put', key: 'client/many/never', value: '' },
      { op: 'delete', key: 'client/many/none' },
    ],
  });
  expect(failed).toEqual({ kind: 'failed', branch: 'then', item: 1, result: { kind: 'absent' } });
  expect(await client.get('client/many/never')).toEqual({ kind: 'absent' });
});

test('a prefix is deleted in one command, and everything only when told so', async () => {
  const client = clientOf(2);
  for (let n = 0; n < 3; n++) await client.put(`client/prefix/${n}`, '');
  expect(await client.deletePrefix('client/prefix/')).toMatchObject({ deleted: 3, more: false, isReplayed: false });
  expect(await client.deletePrefix('client/prefix/')).toMatchObject({ deleted: 0, more: false });
  await expect(client.deletePrefix('')).rejects.toMatchObject({ status: 400, code: 'invalid-parameter' });
});

test('a killed node is passed over, and the counter is exact', async () => {
  const client = clientOf(1, 2);
  const counted = async (from: number) => {
    for (let n = from; n < from + 20; n++) expect((await client.increment('client/hits')).value).toBe(BigInt(n));
  };
  await counted(1);
  await killNodes(cluster.nodes.slice(1, 2));
  await counted(21);
});

test('the members and the digests of the cluster', async () => {
  const client = clientOf(0);
  const { members } = await client.cluster();
  expect(members.map((member) => member.node)).toEqual(['node-1', 'node-2', 'node-3']);
  expect(await client.checkDigests()).toMatchObject({ agreed: true });
});
