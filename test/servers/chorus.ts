// Chorus itself for tests: bare nodes or a whole `npm start`, as real processes on free ports with a directory of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ChildServer } from './child-server.ts';
import { CACHE_DIRECTORY, freePort, isFree, temporaryDirectory } from './places.ts';

type ChorusOptions = {
  /** Default 3. */
  readonly nodes?: number;
  /** For every node, such as `--log kafka`, `--kafka-brokers …`; default: the embedded log. */
  readonly flags?: readonly string[];
};

export type ChorusNodesOptions = ChorusOptions & {
  /** Besides, for the node of this number, from 0 on. */
  flagsOf?(node: number): readonly string[];
  /** Of every node, besides the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where they live; default: a new temporary directory. */
  readonly directory?: string;
};

/** One bare node, without anybody who would start it again. */
export type ChorusNodeServer = {
  readonly id: string;
  readonly port: number;
  /** `http://127.0.0.1:8001` */
  readonly url: string;
  readonly server: ChildServer;
};

export type ChorusNodes = {
  readonly nodes: readonly ChorusNodeServer[];
  readonly directory: string;
  /** A further process with the data directory and flags of these, ended by the caller. */
  another(flags: readonly string[]): EndingProcess;
  /** Ends all and removes the directory. */
  close(): Promise<void>;
};

/** `npm start`. */
export type ChorusCluster = {
  readonly gateway: string;
  readonly nodes: readonly { readonly id: string; readonly url: string }[];
  readonly directory: string;
  readonly server: ChildServer;
  /** The process id of a node that runs now. */
  pidOf(id: string): Promise<number>;
  /** Ends all and removes the directory. */
  close(): Promise<void>;
};

/** A process whose end is waited for. */
type EndingProcess = {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
};

const READY_TIMEOUT_MS = 60_000;
const SOURCES = resolve(import.meta.dirname, '../../src');

/** Starts nodes of one cluster, `node-1` and so on; resolves when all are ready. */
export async function startChorusNodes(options: ChorusNodesOptions = {}): Promise<ChorusNodes> {
  const { nodes: count = 3, flags = [], flagsOf = () => [], environment = {} } = options;
  const directory = options.directory ?? temporaryDirectory('nodes');
  const shared = ['--data-dir', join(directory, 'data'), ...flags];
  const first = await freePorts(count);
  const nodes = Array.from({ length: count }, (_, at) =>
    nodeServer(`node-${at + 1}`, first + at, directory, [...shared, ...flagsOf(at)], environment),
  );
  const close = async () => {
    await Promise.all(nodes.map(({ server }) => server.kill()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map(({ server }) => server.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { nodes, directory, another: (own) => runChorus('main.ts', [...shared, ...own], directory), close };
}

/** Starts `npm start` with these nodes; resolves when all nodes and the gateway answer. */
export async function startChorusCluster({ nodes: count = 3, flags = [] }: ChorusOptions = {}): Promise<ChorusCluster> {
  const directory = temporaryDirectory('cluster');
  const port = await freePorts(count);
  const gatewayPort = await freePort();
  const nodes = Array.from({ length: count }, (_, at) => ({ id: `node-${at + 1}`, url: urlOf(port + at) }));
  const gateway = urlOf(gatewayPort);
  const own = ['--nodes', String(count), '--port', String(port), '--gateway-port', String(gatewayPort)];
  const server = new ChildServer({
    name: 'npm start',
    command: process.execPath,
    args: [join(SOURCES, 'cluster/start.ts'), ...own, '--data-dir', join(directory, 'data'), ...flags],
    directory,
    isReady: async () => (await Promise.all([gateway, ...nodes.map(({ url }) => url)].map(isReadyAt))).every(Boolean),
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  const close = async () => {
    await server.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { gateway, nodes, directory, server, pidOf: (id) => pidOf(gateway, id), close };
}

/** Runs a file of src, such as `main.ts`, with flags, to be waited for. It is killed when this process ends. */
export function runChorus(script: string, flags: readonly string[], directory: string): EndingProcess {
  const words = ['--pdeathsig', 'KILL', '--', process.execPath, join(SOURCES, script), ...flags];
  const child = spawn('setpriv', words, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((settle, reject) => {
    child.once('error', reject);
    child.once('close', (code) => settle({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** The first of `count` free ports next to each other. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const others = Array.from({ length: count - 1 }, (_, at) => isFree(first + 1 + at));
    if ((await Promise.all(others)).every(Boolean)) return first;
  }
}

/** Asks until `isSo` says yes; rejects with `what` after the deadline. */
export async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = READY_TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(25);
  }
}

export async function isReadyAt(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
  await answer.arrayBuffer();
  return answer.status === 200;
}

function nodeServer(
  id: string,
  port: number,
  directory: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChorusNodeServer {
  const url = urlOf(port);
  const server = new ChildServer({
    name: id,
    command: process.execPath,
    args: [join(SOURCES, 'main.ts'), '--node-id', id, '--port', String(port), ...flags],
    // As the supervisor does.
    environment: { NODE_COMPILE_CACHE: join(CACHE_DIRECTORY, 'compiled'), ...environment },
    directory,
    isReady: () => isReadyAt(url),
    readyTimeoutMs: READY_TIMEOUT_MS,
  });
  return { id, port, url, server };
}

async function pidOf(url: string, id: string): Promise<number> {
  const answer = await fetch(`${url}/v1/cluster`);
  const { members } = (await answer.json()) as { members: { node: string; pid: number }[] };
  const member = members.find(({ node }) => node === id);
  if (member === undefined) throw new Error(`${id} is no member`);
  return member.pid;
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
