// The real Nginx in front of three real nodes over the embedded log: one is killed under load, and a node says what it does not take.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Load } from '../compose/load.ts';
import { available } from '../servers/available.ts';
import { type ChorusNodes, startChorusNodes } from '../servers/chorus.ts';
import { type ChorusNginx, startChorusNginx } from '../servers/chorus-nginx.ts';
import { send } from '../suites/nginx-front.ts';

const KIB = 1024;

describe.skipIf(!available('nginx'))('Nginx in front of real nodes', () => {
  let chorus: ChorusNodes;
  let nginx: ChorusNginx;

  beforeAll(async () => {
    chorus = await startChorusNodes();
    nginx = await startChorusNginx({ nodePorts: chorus.nodes.map(({ port }) => port) });
  });
  afterAll(async () => {
    await nginx?.close();
    await chorus?.close();
  });

  test('no request fails while one node after the other is killed and started again', async () => {
    const load = new Load(nginx.port);
    load.start();
    await load.answers(50);
    for (const { server, port } of chorus.nodes) {
      await server.kill();
      await load.answers(200);
      await server.start();
      const served = servedBy(nginx, port);
      await expect.poll(() => servedBy(nginx, port), { timeout: 60_000 }).toBeGreaterThan(served);
    }
    await load.stop();
    expect(load.window().failed).toEqual(new Map());
    expect(await load.differences()).toEqual([]);
    // Some requests were tried at a node that was gone, or it was not killed under load.
    const retried = nginx.accessLog().filter(({ upstreams }) => String(upstreams).includes(', '));
    expect(retried.length).toBeGreaterThan(0);
  });

  test.each([
    [413, 'value-too-large', 'PUT', '/v1/keys/a', { body: Buffer.alloc(1024 * KIB + 1) }],
    [431, 'headers-too-large', 'GET', '/v1/keys/a', { headers: { 'X-Long': 'a'.repeat(20 * KIB) } }],
    [414, 'key-too-long', 'GET', `/v1/keys/${'a'.repeat(1025)}`, {}],
  ])('a node itself answers %i (%s)', async (status, code, method, target, more) => {
    const answer = await send(nginx.port, method, target, more);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json.node).toMatch(/^node-[123]$/);
  });

  test('a value as large as a node takes goes both ways, and slashes in its key stay what they are', async () => {
    const value = Buffer.alloc(1024 * KIB, 'x').toString();
    const put = await send(nginx.port, 'PUT', '/v1/keys/large//a%2Fb/', { body: value });
    expect(put.status).toBe(201);
    const token = { 'Chorus-Min-Revision': String(put.headers['chorus-revision']) };
    for (let i = 0; i < 3; i++) {
      const read = await send(nginx.port, 'GET', '/v1/keys/large//a/b/', { headers: token });
      expect([read.status, read.body.length, read.body === value]).toEqual([200, value.length, true]);
    }
    expect((await send(nginx.port, 'GET', '/v1/keys/large/a/b/', { headers: token })).status).toBe(404);
  });
});

/** How many requests the node at `port` has answered for good. */
function servedBy(nginx: ChorusNginx, port: number): number {
  return nginx.accessLog().filter(({ upstreams, status }) => status === 200 && String(upstreams).endsWith(`:${port}`))
    .length;
}
