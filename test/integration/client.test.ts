// The TypeScript client on a real cluster of three node processes: every call, over several addresses, and past a killed node.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChorusClient } from '../../src/client/client.ts';
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
