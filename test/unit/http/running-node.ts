// A real node on a memory log behind a real HTTP server on a free port, for the tests of the HTTP layer.
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect } from 'vitest';
import { STATE_LIMITS } from '../../../src/base/limits.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import type { CacheDeclaration } from '../../../src/cache/server/declaration.ts';
import { closeCaches, serveCaches } from '../../../src/cache/server/served-caches.ts';
import type { HttpServer, HttpServerOptions } from '../../../src/http/server.ts';
import { startHttpServer } from '../../../src/http/server.ts';
import { receiveBackup } from '../../../src/log/backup-file.ts';
import { createMemoryLogStore, type MemoryLogFaults } from '../../../src/log/memory-log.ts';
import { createMemorySnapshots } from '../../../src/log/memory-snapshots.ts';
import type { HistoryBounds } from '../../../src/node/history.ts';
import { type ChorusNode, createNode } from '../../../src/node/node.ts';
import type { NodeApi } from '../../../src/node/node-api.ts';

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
  readonly caches?: Readonly<Record<string, CacheDeclaration>>;
  readonly faults?: Partial<MemoryLogFaults>;
  readonly history?: Partial<HistoryBounds>;
};

/** Resolves when the node is ready. */
export async function startRunningNode({
  see = (node) => node,
  http,
  caches = {},
  faults,
  history = {},
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
    receiveBackup: (bytes) => receiveBackup(tmpdir(), bytes),
    identity: { load: async () => undefined, save: async () => {} },
    history,
    snapshots: { store: createMemorySnapshots().open(), everyBytes: Infinity, everyRecords: Infinity },
    onFatal(error) {
      throw error;
    },
  });
  const served = serveCaches(caches, node.caches, systemWorld);
  await node.start();
  while (node.status().phase !== 'ready') await nextTurn();
  const server = await startHttpServer({
    caches: served,
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
      await closeCaches(served);
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
    list: (request) => node.list(request),
    watch: (request) => node.watch(request),
    submit: (request) => node.submit(request),
    status: () => node.status(),
    tokens: () => node.tokens(),
    cluster: () => node.cluster(),
    checkDigests: (timeoutMs) => node.checkDigests(timeoutMs),
    snapshots: node.snapshots,
    backups: node.backups,
    caches: node.caches,
    metrics: () => node.metrics(),
    ...overrides,
  };
}

export type Sent = {
  readonly headers?: Readonly<Record<string, string>>;
  /** A string of UTF-8 or bytes; its Content-Length is said. */
  readonly body?: string | Uint8Array;
};

export type Received = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
};

/** One request with the target exactly as given (fetch would tidy it up). */
export async function send(
  url: string,
  method: string,
  target: string,
  { headers = {}, body }: Sent = {},
): Promise<Received> {
  const { hostname, port } = new URL(url);
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const length = bytes === undefined ? {} : { 'content-length': bytes.length };
  const outgoing = httpRequest({ hostname, port, method, path: target, headers: { ...length, ...headers } });
  outgoing.end(bytes);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const received = await buffer(incoming);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    bytes: received,
    text: received.toString('utf8'),
  };
}

/** The problem document of an answer. */
export function problemIn(received: Received): Readonly<Record<string, unknown>> {
  expect(received.headers['content-type']).toBe('application/problem+json');
  return JSON.parse(received.text) as Readonly<Record<string, unknown>>;
}
