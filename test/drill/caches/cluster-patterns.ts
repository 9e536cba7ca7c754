// What the stale-fill drill does with caches of the cluster: each pattern over HTTP on three real nodes, whose source are the drill's rows.
import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { memory } from '../../../src/cache/tiers/memory.ts';
import { type ChorusNodes, startChorusNodes } from '../../servers/chorus.ts';
import { temporaryDirectory } from '../../servers/places.ts';
import type { Client, Pattern, Place, Scene } from '../cache-patterns.ts';
import { CountedRows } from '../counted-rows.ts';
import { type Answered, ask, type Question, type Target, targetOf } from '../requests.ts';
import type { CountedRow } from './remote-rows.ts';
import { type RowServer, startRowServer } from './row-server.ts';

export type CachingCluster = {
  readonly nodes: readonly Target[];
  readonly rows: RowServer;
  close(): Promise<void>;
};

const CACHES = ['aside', 'through', 'behind'] as const;
type CacheName = (typeof CACHES)[number];

const TIMEOUT_MS = 120_000;
const CONNECTIONS = 400;
const BUSY: ReadonlySet<number> = new Set([429, 503, 504]);
const REMOTE_ROWS = pathToFileURL(join(import.meta.dirname, 'remote-rows.ts')).href;

/** The entries of all clients are in the nodes: there is nothing to be opened. */
export const NODES: Place = { name: 'cluster', open: () => memory() };

/** Three nodes with a cache of each pattern, each over the same rows. `flags` are those of the nodes. */
export async function startCachingCluster(flags: readonly string[] = []): Promise<CachingCluster> {
  const rows = await startRowServer();
  const directory = temporaryDirectory('caches');
  const config = join(directory, 'config.ts');
  writeFileSync(config, configText(rows.port));
  let chorus: ChorusNodes | undefined;
  const close = async () => {
    await chorus?.close();
    await rows.close();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    chorus = await startChorusNodes({ nodes: 3, flags: ['--config', config, ...flags] });
  } catch (error) {
    await close();
    throw error;
  }
  return { nodes: chorus.nodes.map(({ port }) => targetOf(port, CONNECTIONS)), rows, close };
}

/** Each read goes to another node than the one before, with the token of the key's last write that has ended. */
export function clusterPatterns(cluster: CachingCluster): readonly Pattern[] {
  return [
    patternOf(cluster, 'read-through', 'aside', (scene, { send, ended }) => async (key) => {
      const count = await scene.rows.increment(key);
      ended(key, revisionIn(await send('aside', ':invalidate', { method: 'POST', body: { keys: [String(key)] } })));
      return count;
    }),
    patternOf(cluster, 'write-through', 'through', (_, { send, ended }) => async (key) => {
      const save = randomUUID();
      ended(key, (await send('through', `/entries/${key}`, { method: 'PUT', body: { save } })).revision);
      return cluster.rows.countOf(save);
    }),
    { ...patternOf(cluster, 'write-behind', 'behind', behindWriter), isOfOneWriter: true },
  ];
}

/** As read-through, but for the invalidation: it shows that the drill finds what it looks for. */
export function forgetfulPattern(cluster: CachingCluster): Pattern {
  return patternOf(cluster, 'writes that nobody invalidates', 'aside', (scene) => (key) => scene.rows.increment(key));
}

/** Asked again, with the same id, while the node stands still or is too busy: a loaded machine does that to it. */
export async function askCache(
  node: Target,
  path: string,
  { method, headers, body }: CacheQuestion,
): Promise<Answered> {
  const own = body === undefined ? {} : { 'content-type': 'application/json' };
  const id = method === 'GET' ? {} : { 'idempotency-key': randomUUID() };
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  const question = { method, path: `/v1/caches/${path}`, headers: { ...own, ...id, ...headers }, ...text };
  for (const endsAt = performance.now() + TIMEOUT_MS; ; ) {
    const answer = await ask(node, question, TIMEOUT_MS);
    const isBusy = answer.kind === 'answered' && BUSY.has(answer.status);
    if (isBusy && performance.now() < endsAt) await delay(50);
    else if (answer.kind === 'answered') return answer;
    else throw new Error(`${method} ${path}: ${answer.trouble}`);
  }
}

type CacheQuestion = Pick<Question, 'method' | 'headers'> & { readonly body?: unknown };
type Tools = {
  send(cache: CacheName, path: string, question: CacheQuestion): Promise<Answered>;
  /** A write of the key has ended, at this revision. */
  ended(key: number, revision: number): void;
};
type Writer = (key: number) => Promise<number>;

function patternOf(
  { nodes, rows: server }: CachingCluster,
  name: string,
  cache: CacheName,
  writerOf: (scene: Scene, tools: Tools) => Writer,
): Pattern {
  return {
    name,
    isOfOneWriter: false,
    start(scene, _place, count) {
      server.serve(scene.rows);
      const tokens = new Map<number, number>();
      let turn = 0;
      const send: Tools['send'] = async (of, path, question) => {
        const node = nodes[turn++ % nodes.length];
        if (node === undefined) throw new Error('there is no node');
        const answer = await askCache(node, `${of}${path}`, question);
        if (answer.status >= 300 && answer.status !== 404)
          throw new Error(`${of}${path}: ${answer.status} ${answer.body}`);
        return answer;
      };
      const ended = (key: number, revision: number) => tokens.set(key, Math.max(revision, tokens.get(key) ?? 0));
      const write = writerOf(scene, { send, ended });
      const read = async (key: number) => {
        const headers = { 'chorus-min-revision': String(tokens.get(key) ?? 0) };
        const answer = await send(cache, `/entries/${key}?consistency=session`, { method: 'GET', headers });
        // Where nothing else was under way the load was kept.
        if (answer.cacheStatus === 'memory; fwd=uri-miss')
          scene.observe({ kind: 'refused', key: String(key), tier: cache });
        return answer.status === 404 ? undefined : (JSON.parse(answer.body) as CountedRow).count;
      };
      const client: Client = { read, write, close: async () => {} };
      return { clients: Array.from({ length: count }, () => client), stop: async () => {} };
    },
  };
}

/** Whoever writes behind says what the row is to be: so the writes of a key follow one another. */
function behindWriter(_: Scene, { send, ended }: Tools): Writer {
  const last = new Map<number, Promise<number>>();
  return (key) => {
    const before = last.get(key) ?? Promise.resolve(CountedRows.firstOf(key));
    const written = before.then(async (previous) => {
      const count = previous + 1;
      ended(key, (await send('behind', `/entries/${key}`, { method: 'PUT', body: { count } })).revision);
      return count;
    });
    last.set(key, written);
    return written;
  };
}

function revisionIn({ body }: Answered): number {
  return (JSON.parse(body) as { readonly revision: number }).revision;
}

function configText(port: number): string {
  const cache = (pattern: CacheName) =>
    `    ${pattern}: { source: () => remoteRows(${port}), keyOf: Number, pattern: '${pattern}', ...COMMON },\n`;
  return `// The drill's.
import { remoteRows } from ${JSON.stringify(REMOTE_ROWS)};

const COMMON = { ttl: '1h', negativeTtl: '1h', loadTimeout: '1m', saveTimeout: '1m', maxDelay: '20ms' };

export const config = {
  caches: {
${CACHES.map(cache).join('')}  },
};
`;
}
