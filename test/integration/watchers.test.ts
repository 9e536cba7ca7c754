// A thousand watchers of one real node, a few more through the gateway and Nginx, and readers that do not read.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type ChorusCluster, startChorusCluster } from '../servers/chorus.ts';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { EventStream } from '../suites/event-stream.ts';

const WATCHERS = 1000;
const WATCHERS_THROUGH_FRONTS = 20;
const WRITES = 30;
/** Several of them fill all that lies between a node and a reader that does not read. */
const LARGE = 'x'.repeat(1000 * 1024);
/** Far more than the 64 MiB of events that a node keeps, and what lies between. */
const MAX_LARGE_WRITES = 300;

let cluster: ChorusCluster;
let nginx: ChorusNginx | undefined;
let nodeUrl = '';
beforeAll(async () => {
  cluster = await startChorusCluster({ nodes: 1 });
  nodeUrl = cluster.nodes[0]?.url ?? '';
  if (available('nginx')) nginx = await startChorusNginx({ nodePorts: [Number(new URL(nodeUrl).port)] });
});
afterAll(async () => {
  await nginx?.close();
  await cluster?.close();
});

const fronts = () => [cluster.gateway, ...(nginx === undefined ? [] : [`http://127.0.0.1:${nginx.port}`])];
const watch = (url: string, prefix: string) => EventStream.open(url, `/v1/watch?prefix=${prefix}`);
const write = async (key: string, body: string) => {
  const answer = await fetch(`${nodeUrl}/v1/keys/${key}`, { method: 'PUT', body });
  expect(answer.status).toBe(201);
  return Number(answer.headers.get('chorus-revision'));
};
const metric = async (name: string) => {
  const text = await (await fetch(`${nodeUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)`, 'm').exec(text)?.[1]);
};

test('a thousand watchers of one node are told everything once, in order, and so are those behind a front', async () => {
  const places = [
    ...new Array<string>(WATCHERS).fill(nodeUrl),
    ...fronts().flatMap((url) => new Array<string>(WATCHERS_THROUGH_FRONTS).fill(url)),
  ];
  const streams: EventStream[] = [];
  for (const url of places) streams.push(await watch(url, 'many/'));
  expect(await metric('chorus_watchers')).toBe(places.length);
  const revisions: number[] = [];
  for (let n = 0; n < WRITES; n++) revisions.push(await write(`many/${n}`, `${n}`));
  for (const stream of streams) {
    const events = await stream.take(WRITES, 60_000);
    expect(events.map(({ data }) => data.revision)).toEqual(revisions);
    stream.close();
  }
  await expect.poll(() => metric('chorus_watchers'), { timeout: 60_000 }).toBe(0);
});

test('readers that do not read are cut off, told so, and can go on; the others are not held up', async () => {
  for (const url of [nodeUrl, ...fronts()]) {
    const prefix = `flood/${new URL(url).port}/`;
    const [slow, quick] = await Promise.all([watch(url, prefix), watch(nodeUrl, prefix)]);
    slow.pause();
    const before = await metric('chorus_watchers_cut_off_total');
    let written = 0;
    for (; (await metric('chorus_watchers_cut_off_total')) === before; written++) {
      expect(written).toBeLessThan(MAX_LARGE_WRITES);
      await write(`${prefix}${written}`, LARGE);
      await quick.take(1, 60_000);
    }
    quick.close();
    slow.resume();
    await slow.until('end', () => slow.ending !== undefined, 60_000);
    const told = slow.events.filter(({ event }) => event === 'put').map(({ data }) => data.key);
    // Without a gap up to where it was cut off.
    expect(told).toEqual(told.map((_, n) => `${prefix}${n}`));
    expect(told.length).toBeLessThan(written);
    const last = slow.events.at(-1);
    // A front may have been cut off itself before it could pass the last words on.
    if (url === nodeUrl) expect([slow.ending, last?.event, last?.data.reason]).toEqual(['whole', 'end', 'slow']);
    const again = await EventStream.open(url, `/v1/watch?prefix=${prefix}`, { 'Last-Event-ID': `${slow.lastId}` });
    expect([200, 410]).toContain(again.status);
    again.close();
  }
});
