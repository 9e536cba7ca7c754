// What a cluster of real processes must do on any log: consistency over nodes, and no acknowledged write lost whatever is killed.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChorusCluster, isReadyAt, startChorusCluster, until } from '../servers/chorus.ts';
import { differences, digestsAgree, moreWrites, startLoad } from './cluster-load.ts';

export function clusterSuite(flags: () => readonly string[]): void {
  let cluster: ChorusCluster;

  beforeAll(async () => {
    cluster = await startChorusCluster({ flags: flags() });
  });
  afterAll(() => cluster?.close());

  const urlOf = (at: number) => cluster.nodes[at]?.url ?? '';
  const allReady = () =>
    until('all nodes are ready', async () =>
      (await Promise.all(cluster.nodes.map(({ url }) => isReadyAt(url)))).every(Boolean),
    );

  test('what is written on one node is read on another with the token, and deleted on the third', async () => {
    const written = await fetch(`${urlOf(0)}/v1/keys/a`, { method: 'PUT', body: 'one' });
    expect(written.status).toBe(201);
    const token = written.headers.get('chorus-revision') ?? '';
    const read = await fetch(`${urlOf(1)}/v1/keys/a`, { headers: { 'Chorus-Min-Revision': token } });
    expect([read.status, await read.text(), read.headers.get('etag')]).toEqual([
      200,
      'one',
      written.headers.get('etag'),
    ]);
    expect((await fetch(`${urlOf(2)}/v1/keys/a?timeout=5s`, { method: 'DELETE' })).status).toBe(204);
    const gone = await fetch(`${urlOf(0)}/v1/keys/a?consistency=linearizable`);
    expect(gone.status).toBe(404);
  });

  test('what is written through the gateway is read through it, on whichever node', async () => {
    for (let n = 0; n < 60; n++) {
      await fetch(`${cluster.gateway}/v1/keys/own`, { method: 'PUT', body: String(n) });
      const read = await fetch(`${cluster.gateway}/v1/keys/own`);
      expect(await read.text()).toBe(String(n));
    }
    const body = JSON.stringify({ items: [{ op: 'get', key: 'own' }] });
    for (let n = 60; n < 90; n++) {
      await fetch(`${cluster.gateway}/v1/keys/own`, { method: 'PUT', body: String(n) });
      const headers = { 'Content-Type': 'application/json' };
      const batch = await fetch(`${cluster.gateway}/v1/batch`, { method: 'POST', body, headers });
      expect(await batch.json()).toMatchObject({ results: [{ value: String(n) }] });
    }
    await fetch(`${cluster.gateway}/v1/keys/own`, { method: 'DELETE' });
    expect((await fetch(`${cluster.gateway}/v1/keys/own`)).status).toBe(404);
  });

  test('any node killed with -9 under load costs no client anything, and comes back equal', async () => {
    const load = startLoad(cluster.gateway, 'killed');
    for (const { id, url } of cluster.nodes) {
      await moreWrites(load, 50);
      const pid = await cluster.pidOf(id);
      process.kill(pid, 'SIGKILL');
      await until(`${id} is another process`, async () => (await cluster.pidOf(id)) !== pid && isReadyAt(url));
    }
    await moreWrites(load, 50);
    await load.stop();
    await allReady();
    expect(load.failures).toEqual([]);
    expect(load.stale).toEqual([]);
    expect(await differences(cluster, load, 'killed')).toEqual([]);
    expect(await digestsAgree(cluster.gateway)).toBe(true);
  });

  test('a node that stands still under load is passed over, killed and started again', async () => {
    const load = startLoad(cluster.gateway, 'stopped');
    await moreWrites(load, 50);
    const pid = await cluster.pidOf('node-2');
    process.kill(pid, 'SIGSTOP');
    await until(
      'node-2 is another process',
      async () => (await cluster.pidOf('node-2')) !== pid && isReadyAt(urlOf(1)),
    );
    await moreWrites(load, 50);
    await load.stop();
    expect(cluster.server.output).toContain('node-2 was silent for 3 probes');
    expect(load.stale).toEqual([]);
    expect(load.failures).toEqual([]);
    expect(await differences(cluster, load, 'stopped')).toEqual([]);
  });

  test('all killed with -9 at once under load and started again: nothing acknowledged is lost, all digests are equal', async () => {
    const load = startLoad(cluster.gateway, 'all', { endsAtFailure: true });
    await moreWrites(load, 200);
    await cluster.server.kill();
    await load.stop();
    await cluster.server.start();
    // What was under way when all died may have been applied or not: those keys prove nothing here.
    expect(load.failures.length).toBeGreaterThan(0);
    for (const key of load.acknowledged.keys()) {
      if (load.failures.some((failure) => failure.includes(`/v1/keys/${key}:`))) load.acknowledged.delete(key);
    }
    const unknown = load.failures.filter((failure) => failure.includes('op=increment')).length;
    const counter = Number(await (await fetch(`${cluster.gateway}/v1/keys/all/counter`)).text());
    expect(counter).toBeGreaterThanOrEqual(load.increments);
    expect(counter).toBeLessThanOrEqual(load.increments + unknown);
    load.increments = counter;
    expect(await differences(cluster, load, 'all')).toEqual([]);
    expect(load.acknowledged.size).toBeGreaterThan(50);
    expect(await digestsAgree(cluster.gateway)).toBe(true);
  });

  test('stopped in order and started again, it has all its data', async () => {
    await fetch(`${cluster.gateway}/v1/keys/kept`, {
      method: 'PUT',
      body: 'value',
      headers: { 'Content-Type': 'text/x' },
    });
    await cluster.server.stop();
    expect(cluster.server.output).toContain('Stopped.');
    await cluster.server.start();
    for (const { url } of cluster.nodes) {
      const kept = await fetch(`${url}/v1/keys/kept`);
      expect([await kept.text(), kept.headers.get('content-type')]).toEqual(['value', 'text/x']);
    }
  });
}
