// A node stopped by SIGSTOP under load: passed over meanwhile, and never stale, never late with what waited in its sockets.
import { setTimeout as delay } from 'node:timers/promises';
import { backAgain, continueNode, isAlive, stopNode, until, type Victim } from './faults.ts';
import { staleness } from './freshness.ts';
import { durationText } from './report.ts';
import { type Answered, ask, keyPath, type Lost, type Target, targetOf } from './requests.ts';
import { reached, type Scene } from './scene.ts';
import { CLOCK_KEY } from './writers.ts';

const WAITING_WRITES = 10;
const CATCHES_UP_WITHIN_MS = 30_000;
const waitingKey = (n: number): string => `drill/waiting/${n}`;

type Late = () => Promise<readonly string[]>;

/** The embedded cluster's supervisor kills and restarts the node; without one it is continued and must catch up first. */
export async function pauseOne(scene: Scene): Promise<void> {
  const { cluster, options } = scene;
  await reached(scene, 1 / 4);
  const node = cluster.nodes[options.seed % cluster.nodes.length];
  if (node === undefined) throw new Error('there is no node to stop');
  await pause(scene, node);
}

/** The same at once, for this node. */
export async function pause(scene: Scene, node: Target): Promise<void> {
  const { cluster, options, rows } = scene;
  // Connections made while it runs: what is sent on them later waits in its sockets.
  const waiting = targetOf(node.port, WAITING_WRITES + 3);
  await Promise.all(
    Array.from({ length: WAITING_WRITES + 3 }, () => ask(waiting, { method: 'GET', path: '/livez' }, 5_000)),
  );
  const victim = await stopNode(node);
  rows.push(['stopped (SIGSTOP)', `${victim.id} (pid ${victim.pid})`]);
  const late = askStopped(scene, waiting, options.pauseSeconds * 1000 + CATCHES_UP_WITHIN_MS);
  if (cluster.isSupervised) {
    rows.push([
      `${victim.id} ready again`,
      `${durationText(await backAgain(victim))} after the stop (killed and started again)`,
    ]);
  } else {
    await delay(options.pauseSeconds * 1000);
    if (!isAlive(victim.pid)) scene.tally.fault('ineffective', `${victim.id} did not live through its stop`);
    continueNode(victim);
    await watchCatchingUp(scene, victim);
  }
  rows.push(['what waited was answered', (await late()).join(', ')]);
}

/** Sends writes and reads to the stopped node; the result, once awaited, says how they were answered. */
function askStopped(scene: Scene, waiting: ReturnType<typeof targetOf>, timeoutMs: number): Late {
  const writes = Array.from({ length: WAITING_WRITES }, (_, n) =>
    ask(waiting, { method: 'PUT', path: keyPath(waitingKey(n)), body: 'too late' }, timeoutMs),
  );
  const sentAt = performance.now();
  const token = scene.record.newestBefore(sentAt);
  const reads = (['eventual', 'session', 'linearizable'] as const).map(async (consistency) => {
    const headers = consistency === 'session' ? { 'chorus-min-revision': String(token) } : {};
    const path = keyPath(CLOCK_KEY, `?consistency=${consistency}`);
    const answer = await ask(waiting, { method: 'GET', path, headers }, timeoutMs);
    if (answer.kind === 'answered' && answer.status === 200) {
      const { node, revision, lagMs } = answer;
      const fact = staleness(scene.record, { consistency, node, sentAt, revision, lagMs, token });
      if (fact !== undefined) scene.tally.fault('stale', fact);
    }
    return answer;
  });
  return async () => {
    const answers = await Promise.all(writes);
    for (const [n, answer] of answers.entries()) {
      if (answer.kind === 'answered' && answer.status < 300) {
        scene.tally.fault('late', `${waitingKey(n)} waited in the stopped node's socket and was executed after it`);
      }
    }
    return [...countsOf('write', answers), ...countsOf('read', await Promise.all(reads))];
  };
}

/** From the continuation on: how long writes are refused, and what lag eventual reads say. */
async function watchCatchingUp(scene: Scene, { node, id }: Victim): Promise<void> {
  const beganAt = performance.now();
  const statuses = new Map<string, number>();
  let highestLagMs = 0;
  const isWriting = async () => {
    const sentAt = performance.now();
    const read = await ask(node, { method: 'GET', path: keyPath(CLOCK_KEY, '?consistency=eventual') }, 5_000);
    if (read.kind === 'answered' && read.status === 200) {
      highestLagMs = Math.max(highestLagMs, read.lagMs);
      const { revision, lagMs } = read;
      const fact = staleness(scene.record, { consistency: 'eventual', node: id, sentAt, revision, lagMs, token: 0 });
      if (fact !== undefined) scene.tally.fault('stale', fact);
    }
    const path = keyPath('drill/after-pause');
    const write = await ask(node, { method: 'PUT', path, body: 'x' }, 5_000);
    const status = write.kind === 'answered' ? String(write.status) : write.trouble;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    return write.kind === 'answered' && write.status < 300;
  };
  await until(isWriting, CATCHES_UP_WITHIN_MS, `${id} taking writes again`);
  const answered = [...statuses].map(([status, count]) => `${status} × ${count}`).join(', ');
  scene.rows.push([`${id} continued`, `takes writes after ${durationText(performance.now() - beganAt)} (${answered})`]);
  scene.rows.push(['its eventual reads', `said a lag of up to ${durationText(highestLagMs)}`]);
}

function countsOf(name: string, answers: readonly (Answered | Lost)[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const how = `${name} ${answer.kind === 'answered' ? answer.status : answer.trouble}`;
    counts.set(how, (counts.get(how) ?? 0) + 1);
  }
  return [...counts].map(([how, count]) => `${how} × ${count}`);
}
