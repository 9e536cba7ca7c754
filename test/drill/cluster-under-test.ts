// The cluster that the drill torments: three nodes and a balancer in front, started as a user would, in a directory of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startChorusNginx } from '../servers/chorus-nginx.ts';
import { freePort, temporaryDirectory } from '../servers/places.ts';
import { allReady } from './members.ts';
import { type Target, targetOf } from './requests.ts';

export type ClusterUnderTest = {
  /** The gateway, or Nginx. */
  readonly gateway: Target;
  readonly nodes: readonly Target[];
  /** `npm start`: whoever is dead or silent is started again. */
  readonly isSupervised: boolean;
  /** Ends it in order; keeps its data and output, and says where, when `isKept`. */
  stop(end: { readonly isKept: boolean }): Promise<void>;
};

const NODES = 3;
/** So that the duty node cuts some by itself too. */
const SNAPSHOT_FLAGS = ['--snapshot-every-records', '5000'];
const MAX_CONNECTIONS = 256;
const OUTPUT_SHOWN = 4000;
const START_TIMEOUT_MS = 90_000;
const sources = resolve(import.meta.dirname, '../../src');

/** `npm start` with the log flags given: nodes, gateway and supervisor. */
export async function startSupervised(logFlags: readonly string[]): Promise<ClusterUnderTest> {
  const directory = temporaryDirectory('drill');
  const port = await consecutiveFreePorts(NODES);
  const gatewayPort = await freePort();
  const flags = ['--nodes', String(NODES), '--port', String(port), '--gateway-port', String(gatewayPort)];
  const child = startNode(directory, 'cluster', ['cluster/start.ts', ...flags, ...logFlags]);
  const cluster = {
    gateway: targetOf(gatewayPort, MAX_CONNECTIONS),
    nodes: Array.from({ length: NODES }, (_, n) => targetOf(port + n, MAX_CONNECTIONS)),
    isSupervised: true,
    stop: ({ isKept }: { readonly isKept: boolean }) => stopAll([child], directory, isKept),
  };
  return ready(cluster, [child], directory);
}

/** Bare nodes behind the real Nginx, without anybody who would kill a silent node. */
export async function startBehindNginx(logFlags: readonly string[]): Promise<ClusterUnderTest> {
  const directory = temporaryDirectory('drill');
  const port = await consecutiveFreePorts(NODES);
  const ports = Array.from({ length: NODES }, (_, n) => port + n);
  const children = ports.map((own, n) => {
    const id = `node-${n + 1}`;
    return startNode(directory, id, ['main.ts', '--node-id', id, '--port', String(own), ...logFlags]);
  });
  const nginx = await startChorusNginx({ nodePorts: ports });
  const cluster = {
    gateway: targetOf(nginx.port, MAX_CONNECTIONS),
    nodes: ports.map((own) => targetOf(own, MAX_CONNECTIONS)),
    isSupervised: false,
    stop: async ({ isKept }: { readonly isKept: boolean }) => {
      await nginx.close();
      await stopAll(children, directory, isKept);
    },
  };
  return ready(cluster, children, directory);
}

async function ready(cluster: ClusterUnderTest, children: readonly ChildProcess[], directory: string) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await allReady([...cluster.nodes, cluster.gateway]))) {
    const isEnded = children.some((child) => child.exitCode !== null);
    if (isEnded || performance.now() > deadline) {
      const output = outputOf(directory);
      await cluster.stop({ isKept: false });
      throw new Error(`the cluster ${isEnded ? 'ended' : 'was not ready in time'}:\n${output}`);
    }
    await delay(50);
  }
  return cluster;
}

function startNode(directory: string, name: string, args: readonly string[]): ChildProcess {
  const [script = '', ...flags] = args;
  const output = openSync(join(directory, `${name}.out`), 'a');
  const words = [resolve(sources, script), ...flags, ...SNAPSHOT_FLAGS, '--data-dir', join(directory, 'data')];
  const child = spawn(process.execPath, words, { cwd: directory, stdio: ['ignore', output, output] });
  closeSync(output);
  return child;
}

async function stopAll(children: readonly ChildProcess[], directory: string, isKept: boolean): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await exited;
      clearTimeout(patience);
    }),
  );
  if (isKept) console.error(`data and output are kept in ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}

/** The ends of what the supervisor and the nodes wrote. */
function outputOf(directory: string): string {
  const ids = Array.from({ length: NODES }, (_, n) => `node-${n + 1}`);
  const names = ['cluster.out', ...ids.flatMap((id) => [`${id}.out`, join('data', id, 'node.log')])];
  return names
    .map((name) => join(directory, name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8').slice(-OUTPUT_SHOWN))
    .join('\n');
}

/** The first of `count` ports in a row that are free now. */
async function consecutiveFreePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const free = await Promise.all(Array.from({ length: count }, (_, n) => canListen(first + n)));
    if (free.every(Boolean)) return first;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(false));
    server.listen(port, '127.0.0.1', () => server.close(() => settle(true)));
  });
}
