// Eviction by real nodes: far more keys than there is room for; those in use survive, all nodes hold the same, PyCache's API too.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChorusNodes, startChorusNodes, until } from '../servers/chorus.ts';
import { EventStream } from '../suites/event-stream.ts';

const ROOM = 2000;
const HOT = 100;
const WRITERS = 8;

let nodes: ChorusNodes;
beforeAll(async () => {
  nodes = await startChorusNodes({ flags: ['--max-keys', String(ROOM), '--eviction', 'lru'] });
});
afterAll(() => nodes?.close());

const urlOf = (at: number) => nodes.nodes[at % nodes.nodes.length]?.url ?? '';

test('three times as many keys as there is room for are taken; the hot ones are there at the end, and the nodes agree', async () => {
  const watch = await EventStream.open(urlOf(1), '/v1/watch');
  for (let n = 0; n < HOT; n++) await put(`hot/${n}`, n);
  let next = 0;
  const write = async () => {
    for (let n = next++; n < 3 * ROOM; n = next++) {
      await put(`cold/${n}`, n);
      // Behind a balancer each node has its share of the reads.
      if (n % 10 === 0) for (let node = 0; node < 3; node++) await get(`${urlOf(node)}/v1/keys/hot/${(n / 10) % HOT}`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  await until('there are no more keys than there is room for', async () => (await keysAt(0)) <= ROOM);
  const missing: number[] = [];
  for (let n = 0; n < HOT; n++) {
    const { status } = await get(`${urlOf(2)}/v1/keys/hot/${n}?consistency=linearizable`);
    if (status !== 200) missing.push(n);
  }
  expect(missing).toEqual([]);
  const { agreed } = JSON.parse((await get(`${urlOf(0)}/v1/cluster?check=digests`)).text) as { agreed: boolean };
  expect(agreed).toBe(true);
  await watch.until('an eviction is told', () => watch.events.some(({ event }) => event === 'evict'));
  watch.close();
  const { text: metrics } = await get(`${urlOf(1)}/metrics`);
  expect(Number(/^chorus_evictions_total\{[^}]*\} (\d+)/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(2 * ROOM);
  expect(metrics).toMatch(new RegExp(`^chorus_max_keys\\{[^}]*\\} ${ROOM}$`, 'm'));
}, 120_000);

test("PyCache's API takes new keys at the limit", async () => {
  for (let n = 0; n < 50; n++) {
    const answer = await fetch(`${urlOf(n)}/api/cache/pycache-${n}/`, { method: 'POST', body: JSON.stringify({ n }) });
    expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining('Cache key set success')]);
  }
  const token = (await put('last', 1)).headers.get('chorus-revision') ?? '';
  const read = await fetch(`${urlOf(1)}/api/cache/pycache-49/`, { headers: { 'Chorus-Min-Revision': token } });
  expect(await read.json()).toMatchObject({ payload: { key: 'pycache-49', value: { n: 49 } } });
});

/** Refused for want of room only while evictions lag: then once more. */
async function put(key: string, n: number): Promise<Response> {
  for (;;) {
    const answer = await fetch(`${urlOf(n)}/v1/keys/${key}`, { method: 'PUT', body: String(n) });
    const text = await answer.text();
    if (answer.ok) return answer;
    expect(JSON.parse(text)).toMatchObject({ status: 507, code: 'memory-full', retryable: true });
  }
}

async function get(url: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text() };
}

async function keysAt(at: number): Promise<number> {
  const { node, members } = JSON.parse((await get(`${urlOf(at)}/v1/cluster`)).text) as {
    node: string;
    members: { node: string; keys: number }[];
  };
  return members.find((member) => member.node === node)?.keys ?? Number.POSITIVE_INFINITY;
}
