// A store that behaves as a cluster towards the drill, with one planted fault at most: for testing that the drill finds it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClusterUnderTest } from './cluster-under-test.ts';
import { targetOf } from './requests.ts';

export const PLANTED = [
  'a lost write',
  'a write applied twice',
  'a changed value',
  'an increment applied twice',
  'a lost increment',
  'stale session reads',
  'a lag said too small',
  'other digests',
  'a key too many',
] as const;
export type Planted = (typeof PLANTED)[number];

type Entry = { readonly value: string; readonly revision: number };
type Reply = { readonly status: number; readonly body: string; readonly revision?: number };

const NODES = 3;
const STRUCK_KEY = 'city/AD/5';
const STRUCK_REVISIONS_BACK = 1000;

export async function startFakeCluster(planted: Planted | undefined): Promise<ClusterUnderTest> {
  const store = new FakeStore(planted);
  const servers = Array.from({ length: NODES + 1 }, (_, n) => {
    return createServer((request, response) => void store.answer(`node-${Math.max(1, n)}`, request, response));
  });
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const [gateway = targetOf(0, 1), ...nodes] = servers.map((server) =>
    targetOf((server.address() as AddressInfo).port, 64),
  );
  const stop = async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
  return { gateway, nodes, isSupervised: true, stop };
}

class FakeStore {
  readonly #planted: Planted | undefined;
  readonly #entries = new Map<string, Entry>();
  #revision = 0;
  #increments = 0;

  constructor(planted: Planted | undefined) {
    this.#planted = planted;
  }

  async answer(node: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://fake');
    const reply = this.#reply(node, request.method ?? '', url, Buffer.concat(chunks).toString());
    const etag = reply.revision === undefined ? {} : { etag: `"${reply.revision}"` };
    const lag = this.#planted === 'a lag said too small' ? '0' : '500';
    response.writeHead(reply.status, { ...etag, 'chorus-node': node, 'chorus-lag-ms': lag });
    response.end(reply.body);
  }

  #reply(node: string, method: string, url: URL, body: string): Reply {
    if (url.pathname === '/readyz') return { status: 200, body: '' };
    if (url.pathname === '/v1/cluster')
      return { status: 200, body: this.#clusterView(node, url.searchParams.has('check')) };
    if (url.pathname === '/v1/snapshots') return { status: 201, body: '' };
    const key = decodeURIComponent(url.pathname.slice('/v1/keys/'.length));
    if (method === 'GET') return this.#read(key, url.searchParams.get('consistency'));
    return method === 'POST' ? this.#increment(key) : this.#put(key, body);
  }

  #put(key: string, value: string): Reply {
    const isStruck = key === STRUCK_KEY;
    const status = this.#entries.has(key) || (isStruck && this.#planted === 'a write applied twice') ? 200 : 201;
    const stored = isStruck && this.#planted === 'a changed value' ? `${value} ` : value;
    const revision = ++this.#revision;
    if (!isStruck || this.#planted !== 'a lost write') this.#entries.set(key, { value: stored, revision });
    return { status, body: '', revision };
  }

  #increment(key: string): Reply {
    this.#increments += 1;
    const isStruck = this.#increments === 3;
    const by = isStruck && this.#planted === 'an increment applied twice' ? 2 : 1;
    const value =
      Number(this.#entries.get(key)?.value ?? 0) + (isStruck && this.#planted === 'a lost increment' ? 0 : by);
    const revision = ++this.#revision;
    this.#entries.set(key, { value: String(value), revision });
    return { status: 200, body: String(value), revision };
  }

  #read(key: string, consistency: string | null): Reply {
    const entry = this.#entries.get(key);
    if (entry === undefined) return { status: 404, body: '' };
    const isOld =
      (consistency === 'session' && this.#planted === 'stale session reads') ||
      (consistency === 'eventual' && this.#planted === 'a lag said too small');
    const revision = isOld ? entry.revision - STRUCK_REVISIONS_BACK : entry.revision;
    return { status: 200, body: entry.value, revision };
  }

  #clusterView(node: string, isCheck: boolean): string {
    const ids = Array.from({ length: NODES }, (_, n) => `node-${n + 1}`);
    if (isCheck) {
      const digestOf = (id: string) => (this.#planted === 'other digests' && id === 'node-2' ? 'b' : 'a');
      const digests = Object.fromEntries(ids.map((id) => [id, digestOf(id)]));
      return JSON.stringify({ agreed: new Set(Object.values(digests)).size === 1, revision: this.#revision, digests });
    }
    const keys = this.#entries.size + (this.#planted === 'a key too many' ? 1 : 0);
    const members = ids.map((id) => ({ node: id, pid: 1, keys, revision: this.#revision }));
    const snapshots = { verified: [{ revision: 1 }, { revision: 2 }], trimmedBelow: 1 };
    return JSON.stringify({ node, revision: this.#revision, members, snapshots });
  }
}
