// The rows about restarts, on both logs: from kill -9 to ready with many keys, beside a Redis that loads the same from its RDB file.
import { setTimeout as delay } from 'node:timers/promises';
import { startChorusNodes } from '../servers/chorus.ts';
import { startKafka } from '../servers/kafka.ts';
import { startRedis } from '../servers/redis.ts';
import type { BenchOptions, Contest, Contestant, Row } from './contest.ts';
import { processorMicroseconds } from './servers.ts';
import { fillRedis } from './store-redis.ts';

const VALUE_BYTES = 100;
const BATCH = 500;
/** Batches under way at once. */
const WRITERS = 4;
/** A machine that is full of other work lets a node stand still for a while, which then refuses what waited. */
const ATTEMPTS = 50;
const RETRY_MS = 200;

const FIGURES = { ready: { unit: 's', better: 'less' }, processor: { unit: 's', better: 'less' } } as const;

export const restartRow: Row = {
  name: 'restart',
  help: `from the start of the process to ready, with all keys, ${VALUE_BYTES} B each that no compression makes smaller, beside Redis with its RDB file`,
  needs: ['redis'],
  figures: FIGURES,
  warmsUp: true,
  open: (options) => open(options, [], async () => {}),
};

export const restartKafkaRow: Row = {
  name: 'restart-kafka',
  help: 'the same on Kafka, one broker, snapshot and log in its topics',
  needs: ['redis', 'kafka'],
  figures: FIGURES,
  warmsUp: true,
  async open(options) {
    const kafka = await startKafka({ brokers: 1 });
    return await open(options, ['--log', 'kafka', '--kafka-brokers', kafka.brokers], () => kafka.close());
  },
};

/** Closes the log's server with the contest. */
async function open({ keys }: BenchOptions, flags: readonly string[], closeLog: () => Promise<void>): Promise<Contest> {
  const nodes = await startChorusNodes({ nodes: 1, flags });
  const redis = await startRedis({ durable: false });
  const close = async () => {
    await nodes.close();
    await redis.close();
    await closeLog();
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
      await put(url, items);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

/** Written again they are the same entries. */
async function put(url: string, items: readonly object[]): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const answer = await post(`${url}/v1/batch`, { items });
    const { results = [] } = (await answer.json()) as { results?: { status: number }[] };
    if (answer.ok && results.every(({ status }) => status < 300)) return;
    await delay(RETRY_MS);
  }
  throw new Error('writes were refused again and again');
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
