// examples/pycache: PyCache's whole table, with a node killed, on the embedded log behind the gateway and on Kafka behind Nginx.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { available } from '../servers/available.ts';
import { freePorts, isReadyAt, until } from '../servers/chorus.ts';
import { startExample } from '../servers/example.ts';
import { temporaryDirectory } from '../servers/places.ts';
import { digestsAgree } from '../suites/cluster-load.ts';
import { startKafkaCluster } from '../suites/kafka-cluster.ts';
import { expectRows, type RequestRow, send } from '../suites/request-rows.ts';

type Cluster = {
  /** Of the balancer. */
  readonly url: string;
  readonly nodes: readonly string[];
  killSecondNode(): Promise<void>;
  /** For those whose nodes nobody starts again. */
  startSecondNode?(): Promise<void>;
  close(): Promise<void>;
};

const message = (text: string, payload: unknown) => ({ message: text, payload });
const set = (key: string, value: unknown): RequestRow => [
  `POST /api/cache/${key}/`,
  201,
  message('Cache key set success', { key, value }),
  value,
];
const got = (key: string, value: unknown): RequestRow => [
  `GET /api/cache/${key}/`,
  200,
  message('Cache key get success', { key, value }),
];
const missing = (key: string): RequestRow => [`GET /api/cache/${key}/`, 200, message('Cache key get success', {})];
const removed = (key: string): RequestRow => [`DELETE /api/cache/${key}/`, 200, message('Cache key expired', {})];
const refused = (value: unknown): RequestRow => [
  'POST /api/cache/k/',
  400,
  message('Invalid request body', { error: expect.any(String) }),
  value,
];

const TABLE: readonly RequestRow[] = [
  missing('k'),
  ...[7, -1.5, 0, 'text', { a: [1, null, true] }, {}, [1, 'two', [3]]].flatMap((value) => [
    set('k', value),
    got('k', value),
  ]),
  ...[null, true, false, '', []].map(refused),
  got('k', [1, 'two', [3]]),
  removed('k'),
  missing('k'),
  removed('k'),
  ['GET /api/health/', 200, message('It works!!!', { message_broker: 'ok' })],
];

describe('PyCache on the embedded log, behind the gateway', () => suite(startEmbedded));
describe.skipIf(!(available('kafka') && available('nginx')))('PyCache on Kafka, behind Nginx', () =>
  suite(startOnKafka),
);

function suite(start: () => Promise<Cluster>): void {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await start();
  });
  afterAll(() => cluster?.close());

  test('answers its whole table', () => expectSoon(cluster.url, TABLE));

  test('shows a page for people, which asks nothing but the API beside it', async () => {
    const page = await fetch(cluster.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const [script = ''] = /\/console\/[\w.]+\.js/.exec(await page.text()) ?? [];
    expect((await fetch(new URL(script, cluster.url))).headers.get('content-type')).toContain('javascript');
  });

  test('gives on every node what was set through one, in the end', async () => {
    await expectSoon(cluster.url, [set('shared', 'by all')]);
    for (const url of cluster.nodes) await expectSoon(url, [got('shared', 'by all')]);
  });

  test('goes on when a node is killed, and that one equals the others when it is started again', async () => {
    await cluster.killSecondNode();
    for (let n = 0; n < 20; n++) await expectSoon(cluster.url, [set(`during-${n}`, n), got(`during-${n}`, n)]);
    await cluster.startSecondNode?.();
    await until('all nodes are ready', async () => (await Promise.all(cluster.nodes.map(isReadyAt))).every(Boolean));
    await until('all digests agree', () => digestsAgree(cluster.url));
    const [, second = ''] = cluster.nodes;
    for (let n = 0; n < 20; n++) await expectSoon(second, [got(`during-${n}`, n)]);
  });
}

/** Writes once; reads until the answer is the row's: through Nginx a read may meet a node that is a moment behind. */
async function expectSoon(url: string, rows: readonly RequestRow[]): Promise<void> {
  for (const row of rows) {
    const [request, status, body] = row;
    if (!request.startsWith('GET')) await expectRows(url, [row]);
    else await expect.poll(() => send(url, request), { timeout: 60_000, message: request }).toEqual({ status, body });
  }
}

async function startEmbedded(): Promise<Cluster> {
  const directory = temporaryDirectory('pycache');
  const port = await freePorts(3);
  const nodes = [0, 1, 2].map((at) => `http://127.0.0.1:${port + at}`);
  const app = await startExample(
    'pycache/main.ts',
    { CHORUS_PORT: String(port), CHORUS_DATA_DIR: directory },
    '/api/health/',
  );
  await until('all nodes are ready', async () => (await Promise.all(nodes.map(isReadyAt))).every(Boolean));
  return {
    url: app.url,
    nodes,
    async killSecondNode() {
      const { members } = (await (await fetch(`${app.url}/v1/cluster`)).json()) as Members;
      const pid = members.find(({ node }) => node === 'node-2')?.pid;
      if (pid === undefined) throw new Error('there is no node-2');
      process.kill(pid, 'SIGKILL');
    },
    async close() {
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

type Members = { readonly members: readonly { readonly node: string; readonly pid: number }[] };

async function startOnKafka(): Promise<Cluster> {
  const { chorus, front, close } = await startKafkaCluster();
  const second = chorus.nodes[1]?.server;
  return {
    url: front,
    nodes: chorus.nodes.map(({ url }) => url),
    killSecondNode: async () => await second?.kill(),
    startSecondNode: async () => await second?.start(),
    close,
  };
}
