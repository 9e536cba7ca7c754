// The client's watch over three real nodes that are killed one after the other: every change once, in order, as the log has them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Change, ChorusClient } from '../../src/client/client.ts';
import { type ChorusCluster, isReadyAt, startChorusCluster, until } from '../servers/chorus.ts';
import { EventStream } from '../suites/event-stream.ts';

const WRITERS = 3;

let cluster: ChorusCluster;
const clients: ChorusClient[] = [];
beforeAll(async () => {
  cluster = await startChorusCluster();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await cluster?.close();
});

function clientOf(...baseUrls: readonly string[]): ChorusClient {
  const client = new ChorusClient({ baseUrls, deadlineMs: 60_000 });
  clients.push(client);
  return client;
}

test('watches at the nodes and through the gateway are told all changes once, whichever nodes die meanwhile', async () => {
  const urls = cluster.nodes.map(({ url }) => url);
  const writer = clientOf(cluster.gateway);
  const { revision: since } = await writer.put('start', '');
  const ending = new AbortController();
  const followed = [clientOf(...urls), clientOf(...urls.toReversed()), clientOf(cluster.gateway)].map((client) =>
    follow(client, since, ending.signal),
  );

  let isOn = true;
  let writes = 0;
  const writers = Array.from({ length: WRITERS }, async (_, one) => {
    for (let n = 0; isOn; n++, writes++) {
      const key = `moving/${one}/${n % 7}`;
      if (n % 5 === 4) await writer.delete(key);
      else await writer.put(key, `${n}`);
    }
  });
  for (const { id, url } of cluster.nodes) {
    const before = writes;
    await until('more writes', async () => writes > before + 60);
    const pid = await cluster.pidOf(id);
    process.kill(pid, 'SIGKILL');
    await until(`${id} is another process`, async () => (await cluster.pidOf(id)) !== pid && isReadyAt(url));
  }
  isOn = false;
  await Promise.all(writers);
  const { revision: end } = await writer.put('moving/end', '');

  const whole = await EventStream.open(urls[0] ?? '', `/v1/watch?prefix=moving/&since=${since}`);
  await whole.until('the last write', () => Number(whole.events.at(-1)?.data.revision) >= Number(end), 60_000);
  whole.close();
  const expected = whole.events.map(({ id, event, data }) => [id, event, data.key]);
  for (const changes of followed) {
    await until('every change', async () => changes.length >= expected.length);
    expect(changes.map(({ id, kind, key }) => [id, kind, key])).toEqual(expected);
  }
  ending.abort();
});

/** What a watch is told from now on. */
function follow(client: ChorusClient, since: number | undefined, signal: AbortSignal): readonly Change[] {
  const changes: Change[] = [];
  void (async () => {
    for await (const change of client.watch({ prefix: 'moving/', since, signal })) changes.push(change);
  })();
  return changes;
}
