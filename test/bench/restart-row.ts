// The row about restarts: from kill -9 to ready with many keys, beside a Redis that loads the same from its RDB file.
import { startChorusNodes } from '../servers/chorus.ts';
import { startRedis } from '../servers/redis.ts';
import type { BenchOptions, Contest, Contestant, Row } from './contest.ts';
import { processorMicroseconds } from './servers.ts';
import { fillRedis } from './store-redis.ts';

const VALUE_BYTES = 100;
const BATCH = 500;
/** Batches under way at once. */
const WRITERS = 4;

export const restartRow: Row = {
  name: 'restart',
  help: `from the start of the process to ready, with all keys, ${VALUE_BYTES} B each that no compression makes smaller, beside Redis with its RDB file`,
  needs: ['redis'],
  figures: { ready: { unit: 's', better: 'less' }, processor: { unit: 's', better: 'less' } },
  warmsUp: true,
  open,
};

async function open({ keys }: BenchOptions): Promise<Contest> {
  const nodes = await startChorusNodes({ nodes: 1 });
  const redis = await startRedis({ durable: false });
  const close = async () => {
    await nodes.close();
    await redis.close();
  };
  const [node] = nodes.nodes;
  if (node === undefined) throw new Error('no node was started');
  try {
    await fillRedis(redis.port, keys, entryOf);
    await fillChorus(node.url, keys);
    await takeSnapshot(node.url);
    const ours = restarts('one node, from its snapshot', node.server, () => node.server.pid);
    return { contestants: [ours, restarts('Redis', redis, () => redis.pid())], close };
  } catch (error) {
    await close();
    throw error;
  }
}

function restarts(
  name: string,
  server: { kill(): Promise<void>; start(): Promise<void> },
  pid: () => number | undefined,
): Contestant {
  return {
    name,
    async measure() {
      await server.kill();
      const began = performance.now();
      await server.start();
      const ready = (performance.now() - began) / 1000;
      return { ready, processor: processorMicroseconds(pid() ?? 0) / 1e6 };
    },
  };
}

async function fillChorus(url: string, keys: number): Promise<void> {
  let next = 0;
  const write = async () => {
    while (next < keys) {
      const first = next;
      next += BATCH;
      const items = Array.from({ length: Math.min(BATCH, keys - first) }, (_, at) => ({
        op: 'put',
        ...entryOf(first + at),
      }));
      const answer = await post(`${url}/v1/batch`, { items });
      const { results } = (await answer.json()) as { results: { status: number }[] };
      if (results.some(({ status }) => status >= 300)) throw new Error('a write was refused');
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

/** Resolves when a snapshot was saved, read back and found good. */
async function takeSnapshot(url: string): Promise<void> {
  const answer = await fetch(`${url}/v1/snapshots?timeout=60s`, { method: 'POST' });
  const text = await answer.text();
  if (!answer.ok || !text.includes('"verified":true')) throw new Error(`no snapshot was taken: ${text}`);
}

function post(url: string, body: object): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

function entryOf(n: number): { readonly key: string; readonly value: string } {
  let random = n;
  const value = Array.from({ length: VALUE_BYTES / 4 }, () => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return random.toString(36).padStart(7, '0').slice(0, 4);
  });
  return { key: `key:${String(n).padStart(16, '0')}`, value: value.join('') };
}
