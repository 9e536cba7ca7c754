// Clocks that are wrong: of nodes, which must not matter, and of the leading broker, whose clock is the log's.
import { globSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { available } from '../servers/available.ts';
import { newLeader } from './broker-faults.ts';
import { until } from './faults.ts';
import { type DrilledNode, type FullScene, healed, kafkaOf, pickNode } from './full-scene.ts';

const LIBRARY = '/usr/lib/*/faketime/libfaketime.so.1';
const HOUR_MS = 3_600_000;
const BROKER_AHEAD_S = 20;
const AHEAD_WITHIN_MS = 20_000;
const LOADED_MS = 2_500;

export async function nodeClock(scene: FullScene): Promise<string> {
  const said: string[] = [];
  for (const hours of [1, -1]) {
    const node = pickNode(scene);
    await node.server.kill();
    await node.server.start(offsetBy(hours * 3600));
    const ms = await clockOf(node);
    if (Math.abs(ms - hours * HOUR_MS) > 60_000) throw new Error(`the clock of ${node.id} is not wrong`);
    await delay(LOADED_MS);
    said.push(`${node.id} said to be ${Math.abs(Math.round(ms / 60_000))} minutes ${ms > 0 ? 'ahead' : 'behind'}`);
    await node.server.kill();
    await node.server.start();
    await healed(scene);
  }
  return said.join(', ');
}

/** The broker that leads next is started anew with a clock that is ahead; then the leader ends. */
export async function brokerClock(scene: FullScene): Promise<string> {
  const kafka = kafkaOf(scene);
  const first = await scene.log.leader();
  const ahead = await scene.log.successor();
  await kafka.stop(ahead - 1);
  await kafka.start(ahead - 1, offsetBy(BROKER_AHEAD_S));
  await healed(scene);
  await kafka.stop(first - 1);
  await newLeader(scene, first);
  const isAhead = () => scene.witness.aheadMs > (BROKER_AHEAD_S * 1000) / 2;
  await until(isAhead, AHEAD_WITHIN_MS, 'a record from the future');
  const aheadMs = scene.witness.aheadMs;
  await delay(LOADED_MS);
  await kafka.start(first - 1);
  await healed(scene);
  await kafka.stop(ahead - 1);
  await kafka.start(ahead - 1);
  return `broker ${ahead} led and stamped records ${Math.round(aheadMs / 1000)} s ahead`;
}

/** Monotonic clocks, and waits that go by them, stay as they are: with the library's own "fix" a Java program would not wait at all. */
function offsetBy(seconds: number): Readonly<Record<string, string>> {
  const [library] = available('faketime') ? globSync(LIBRARY) : [];
  if (library === undefined) throw new Error('libfaketime is not installed');
  const offset = `${seconds < 0 ? '' : '+'}${seconds}s`;
  return {
    LD_PRELOAD: library,
    FAKETIME: offset,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_FORCE_MONOTONIC_FIX: '0',
  };
}

/** How far it says that it is ahead of this machine's clock. */
function clockOf({ target }: DrilledNode): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: target.port, path: '/livez' }, (response) => {
      response.resume();
      resolve(Date.parse(response.headers.date ?? '') - Date.now());
    }).on('error', reject);
  });
}
