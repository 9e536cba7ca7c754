// The gateway before three fake nodes, fresh for each test.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { createLogger } from '../../../src/base/logger.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../../../src/cluster/gateway.ts';
import { type Behaviour, FakeNode, type Seen } from './upstreams.ts';

class GatewayScene {
  nodes: readonly FakeNode[] = [];
  readonly ready = new Set<string>();
  #gateway: Gateway | undefined;

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway is not started');
    return this.#gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${this.gateway.port}`;
  }

  async start(): Promise<void> {
    this.nodes = [new FakeNode(), new FakeNode(), new FakeNode()];
    for (const node of this.nodes) await node.start();
    await this.#startGateway({});
  }

  async restart(more: Partial<GatewayOptions>): Promise<void> {
    await this.gateway.close(0);
    await this.#startGateway(more);
  }

  async close(): Promise<void> {
    await this.gateway.close(0);
    for (const node of this.nodes) await node.stop();
  }

  readonly put = (key: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${this.url}/v1/keys/${key}`, { method: 'PUT', body: 'v', ...init });

  readonly get = (target: string, init: RequestInit = {}): Promise<Response> => fetch(this.url + target, init);

  readonly all = (behaviour: Behaviour): void => {
    for (const node of this.nodes) node.behaviour = behaviour;
  };

  /** The first node that gets a request does the first thing, the second the second, and so on; the last is for all later ones. */
  readonly inTurn = (...behaviours: Behaviour[]): void => {
    let at = 0;
    this.all((...request) => behaviours[Math.min(at++, behaviours.length - 1)]?.(...request));
  };

  /** How many requests each node got. */
  readonly counts = (): number[] => this.nodes.map((node) => node.seen.length);

  readonly seen = (): Seen[] => this.nodes.flatMap((node) => node.seen);

  /** Sends bytes as they are; resolves with the head and the body of the first answer. */
  readonly raw = async (bytes: string): Promise<[string, string]> => {
    const socket = connect(this.gateway.port, '127.0.0.1');
    socket.write(bytes);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const [head = '', body] = text.split('\r\n\r\n');
      if (body !== undefined && body.length >= lengthIn(head)) socket.end();
    });
    await once(socket, 'close');
    const [head = '', body = ''] = text.split('\r\n\r\n');
    return [head, body.slice(0, lengthIn(head))];
  };

  async #startGateway(more: Partial<GatewayOptions>): Promise<void> {
    this.ready.clear();
    this.#gateway = await startGateway({
      host: '127.0.0.1',
      port: 0,
      nodes: this.nodes.map((node, at) => ({ id: `node-${at + 1}`, origin: node.origin })),
      maxBodyBytes: 1024 * 1024,
      defaultConsistency: 'eventual',
      world: systemWorld,
      logger: createLogger('silent', {}),
      onReadiness: (id, isReady) => (isReady ? this.ready.add(id) : this.ready.delete(id)),
      ...more,
    });
    await vi.waitFor(() => expect(this.ready.size).toBe(3));
  }
}

/** A scene that is set before each test and taken down after it. */
export function setGatewayScene(): GatewayScene {
  const scene = new GatewayScene();
  beforeEach(() => scene.start());
  afterEach(() => scene.close());
  return scene;
}

function lengthIn(head: string): number {
  return Number(/content-length: (\d+)/i.exec(head)?.[1]);
}
