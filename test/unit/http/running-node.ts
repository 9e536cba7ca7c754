// A real node on a memory log behind a real HTTP server on a free port, for the tests of the HTTP layer.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import type { HttpServer, HttpServerOptions } from '../../../src/http/server.ts';
import { startHttpServer } from '../../../src/http/server.ts';
import { createMemoryLogStore, type MemoryLogFaults } from '../../../src/log/memory-log.ts';
import { type ChorusNode, createNode } from '../../../src/node/node.ts';
import type { NodeApi } from '../../../src/node/requests.ts';

export const SILENT = pino({ level: 'silent' });

export type RunningNode = {
  readonly node: ChorusNode;
  readonly server: HttpServer;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  stop(): Promise<void>;
};

export type RunningNodeOptions = {
  /** Wraps what http/ sees of the node: to force refusals and time-outs. */
  readonly see?: (node: NodeApi) => NodeApi;
  readonly http?: Partial<HttpServerOptions>;
  readonly faults?: Partial<MemoryLogFaults>;
};

/** Resolves when the node is ready. */
export async function startRunningNode({
  see = (node) => node,
  http,
  faults,
}: RunningNodeOptions = {}): Promise<RunningNode> {
  const store = createMemoryLogStore({ clock: systemWorld.clock, ...(faults === undefined ? {} : { faults }) });
  const node = createNode({
    nodeId: 'node-1',
    address: '127.0.0.1:0',
    pid: process.pid,
    version: '0.0.0-test',
    log: store.open(),
    world: systemWorld,
    logger: SILENT,
    limits: { ...STATE_LIMITS, featureLevel: 1 },
    identity: { load: async () => undefined, save: async () => {} },
    onFatal(error) {
      throw error;
    },
  });
  await node.start();
  while (node.status().phase !== 'ready') await nextTurn();
  const server = await startHttpServer({
    node: see(node),
    host: '127.0.0.1',
    port: 0,
    auth: 'none',
    logger: SILENT,
    ...http,
  });
  return {
    node,
    server,
    url: `http://127.0.0.1:${server.port}`,
    async stop() {
      await server.close(100);
      await node.stop();
    },
  };
}

/** The node as it is, but for the functions given. */
export function overriding(node: NodeApi, overrides: Partial<NodeApi>): NodeApi {
  return {
    nodeId: node.nodeId,
    revision: () => node.revision(),
    lagMs: () => node.lagMs(),
    estimatedLogTime: () => node.estimatedLogTime(),
    refusal: (kind) => node.refusal(kind),
    get: (key) => node.get(key),
    read: (request) => node.read(request),
    submit: (request) => node.submit(request),
    status: () => node.status(),
    cluster: () => node.cluster(),
    checkDigests: (timeoutMs) => node.checkDigests(timeoutMs),
    metrics: () => node.metrics(),
    ...overrides,
  };
}

/** Sends bytes on a bare connection, then ends its writing half, and resolves with all that came back. */
export async function exchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.end(bytes);
  if (!socket.destroyed) await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}
