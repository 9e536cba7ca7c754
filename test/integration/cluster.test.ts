// `npm start` and bare nodes as real processes on the embedded log.

import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Cluster } from '../../src/client/client.ts';
import {
  type ChorusCluster,
  type ChorusNodes,
  freePorts,
  isReadyAt,
  runChorus,
  startChorusCluster,
  startChorusNodes,
  until,
} from '../servers/chorus.ts';
import { freePort, temporaryDirectory } from '../servers/places.ts';
import { clusterSuite } from '../suites/cluster.ts';

describe('npm start on the embedded log', () => {
  clusterSuite(() => []);
});

describe('bare nodes', () => {
  let running: ChorusNodes | undefined;
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  test('a node killed and started again within a second, ten times, becomes ready each time', async () => {
    running = await startChorusNodes({ nodes: 2 });
    const [, second] = running.nodes;
    if (second === undefined) return;
    for (let n = 0; n < 10; n++) {
      await second.server.kill();
      await second.server.start();
      expect(await isReadyAt(second.url)).toBe(true);
    }
  });

  test('a dead member stays in the list, not ready, with when it was last seen; its duty goes to another', async () => {
    running = await startChorusNodes({ nodes: 2 });
    const [first, second] = running.nodes;
    const member = async (id: string) => {
      const { members } = (await (await fetch(`${second?.url}/v1/cluster`)).json()) as Cluster;
      return members.find(({ node }) => node === id);
    };
    const isReadyOnDuty = { ready: true, duty: true };
    await expect.poll(() => member('node-1')).toMatchObject(isReadyOnDuty);
    await first?.server.kill();
    await expect.poll(() => member('node-1'), { timeout: 60_000 }).toMatchObject({ ready: false, duty: false });
    await expect.poll(() => member('node-2')).toMatchObject(isReadyOnDuty);
    const [dead, live] = [await member('node-1'), await member('node-2')];
    expect(Date.parse(dead?.lastSeen ?? '')).toBeLessThan(Date.parse(live?.lastSeen ?? ''));
    await first?.server.start();
    await expect.poll(() => member('node-1'), { timeout: 60_000 }).toMatchObject(isReadyOnDuty);
  });

  test('a second process with a live node id ends with exit code 64, and the first goes on', async () => {
    running = await startChorusNodes({ nodes: 1 });
    const [first] = running.nodes;
    const { ended } = running.another(['--node-id', 'node-1', '--port', String(await freePort())]);
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([64, expect.stringContaining('node-1')]);
    expect(await isReadyAt(first?.url ?? '')).toBe(true);
  });

  test('a node told to stop is unready at once, finishes and ends with exit code 0', async () => {
    running = await startChorusNodes({ nodes: 1 });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const { child, ended } = running.another(['--node-id', 'node-2', '--port', String(port), '--drain-delay', '1s']);
    await until('node-2 is ready', () => isReadyAt(url));
    child.kill('SIGTERM');
    await until(
      'node-2 is unready while it still answers',
      async () => (await fetch(`${url}/readyz`)).status === 503,
      1000,
    );
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toContain('"msg":"stopped"');
  });
});

test.each([
  ['main.ts', ['--prot', '1'], '--port'],
  ['main.ts', ['--log', 'kafka'], 'log.kafka.brokers'],
  ['cluster/start.ts', ['--node', '3'], '--nodes'],
])('%s with %j ends with exit code 64 and a sentence', async (script, flags, named) => {
  const directory = temporaryDirectory('flags');
  const { code, stderr } = await runChorus(script, flags, directory).ended;
  rmSync(directory, { recursive: true });
  expect(code).toBe(64);
  expect(stderr).toMatch(/^chorus: [^\n]*\n$/);
  expect(stderr).toContain(named);
});

test.each([
  ['main.ts', (port: number) => ['--port', String(port)]],
  ['cluster/start.ts', (port: number) => ['--port', String(port)]],
  ['cluster/start.ts', (port: number) => ['--gateway-port', String(port)]],
])('%s on a port in use ends with exit code 64 and names the port', async (script, flagsOf) => {
  const directory = temporaryDirectory('ports');
  const taken = createServer().listen(await freePort(), '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const others = script === 'main.ts' || flagsOf(1).includes('--port') ? [] : ['--port', String(await freePorts(3))];
  const { code, stderr } = await runChorus(script, [...flagsOf(port), ...others], directory).ended;
  taken.close();
  rmSync(directory, { recursive: true });
  expect([code, stderr]).toEqual([64, expect.stringContaining(`127.0.0.1:${port}`)]);
});

test('Ctrl-C ends the gateway, then the nodes in order, with exit code 0', async () => {
  const directory = temporaryDirectory('ctrl-c');
  const port = await freePorts(3);
  const gatewayPort = await freePort();
  const flags = ['--port', String(port), '--gateway-port', String(gatewayPort), '--data-dir', directory];
  const { child, ended } = runChorus('cluster/start.ts', flags, directory);
  for (const each of [gatewayPort, port, port + 1, port + 2]) {
    await until(`${each} answers`, () => isReadyAt(`http://127.0.0.1:${each}`));
  }
  // npm passes on the signal that the terminal has sent already.
  child.kill('SIGINT');
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  expect([code, stdout.trimEnd().split('\n').slice(-2)]).toEqual([0, ['Stopping …', 'Stopped.']]);
  for (const id of ['node-1', 'node-2', 'node-3']) {
    expect(readFileSync(join(directory, id, 'node.log'), 'utf8')).toContain('"msg":"stopped"');
  }
  rmSync(directory, { recursive: true });
});

test('nodes end by themselves when their supervisor is killed, and the next start finds the ports free', async () => {
  const cluster = await startChorusCluster({ nodes: 2 });
  try {
    await fetch(`${cluster.gateway}/v1/keys/a`, { method: 'PUT', body: 'kept' });
    process.kill(cluster.server.pid ?? 0, 'SIGKILL');
    await until('the supervisor is dead', async () => !cluster.server.isRunning);
    await cluster.server.start();
    expect(await (await fetch(`${cluster.gateway}/v1/keys/a`)).text()).toBe('kept');
  } finally {
    await cluster.close();
  }
});

describe('a cluster of npm start', () => {
  let cluster: ChorusCluster | undefined;
  afterEach(async () => {
    await cluster?.close();
    cluster = undefined;
  });

  test('a node that finds itself in another cluster is not started again, and the others go on', async () => {
    cluster = await startChorusCluster();
    const { gateway, server, directory } = cluster;
    writeFileSync(join(directory, 'data', 'node-2', 'cluster'), 'another\n');
    process.kill(await cluster.pidOf('node-2'), 'SIGKILL');
    await until('node-2 is given up', async () => server.output.includes('node-2 ended with exit code 74'));
    expect(server.output).toContain('it is not started again');
    expect((await fetch(`${gateway}/v1/keys/a`, { method: 'PUT', body: 'x' })).status).toBe(201);
    await server.kill();
    await server.launch();
    await until('the others are ready', async () => (await fetch(`${gateway}/v1/keys/a`)).status === 200);
    await until('the start is said', async () => server.output.includes('Ctrl-C stops all'));
  });

  test('two nodes that stand still are both killed and started again', async () => {
    cluster = await startChorusCluster();
    const { gateway, nodes, server } = cluster;
    const areAllReady = async () => (await Promise.all(nodes.map(({ url }) => isReadyAt(url)))).every(Boolean);
    // The supervisor too must have seen them ready: one that never answered is given its start time-out.
    await until('the start is said', async () => server.output.includes('Ctrl-C stops all'));
    await until('all have started', areAllReady);
    const pids = [await cluster.pidOf('node-1'), await cluster.pidOf('node-3')];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await until('all are ready', async () => {
      const isRestarted = ['node-1', 'node-3'].every((id) => server.output.includes(`${id} is ready again`));
      return isRestarted && (await areAllReady());
    });
    expect((await fetch(`${gateway}/v1/keys/a`, { method: 'PUT', body: 'x' })).status).toBe(201);
  });

  test('a supervisor that stood still itself kills nobody', async () => {
    cluster = await startChorusCluster({ nodes: 2 });
    const pids = [await cluster.pidOf('node-1'), await cluster.pidOf('node-2')];
    const supervisor = cluster.server.pid ?? 0;
    process.kill(supervisor, 'SIGSTOP');
    // Longer than three probes take.
    await delay(4000);
    process.kill(supervisor, 'SIGCONT');
    await delay(2500);
    expect([await cluster.pidOf('node-1'), await cluster.pidOf('node-2')]).toEqual(pids);
    expect(cluster.server.output).not.toContain('was silent');
  });
});
