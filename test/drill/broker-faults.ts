// Faults of brokers: killed, the leader killed, stopped, ended one after the other.
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, until } from './faults.ts';
import { type FullScene, healed, kafkaOf, pick } from './full-scene.ts';
import { durationText } from './report.ts';

const DOWN_MS = 4_000;
const HUNG_MS = 5_000;
const ELECTED_WITHIN_MS = 30_000;

export async function killBroker(scene: FullScene): Promise<string> {
  const leader = await scene.log.leader();
  const broker = pick(
    scene,
    [1, 2, 3].filter((other) => other !== leader),
  );
  await killAndProve(scene, broker);
  await delay(DOWN_MS);
  await scene.log.restart(broker);
  return `broker ${broker}, while ${leader} led`;
}

export async function killLeader(scene: FullScene): Promise<string> {
  const leader = await scene.log.leader();
  const beganAt = performance.now();
  await killAndProve(scene, leader);
  const next = await newLeader(scene, leader);
  const electedMs = performance.now() - beganAt;
  await scene.log.restart(leader);
  return `broker ${leader}; ${next} leads after ${durationText(electedMs)}`;
}

/** No broker but itself tells the others that it hangs: the controller replaces it when its session is over. */
export async function pauseLeader(scene: FullScene): Promise<string> {
  const kafka = kafkaOf(scene);
  const leader = await scene.log.leader();
  const before = scene.tally.acknowledged;
  await kafka.pause(leader - 1);
  await delay(HUNG_MS);
  kafka.resume(leader - 1);
  const meanwhile = scene.tally.acknowledged - before;
  return `broker ${leader} stood still for ${durationText(HUNG_MS)}; ${meanwhile} writes were acknowledged meanwhile`;
}

export async function rollBrokers(scene: FullScene): Promise<string> {
  const kafka = kafkaOf(scene);
  const ended: string[] = [];
  for (let broker = 1; broker <= kafka.count; broker++) {
    const before = kafka.pid(broker - 1);
    const beganAt = performance.now();
    await kafka.stop(broker - 1);
    ended.push(`broker ${broker} ended in ${durationText(performance.now() - beganAt)}`);
    await kafka.start(broker - 1);
    if (kafka.pid(broker - 1) === before) throw new Error(`broker ${broker} did not end`);
    await healed(scene);
  }
  return ended.join(', ');
}

/** Resolves with the number of another broker than this one, when it leads. */
export async function newLeader(scene: FullScene, old: number): Promise<number> {
  let leader = old;
  const isElected = async () => {
    leader = await scene.log.leader().catch(() => old);
    return leader !== old;
  };
  await until(isElected, ELECTED_WITHIN_MS, `another leader than broker ${old}`);
  return leader;
}

async function killAndProve(scene: FullScene, broker: number): Promise<void> {
  const kafka = kafkaOf(scene);
  const pid = kafka.pid(broker - 1) ?? 0;
  await kafka.kill(broker - 1);
  if (isAlive(pid)) throw new Error(`broker ${broker} is still alive`);
}
