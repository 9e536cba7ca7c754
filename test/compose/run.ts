// `npm run test:compose`: the whole compose cluster is built, tormented and started again, where a Docker engine is there.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/base/errors.ts';
import { freePort } from '../servers/places.ts';
import { BROKERS, ComposeCluster, whatIsMissing } from './engine.ts';
import { Load } from './load.ts';

const READY_AGAIN_MS = 60_000;
/** Requests that must be answered while a fault lasts, or nothing was shown. */
const ENOUGH = 200;
const INDENT = ' '.repeat(11);

async function main(): Promise<number> {
  const missing = await whatIsMissing();
  if (missing !== undefined) {
    console.error(`SKIPPED: the compose test needs a running Docker engine with the compose plugin (${missing})`);
    return process.env.CI === 'true' ? 1 : 0;
  }
  const isSound = (await isSurvived('one', tormentAll)) && (await isSurvived('three', tormentLeader));
  if (isSound) console.log('All acknowledged writes are there, counters are exact, digests are equal.');
  return isSound ? 0 : 1;
}

type Tormented = { readonly cluster: ComposeCluster; readonly load: Load; readonly port: number };

/** Runs a fresh cluster through `torment`, compares what it holds with what was acknowledged, and removes it. */
async function isSurvived(brokers: keyof typeof BROKERS, torment: (it: Tormented) => Promise<void>): Promise<boolean> {
  console.log(`\nThree nodes, ${BROKERS[brokers].length} Kafka broker(s), Nginx:`);
  const port = await freePort();
  const cluster = new ComposeCluster(port, brokers);
  const load = new Load(port);
  try {
    await timed('docker compose build', () => cluster.build());
    await timed('docker compose up -d --wait', () => cluster.up());
    load.start();
    await load.answers(ENOUGH);
    await agreed(port);
    await torment({ cluster, load, port });
    await load.stop();
    console.log(
      `${INDENT}${load.acknowledged} keys and ${load.counted} increments were acknowledged; reading all back`,
    );
    const differences = await load.differences();
    if (differences.length > 0)
      throw new Error(`${differences.length} differ:\n${differences.slice(0, 10).join('\n')}`);
    return true;
  } catch (error) {
    console.error(`FAILED: ${messageOf(error)}\n${await cluster.logs().catch(messageOf)}`);
    return false;
  } finally {
    await timed('docker compose down -v', () => cluster.down());
  }
}

async function tormentAll({ cluster, load, port }: Tormented): Promise<void> {
  load.clear();
  await timed('a node is killed, and requests go on', async () => {
    await cluster.kill('node-2');
    await load.answers(ENOUGH);
  });
  await timed('the node is started and ready again', async () => {
    await cluster.start('node-2');
    await agreed(port);
  });
  mustBeUnharmed(load);

  load.clear();
  await timed('a node is paused, and requests go on', async () => {
    await cluster.pause('node-3');
    await load.answers(ENOUGH);
    await cluster.unpause('node-3');
    await agreed(port);
  });
  mustBeUnharmed(load);

  for (const time of ['first', 'second']) {
    load.clear();
    await timed(`everything is killed at once, ${time} time`, () => cluster.kill(...cluster.services));
    await timed('docker compose up brings it back at the first try', () => cluster.up());
    await load.answers(ENOUGH);
    await agreed(port);
    report(load);
  }
  load.clear();
  await timed('docker compose restart', () => cluster.restart());
  await load.answers(ENOUGH);
  await agreed(port);
  report(load);
}

/** A write may be unknown while the brokers elect, longer than its 5 s; it is repeated then and applied once. */
async function tormentLeader({ cluster, load, port }: Tormented): Promise<void> {
  load.clear();
  const leader = await cluster.leader();
  await timed(`the partition's leader, ${leader}, is killed, and another leads`, async () => {
    await cluster.kill(leader);
    await load.answers(ENOUGH);
  });
  await timed('it is started again', async () => {
    await cluster.start(leader);
    await agreed(port);
  });
  report(load);
}

/** Resolves when all three nodes are ready and have one digest at one point. */
async function agreed(port: number): Promise<void> {
  const deadline = performance.now() + READY_AGAIN_MS;
  for (;;) {
    const { text, isAgreed } = await checkDigests(port).catch((error: unknown) => ({
      text: messageOf(error),
      isAgreed: false,
    }));
    if (isAgreed) return;
    if (performance.now() > deadline) throw new Error(`the nodes did not agree: ${text}`);
    await delay(100);
  }
}

async function checkDigests(port: number): Promise<{ readonly text: string; readonly isAgreed: boolean }> {
  const signal = AbortSignal.timeout(READY_AGAIN_MS);
  const response = await fetch(`http://127.0.0.1:${port}/v1/cluster?check=digests`, { signal });
  const text = await response.text();
  const found = response.ok ? [...text.matchAll(/"node-\d":"([0-9a-f]+)"/g)].map((match) => match[1]) : [];
  if (text.includes('"agreed":false')) throw new Error(`the digests differ: ${text}`);
  return { text, isAgreed: found.length === 3 && new Set(found).size === 1 };
}

function mustBeUnharmed(load: Load): void {
  report(load);
  if (load.window().failed.size > 0) throw new Error('requests failed although two nodes were there');
}

function report(load: Load): void {
  const { answered, failed, longestMs } = load.window();
  const failures = [...failed].map(([why, count]) => `${count} × ${why}`).join(', ') || 'none';
  console.log(
    `${' '.repeat(9)}  ${answered} requests answered, the slowest after ${longestMs} ms; failed tries: ${failures}`,
  );
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const begun = performance.now();
  await work();
  console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${what}`);
}

// Clients of a failed run may still be at it.
process.exit(await main());
