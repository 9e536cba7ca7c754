// Three real nodes over one real Kafka broker, behind the real Nginx: the log gone, a node stopped, nodes killed, nodes started wrongly.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Kafka as KafkaClient, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quietRequestQueue } from '../../src/log/kafka-connection.ts';
import { available } from '../servers/available.ts';
import { isReadyAt, runChorus, until } from '../servers/chorus.ts';
import { freePort } from '../servers/places.ts';
import {
  answersOf,
  type BalancedLoad,
  longestPauseMs,
  readsByNode,
  type Seen,
  startBalancedLoad,
} from '../suites/balanced-load.ts';
import { type KafkaCluster, startKafkaCluster } from '../suites/kafka-cluster.ts';
import { writeDirectlyAndThroughNginx, writesThatWait } from '../suites/untimely-writes.ts';

/** How long things stay away; KAFKA_GONE_MS and NODE_STOPPED_MS ask for more. */
const KAFKA_GONE_MS = Number(process.env.KAFKA_GONE_MS ?? 10_000);
const NODE_STOPPED_MS = Number(process.env.NODE_STOPPED_MS ?? 8_500);
const ALL_STOPPED_MS = 1_500;
const TEST_TIMEOUT_MS = 180_000;

describe.skipIf(!available('kafka') || !available('nginx'))('three nodes on Kafka behind Nginx', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafkaCluster();
  });
  afterAll(() => cluster?.close());

  test('what is written on one node is read on the next with the token, on the third by a barrier, and deleted there', async () => {
    const [first = '', second = '', third = ''] = cluster.chorus.nodes.map(({ url }) => url);
    const { front } = cluster;
    for (const [writing, reading, deleting] of [
      [first, second, third],
      [front, front, front],
    ] as const) {
      const put = await fetch(`${writing}/v1/keys/a`, { method: 'PUT', body: 'one' });
      const etag = put.headers.get('etag') ?? '';
      expect([put.status, etag]).toEqual([201, expect.stringMatching(/^"\d+"$/)]);
      expectStandardHeaders(put);
      const token = put.headers.get('chorus-revision') ?? '';
      const read = await fetch(`${reading}/v1/keys/a`, { headers: { 'Chorus-Min-Revision': token } });
      expect([read.status, await read.text(), read.headers.get('etag')]).toEqual([200, 'one', etag]);
      expect(read.headers.get('chorus-consistency')).toBe('session');
      expect(Number(read.headers.get('chorus-revision'))).toBeGreaterThanOrEqual(Number(token));
      expectStandardHeaders(read);
      const linear = await fetch(`${deleting}/v1/keys/a?consistency=linearizable`);
      expect([linear.status, await linear.text()]).toEqual([200, 'one']);
      expect(linear.headers.get('chorus-consistency')).toBe('linearizable');
      const deleted = await fetch(`${deleting}/v1/keys/a`, { method: 'DELETE' });
      expect([deleted.status, await deleted.text()]).toEqual([204, '']);
      const gone = await fetch(`${writing}/v1/keys/a?consistency=linearizable`);
      expect([gone.status, gone.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
      expectStandardHeaders(gone);
    }
  });

  test(
    'while Kafka is gone every node serves what it has and says how old it is, writes end 504, and all mends by itself',
    async () => {
      const { kafka, chorus, front, balanced } = cluster;
      const urls = chorus.nodes.map(({ url }) => url);
      const pids = chorus.nodes.map(({ server }) => server.pid);
      const load = await startBalancedLoad(balanced, 'gone');
      await load.acknowledges(100);
      await kafka.kill(0);
      const goneAt = performance.now();
      const told = await writeDirectlyAndThroughNginx(urls, front, 'told/early');
      await allDegraded(cluster);
      await delay(Math.max(0, goneAt + KAFKA_GONE_MS - performance.now()));
      const calm = { from: goneAt, to: performance.now() };

      // Even if all of them stood still meanwhile, and none can prove that it is fresh.
      await Promise.all(chorus.nodes.map(({ server }) => server.pause()));
      await delay(ALL_STOPPED_MS);
      for (const { server } of chorus.nodes) server.resume();
      await allDegraded(cluster);
      // What waited in their sockets they refused, which took them all out once, for fail_timeout.
      await until('Nginx has a node again', async () => (await fetch(`${front}/v1/keys/gone/0`)).ok);
      const after = { from: performance.now(), to: Number.POSITIVE_INFINITY };
      told.push(...(await writeDirectlyAndThroughNginx(urls, front, 'told/late')));
      after.to = performance.now();

      await kafka.start(0);
      const backAt = performance.now();
      await load.acknowledges(100);
      const recoveredMs = performance.now() - backAt;
      await cluster.allReady();
      await load.stop();

      for (const { from, to } of [calm, after]) {
        const within = load.seen.filter(({ sentAt, answeredAt }) => sentAt > from && answeredAt < to);
        const eventual = within.filter(({ consistency }) => consistency === 'eventual');
        expect(answersOf(eventual)).toEqual({ 'eventual 200': expect.any(Number) });
        // Nothing was taken since: who says less than the time since then does not know how old its state is.
        expect(eventual.filter(({ lagMs, sentAt }) => lagMs < sentAt - goneAt)).toEqual([]);
        const refused = within.filter(({ consistency, status }) => consistency === 'write' && status !== 200);
        expect(Object.keys(answersOf(refused)).filter((how) => how !== 'write 504 timed-out unknown')).toEqual([]);
      }
      expect(answersOf(load.seen)['write 504 timed-out unknown']).toBeGreaterThan(0);
      // Nginx dropped no node, not for a second.
      const isCalmRead = ({ via, consistency, sentAt, answeredAt }: Seen) =>
        via === 'nginx' && consistency === 'eventual' && sentAt > calm.from && answeredAt < calm.to;
      const shares = readsByNode(load.seen.filter(isCalmRead));
      expect(Object.keys(shares).length).toBe(3);
      expect(Math.min(...Object.values(shares))).toBeGreaterThan(0.3);
      await expectNothingLost(load);
      expect(chorus.nodes.map(({ server }) => server.pid)).toEqual(pids);
      for (const { url, key, outcome } of told.filter((one) => one.outcome === 'not-applied')) {
        const answer = await fetch(`${url}/v1/keys/${key}?consistency=linearizable`);
        expect([key, outcome, answer.status]).toEqual([key, outcome, 404]);
      }
      const whileGone = load.seen.filter(({ sentAt, answeredAt }) => sentAt > goneAt && answeredAt < backAt);
      const lags = whileGone.filter(({ consistency, status }) => consistency === 'eventual' && status === 200);
      say('Kafka gone', {
        goneMs: backAt - goneAt,
        recoveredMs,
        longestWritePauseMs: longestPauseMs(load),
        highestLagMs: Math.max(...lags.map(({ lagMs }) => lagMs)),
        mostOverstatedMs: Math.max(...lags.map(({ lagMs, sentAt }) => lagMs - (sentAt - goneAt))),
        told: told.map(({ key, outcome }) => `${key} ${outcome}`),
        answers: answersOf(load.seen),
      });
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'a node that stands still is passed over; continued, it refuses what waited, says its lag and is never stale',
    async () => {
      const { chorus, nginx, balanced } = cluster;
      const [, victim] = chorus.nodes;
      if (victim === undefined) return;
      const load = await startBalancedLoad(balanced, 'still');
      await load.acknowledges(100);
      const linesBefore = nginx.accessLog().length;
      const waiting = await writesThatWait(victim);
      const stoppedAt = performance.now();
      await delay(NODE_STOPPED_MS);
      victim.server.resume();
      const continuedAt = performance.now();
      const answers = await waiting.answers;
      await until('the node takes writes again', () => isReadyAt(victim.url));
      const readyMs = performance.now() - continuedAt;
      await load.acknowledges(100);
      await load.stop();

      expect(new Set(answers)).toEqual(new Set(['503 paused']));
      for (const key of waiting.keys) {
        const answer = await fetch(`${victim.url}/v1/keys/${key}?consistency=linearizable`);
        expect([key, answer.status]).toEqual([key, 404]);
      }
      await expectNothingLost(load);
      const failed = answersOf(load.seen.filter(({ via, status }) => via === 'nginx' && status !== 200));
      expect(Object.keys(failed).filter((how) => how !== 'write 504 timed-out unknown')).toEqual([]);
      const passedOver = nginx
        .accessLog()
        .slice(linesBefore)
        .filter(({ statuses }) => String(statuses).startsWith('504, '));
      expect(passedOver.length).toBeGreaterThan(0);
      const ofVictim = load.seen.filter(({ via, answeredAt }) => via === victim.id && answeredAt > continuedAt);
      expect(answersOf(ofVictim)).toMatchObject({
        'eventual 200': expect.any(Number),
        'session 503 paused': expect.any(Number),
      });
      const stale = ofVictim.filter(({ consistency }) => consistency === 'eventual');
      say('node stopped', {
        stoppedMs: continuedAt - stoppedAt,
        readyMs,
        longestWritePauseMs: longestPauseMs(load),
        passedOver: passedOver.length,
        failed,
        highestLagMs: Math.max(...stale.map(({ lagMs }) => lagMs)),
        mostMissedMs: Math.max(...stale.map(({ missedMs }) => missedMs)),
        answersOfVictim: answersOf(ofVictim),
      });
    },
    TEST_TIMEOUT_MS,
  );

  test('a node killed with -9 and started again at once, three times, becomes ready each time and costs no request', async () => {
    const [, , victim] = cluster.chorus.nodes;
    if (victim === undefined) return;
    const load = await startBalancedLoad(cluster.balanced, 'killed');
    const readyMs: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      await load.acknowledges(30);
      const killedAt = performance.now();
      await victim.server.kill();
      await victim.server.start();
      readyMs.push(performance.now() - killedAt);
    }
    await load.acknowledges(30);
    await load.stop();
    await expectNothingLost(load);
    expect(answersOf(load.seen.filter(({ via, status }) => via === 'nginx' && status !== 200))).toEqual({});
    say('node killed', { readyMs, longestWritePauseMs: longestPauseMs(load) });
  });

  test('a second process with a live nodeId ends with exit code 64, and the first goes on', async () => {
    const [first] = cluster.chorus.nodes;
    const pid = first?.server.pid;
    const { code, stderr } = await (await start('node-1', 'chorus.commands')).ended;
    expect([code, stderr]).toEqual([64, expect.stringContaining('Another process with the nodeId node-1 is alive')]);
    expect([first?.server.pid, await isReadyAt(first?.url ?? '')]).toEqual([pid, true]);
  });

  test('a data directory of another cluster ends the start with exit code 74, whether the log is empty or not', async () => {
    const onEmpty = await (await start('node-1', 'other')).ended;
    expect([onEmpty.code, onEmpty.stderr]).toEqual([74, expect.stringContaining('but the log is empty')]);
    const other = await start('stranger', 'other');
    const identity = join(cluster.chorus.directory, 'data/stranger/cluster');
    await until('the other cluster has a name', async () => existsSync(identity));
    const onOther = await (await start('node-1', 'other')).ended;
    expect([onOther.code, onOther.stderr]).toEqual([74, expect.stringContaining('but the log is that of cluster')]);
    other.child.kill('SIGTERM');
    expect((await other.ended).code).toBe(0);
  });

  test('a topic with wrong settings ends the start with exit code 64 and says how to mend each', async () => {
    quietRequestQueue();
    const admin = new KafkaClient({ brokers: cluster.kafka.brokers.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [{ name: 'retention.ms', value: '1000' }];
    await admin.createTopics({ topics: [{ topic: 'wrong', numPartitions: 2, configEntries }], waitForLeaders: true });
    await admin.disconnect();
    const { code, stderr } = await (await start('node-4', 'wrong')).ended;
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/^chorus: the topic wrong cannot be the commit log: .*\n$/),
    ]);
    expect(stderr).toContain('it has 2 partitions, but one total order needs exactly 1');
    expect(stderr).toContain('--add-config retention.ms=-1');
  });

  test.each(['refuses connections', 'takes connections and stays silent'])(
    'a broker that %s ends the start with exit code 69 at startTimeout',
    async (how) => {
      const port = await freePort();
      const silent = createServer();
      if (!how.startsWith('refuses')) await once(silent.listen(port, '127.0.0.1'), 'listening');
      const { directory } = cluster.chorus;
      const own = ['--data-dir', directory, '--port', String(await freePort()), '--start-timeout', '2s'];
      const startedAt = performance.now();
      const { code, stderr } = await runChorus(
        'main.ts',
        [...own, '--log', 'kafka', '--kafka-brokers', `127.0.0.1:${port}`],
        directory,
      ).ended;
      say(`a broker that ${how}`, { endedMs: performance.now() - startedAt });
      silent.close();
      expect([code, stderr]).toEqual([69, expect.stringContaining(`127.0.0.1:${port}) were not ready in 2000 ms`)]);
    },
  );

  const start = async (id: string, topic: string) => {
    const own = ['--node-id', id, '--port', String(await freePort()), '--kafka-topic', topic];
    return cluster.chorus.another(own);
  };

  const expectNothingLost = async (load: BalancedLoad) => {
    expect(load.faults).toEqual([]);
    expect(await cluster.differences(load)).toEqual([]);
  };
});

function expectStandardHeaders({ headers }: Response): void {
  expect(headers.get('chorus-node')).toMatch(/^node-[123]$/);
  expect(headers.get('chorus-revision')).toMatch(/^\d+$/);
  expect(headers.get('chorus-lag-ms')).toMatch(/^\d+$/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
}

/** Resolves when every node says 200 on /readyz, and that the log takes nothing and its state is old. */
function allDegraded({ chorus }: KafkaCluster): Promise<void> {
  const isDegraded = async (url: string) => {
    const answer = await fetch(`${url}/readyz`);
    const said = (await answer.json()) as { status?: string; degraded?: string[] };
    return answer.status === 200 && said.status === 'degraded' && said.degraded?.length === 2;
  };
  return until('every node is ready, and degraded', async () =>
    (await Promise.all(chorus.nodes.map(({ url }) => isDegraded(url)))).every(Boolean),
  );
}

/** Figures for people, when SAY_FIGURES asks for them. */
function say(what: string, figures: object): void {
  if (process.env.SAY_FIGURES !== undefined) console.info(what, JSON.stringify(figures, undefined, 1));
}
