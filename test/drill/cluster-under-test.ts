// The cluster that the drill torments: three nodes and a balancer in front, started as a user would, in a directory of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChorusNodeServer, type ChorusNodesOptions, freePorts, startChorusNodes } from '../servers/chorus.ts';
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

/** Nodes that nobody starts again but the drill itself. */
export type BareCluster = ClusterUnderTest & { readonly servers: readonly ChorusNodeServer[] };

const NODES = 3;
/** So that the duty node cuts some by itself too. */
const SNAPSHOT_EVERY_RECORDS = 5000;
const MAX_CONNECTIONS = 256;
const OUTPUT_SHOWN = 4000;
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 30_000;
const START = resolve(import.meta.dirname, '../../src/cluster/start.ts');
const OUTPUT = 'cluster.out';

/** `npm start` with the log flags given: nodes, gateway and supervisor. */
export async function startSupervised(logFlags: readonly string[]): Promise<ClusterUnderTest> {
  const directory = temporaryDirectory('drill');
  const port = await freePorts(NODES);
  const gatewayPort = await freePort();
  const flags = ['--nodes', String(NODES), '--port', String(port), '--gateway-port', String(gatewayPort)];
  const child = startCluster(directory, [...flags, ...logFlags]);
  const cluster = {
    gateway: targetOf(gatewayPort, MAX_CONNECTIONS),
    nodes: Array.from({ length: NODES }, (_, n) => targetOf(port + n, MAX_CONNECTIONS)),
    isSupervised: true,
    stop: ({ isKept }: { readonly isKept: boolean }) => stopChild(child, directory, isKept),
  };
  return ready(cluster, child, directory);
}

type NodesBehindNginx = Pick<ChorusNodesOptions, 'flags' | 'flagsOf' | 'environment' | 'directory'> & {
  /** When the duty node cuts a snapshot by itself. */
  readonly snapshotEveryRecords?: number;
  /** Called before the directory is removed. */
  readonly beforeRemoval?: () => void;
};

/** Bare nodes behind the real Nginx, without anybody who would kill a silent node. */
export async function startBehindNginx(options: NodesBehindNginx): Promise<BareCluster> {
  const { flags = [], snapshotEveryRecords = SNAPSHOT_EVERY_RECORDS, beforeRemoval = () => {}, ...rest } = options;
  const own = snapshotFlags(snapshotEveryRecords);
  const { nodes, directory, close } = await startChorusNodes({ ...rest, flags: [...own, ...flags] });
  const nginx = await startChorusNginx({ nodePorts: nodes.map(({ port }) => port) });
  return {
    gateway: targetOf(nginx.port, MAX_CONNECTIONS),
    nodes: nodes.map(({ port }) => targetOf(port, MAX_CONNECTIONS)),
    servers: nodes,
    isSupervised: false,
    stop: async ({ isKept }) => {
      await nginx.close();
      for (const { server } of nodes) server.resume();
      await Promise.all(nodes.map(({ server }) => server.stop(STOP_TIMEOUT_MS)));
      for (const { id, server } of nodes) writeFileSync(join(directory, `${id}.out`), server.output);
      if (isKept) {
        console.error(`data and output are kept in ${directory}`);
        return;
      }
      beforeRemoval();
      await close();
    },
  };
}

async function ready(cluster: ClusterUnderTest, child: ChildProcess, directory: string) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await allReady([...cluster.nodes, cluster.gateway]))) {
    const isEnded = child.exitCode !== null;
    if (isEnded || performance.now() > deadline) {
      const output = outputOf(directory);
      await cluster.stop({ isKept: false });
      throw new Error(`the cluster ${isEnded ? 'ended' : 'was not ready in time'}:\n${output}`);
    }
    await delay(50);
  }
  return cluster;
}

function startCluster(directory: string, flags: readonly string[]): ChildProcess {
  const output = openSync(join(directory, OUTPUT), 'a');
  const words = [START, ...flags, ...snapshotFlags(SNAPSHOT_EVERY_RECORDS), '--data-dir', join(directory, 'data')];
  const child = spawn(process.execPath, words, { cwd: directory, stdio: ['ignore', output, output] });
  closeSync(output);
  return child;
}

function snapshotFlags(everyRecords: number): readonly string[] {
  return ['--snapshot-every-records', String(everyRecords)];
}

async function stopChild(child: ChildProcess, directory: string, isKept: boolean): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(patience);
  }
  if (isKept) console.error(`data and output are kept in ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}

/** The ends of what the supervisor and its nodes wrote. */
function outputOf(directory: string): string {
  const ids = Array.from({ length: NODES }, (_, n) => `node-${n + 1}`);
  const names = [OUTPUT, ...ids.map((id) => join('data', id, 'node.log'))];
  return names
    .map((name) => join(directory, name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8').slice(-OUTPUT_SHOWN))
    .join('\n');
}
