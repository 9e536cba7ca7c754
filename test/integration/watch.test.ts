// Watching a real cluster through the gateway, through the real Nginx and at its nodes, while nodes die and come back: each event once, in order.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { type ChorusCluster, isReadyAt, startChorusCluster, until } from '../servers/chorus.ts';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { EventStream } from '../suites/event-stream.ts';
import { Follower } from '../suites/watching.ts';

describe('watching a cluster of npm start', () => {
  let cluster: ChorusCluster;
  let nginx: ChorusNginx | undefined;
  beforeAll(async () => {
    cluster = await startChorusCluster();
    const nodePorts = cluster.nodes.map(({ url }) => Number(new URL(url).port));
    if (available('nginx')) nginx = await startChorusNginx({ nodePorts });
  });
  afterAll(async () => {
    await nginx?.close();
    await cluster?.close();
  });

  const urls = () => cluster.nodes.map(({ url }) => url);
  /** Changes keys of `prefix` until stopped; resolves with how many changes were answered. */
  const startChanges = (prefix: string) => {
    let isOn = true;
    let count = 0;
    const change = async (writer: number) => {
      for (let n = 0; isOn; n++) {
        const key = `${cluster.gateway}/v1/keys/${prefix}${writer}/${n % 9}`;
        const answer =
          n % 5 === 4 ? await fetch(key, { method: 'DELETE' }) : await fetch(key, { method: 'PUT', body: `${n}` });
        await answer.arrayBuffer();
        if (answer.ok) count++;
      }
    };
    const done = Promise.all([0, 1, 2].map(change));
    const stop = async () => {
      isOn = false;
      await done;
      return count;
    };
    return { count: () => count, stop };
  };
  const revisionNow = async () => {
    const answer = await fetch(`${cluster.gateway}/v1/keys/now`, { method: 'PUT', body: '' });
    return Number(answer.headers.get('chorus-revision'));
  };

  test('watchers that move about and lose their nodes are told what a watcher from the start is told', async () => {
    const since = await revisionNow();
    const fronts = [cluster.gateway, ...(nginx === undefined ? [] : [`http://127.0.0.1:${nginx.port}`])];
    const followers = [urls(), [...urls()].reverse(), ...fronts.map((url) => [url])].map(
      (places) => new Follower(places, 'moving/', since),
    );
    const changes = startChanges('moving/');
    for (const { id, url } of cluster.nodes) {
      const before = changes.count();
      await until('changes', async () => changes.count() > before + 60);
      for (const follower of followers) follower.move();
      const pid = await cluster.pidOf(id);
      process.kill(pid, 'SIGKILL');
      await until(`${id} is another process`, async () => (await cluster.pidOf(id)) !== pid && isReadyAt(url));
    }
    const count = await changes.stop();
    const whole = await EventStream.open(urls()[0] ?? '', `/v1/watch?prefix=moving/&since=${since}`);
    await whole.take(count);
    for (const follower of followers) {
      await follower.has(count);
      await follower.stop();
      expect(follower.streams).toBeGreaterThan(1);
      expect(follower.events).toEqual(whole.events);
    }
    whole.close();
    expect(new Set(whole.events.map(({ id }) => id)).size).toBe(whole.events.length);
  }, 120_000);

  test('whoever lists through the gateway and watches since the first page has every key as it is', async () => {
    const changes = startChanges('listed/');
    await until('changes', async () => changes.count() > 100);
    const known = new Map<string, unknown>();
    let since = 0;
    for (let target = '/v1/keys?prefix=listed/&limit=3&values=true'; target !== ''; ) {
      const answer = await fetch(cluster.gateway + target);
      const page = (await answer.json()) as { keys: { key: string; value: string }[]; revision: number };
      if (since === 0) since = page.revision;
      for (const { key, value } of page.keys) known.set(key, value);
      target = /^<(.*)>/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
    }
    const follower = new Follower([cluster.gateway], 'listed/', since);
    await changes.stop();
    const end = await revisionNow();
    await expect.poll(() => Number(follower.events.at(-1)?.data.revision)).toBeGreaterThanOrEqual(end - 100);
    const expected = new Map<string, string>();
    const all = await fetch(`${cluster.gateway}/v1/keys?prefix=listed/&values=true&consistency=linearizable`);
    for (const { key, value } of ((await all.json()) as { keys: { key: string; value: string }[] }).keys)
      expected.set(key, value);
    await expect
      .poll(() => {
        const now = new Map(known);
        for (const { event, data } of follower.events) {
          if (event === 'delete') now.delete(String(data.key));
          else now.set(String(data.key), data.value);
        }
        return [...now].sort();
      })
      .toEqual([...expected].sort());
    await follower.stop();
  });

  test('a node that started anew goes on with what happened before it started', async () => {
    const since = await revisionNow();
    for (let n = 0; n < 5; n++) await fetch(`${cluster.gateway}/v1/keys/before/${n}`, { method: 'PUT', body: '' });
    const [{ id, url }] = cluster.nodes as [{ id: string; url: string }];
    const pid = await cluster.pidOf(id);
    process.kill(pid, 'SIGKILL');
    await until(`${id} is another process`, async () => (await cluster.pidOf(id)) !== pid && isReadyAt(url));
    const stream = await EventStream.open(url, `/v1/watch?prefix=before/&since=${since}`);
    expect((await stream.take(5)).map(({ data }) => data.key)).toEqual([0, 1, 2, 3, 4].map((n) => `before/${n}`));
    stream.close();
  });

  test('Ctrl-C ends the streams whole, at the gateway and at the nodes', async () => {
    const streams = await Promise.all([cluster.gateway, ...urls()].map((url) => EventStream.open(url, '/v1/watch')));
    await cluster.server.stop();
    for (const stream of streams) await stream.until('end', () => stream.ending !== undefined);
    expect(streams.map(({ ending }) => ending)).toEqual(streams.map(() => 'whole'));
    expect(streams.slice(1).map(({ events }) => events.at(-1)?.data.reason)).toEqual(urls().map(() => 'stopping'));
  });
});
