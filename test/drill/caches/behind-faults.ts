// The faults of the write-behind drill: the flusher killed, the database killed, the flusher stopped beyond its duty.
import { setTimeout as delay } from 'node:timers/promises';
import type { ChorusNodeServer } from '../../servers/chorus.ts';
import { isAlive, until } from '../faults.ts';
import { isReady } from '../members.ts';
import { durationText, type Row } from '../report.ts';
import { ask, type Target } from '../requests.ts';
import type { Tally } from '../tally.ts';
import { CACHE } from './behind-load.ts';
import type { HeldWay } from './held-way.ts';
import type { KeptHistory } from './kept-history.ts';

export type BehindNode = { readonly target: Target; readonly server: ChorusNodeServer; readonly way: HeldWay };

export type BehindScene = {
  readonly nodes: readonly BehindNode[];
  readonly database: KeptHistory;
  readonly tally: Tally;
  /** What the faults did, for the table. */
  readonly rows: Row[];
};

const TIMEOUT_MS = 2000;
const WITHIN_MS = 60_000;
/** What must be acknowledged while a fault lasts: else there was no load to speak of. */
const LEAST_WRITES = 20;
const PAUSES_TRIED = 5;
const GOES_ON_WITHIN_MS = 4000;

/** What a flush says to the database as it raises the fence, and at its end. */
const MOMENTS = { fence: 'UPDATE "chorus_fence"', commit: 'COMMIT' } as const;

export const KILLS = ['at any moment', 'before its flush wrote anything', 'before it heard of its commit'] as const;
type Kill = (typeof KILLS)[number];

/** kill -9 of the node on duty, which is started again at once, or when another one has flushed. */
export async function killDuty(scene: BehindScene, kill: Kill, isLeftDead: boolean): Promise<void> {
  const { database, tally, rows } = scene;
  const { way, server } = await (kill === 'at any moment'
    ? dutyNode(scene)
    : flushingNode(scene, kill === 'before its flush wrote anything' ? 'fence' : 'commit'));
  const acknowledged = tally.acknowledged;
  await server.server.kill();
  const killedAt = performance.now();
  let said = '';
  if (kill === 'before its flush wrote anything') way.drop();
  if (kill === 'before it heard of its commit') said = await way.release(TIMEOUT_MS);
  if (kill === 'before it heard of its commit' && !said.includes('COMMIT')) {
    tally.fault(
      'ineffective',
      `the commit of ${server.id} did not come through: ${JSON.stringify(said.slice(0, 100))}`,
    );
  }
  const { changes } = await database.progress();
  const flushes = until(async () => (await database.progress()).changes > changes, WITHIN_MS, 'a flush after the kill');
  const flushed = flushes.then(() => durationText(performance.now() - killedAt));
  const taken = isLeftDead ? await anotherOnDuty(scene, server.id) : server.id;
  const takenAfter = durationText(performance.now() - killedAt);
  if (isLeftDead) await flushed;
  await server.server.start();
  const flushedAfter = await flushed;
  await settled(scene);
  requireLoad(tally, acknowledged, `the kill of ${server.id}`);
  const then = isLeftDead ? `${taken} on duty after ${takenAfter}` : 'started again at once';
  rows.push([`killed -9 ${server.id}`, `${kill}; ${then}; flushed after ${flushedAfter}`]);
}

/** kill -9 of the database, for so many seconds. */
export async function stopDatabase(scene: BehindScene, seconds: number): Promise<void> {
  const { database, tally, rows } = scene;
  const before = await database.progress();
  const acknowledged = tally.acknowledged;
  await database.server.kill();
  if (await database.server.isReady()) tally.fault('ineffective', 'the database answers after its kill');
  const endsAt = performance.now() + seconds * 1000;
  let unsaved = 0;
  let trouble = '';
  while (performance.now() < endsAt) {
    const { target } = await dutyNode(scene);
    const view = await viewOf(target);
    unsaved = Math.max(unsaved, view?.unsaved ?? 0);
    trouble = view?.flusher?.trouble ?? trouble;
    await delay(200);
  }
  if (trouble === '') tally.fault('ineffective', 'the flusher had no trouble while the database was down');
  const during = tally.acknowledged - acknowledged;
  const backAt = performance.now();
  await database.server.start();
  await until(async () => (await database.progress()).changes > before.changes, WITHIN_MS, 'a flush after the outage');
  requireLoad(tally, acknowledged, 'the outage of the database');
  const flushed = `flushes go on ${durationText(performance.now() - backAt)} after its start`;
  rows.push([
    'database killed -9',
    `down for ${seconds} s: ${during} writes, up to ${unsaved} keys waiting; ${flushed}`,
  ]);
}

/** SIGSTOP of the node on duty in the middle of a flush, until another one has flushed; then what it had said arrives, and it goes on. */
export async function stopDuty(scene: BehindScene, moment: keyof typeof MOMENTS): Promise<void> {
  const { database, tally, rows } = scene;
  const acknowledged = tally.acknowledged;
  const { node, fence } = await stoppedInFlush(scene, moment);
  const { server, way } = node;
  const stoppedAt = performance.now();
  try {
    const other = await anotherOnDuty(scene, server.id);
    const isOvertaken = async () => (await database.progress()).fence > fence;
    await until(isOvertaken, WITHIN_MS, `a flush of ${other} while ${server.id} is stopped`);
    const stoppedFor = durationText(performance.now() - stoppedAt);
    const said = await way.release(TIMEOUT_MS);
    const effect = effectOf(moment, said);
    if (effect === undefined)
      tally.fault('older', `the flush of ${server.id} took effect after ${stoppedFor}: ${JSON.stringify(said)}`);
    if (!isAlive(server.server.pid ?? 0)) tally.fault('ineffective', `${server.id} did not live through its stop`);
    rows.push([
      `stopped ${server.id}`,
      `before its ${moment}, for ${stoppedFor}; ${other} flushed; then ${effect ?? 'it took effect'}`,
    ]);
  } finally {
    way.forget();
    server.server.resume();
  }
  await settled(scene);
  requireLoad(tally, acknowledged, `the stop of ${server.id}`);
}

type View = {
  readonly unsaved: number;
  readonly failed: number;
  readonly flusher?: { readonly trouble?: string };
};

/** What a node says of the cache. */
export async function viewOf(node: Target): Promise<View | undefined> {
  const answer = await ask(node, { method: 'GET', path: `/v1/caches/${CACHE}` }, TIMEOUT_MS);
  return answer.kind === 'answered' && answer.status === 200 ? (JSON.parse(answer.body) as View) : undefined;
}

/** All nodes are ready and see the same one on duty: the first. */
async function settled({ nodes }: BehindScene): Promise<void> {
  const isSettled = async () => {
    const duties = await Promise.all(nodes.map(({ target }) => dutyAsSeenBy(target)));
    const areReady = await Promise.all(nodes.map(({ target }) => isReady(target)));
    return areReady.every(Boolean) && duties.every((id) => id === nodes[0]?.server.id);
  };
  await until(isSettled, WITHIN_MS, 'three ready nodes with the first of them on duty');
}

/** The node on duty, if it lives; waits until there is one. */
async function dutyNode(scene: BehindScene): Promise<BehindNode> {
  let found: BehindNode | undefined;
  const isFound = async () => {
    const ids = await Promise.all(scene.nodes.map(({ target }) => dutyAsSeenBy(target)));
    found = scene.nodes.find(({ server }) => ids.includes(server.id) && server.server.isRunning);
    return found !== undefined;
  };
  await until(isFound, WITHIN_MS, 'a node on duty');
  if (found === undefined) throw new Error('there is no node on duty');
  return found;
}

async function anotherOnDuty(scene: BehindScene, than: string): Promise<string> {
  let other: string | undefined;
  const isFound = async () => {
    const others = scene.nodes.filter(({ server }) => server.id !== than);
    const ids = await Promise.all(others.map(({ target }) => dutyAsSeenBy(target)));
    other = ids.find((id) => id !== undefined && id !== than);
    return other !== undefined;
  };
  await until(isFound, WITHIN_MS, `another node on duty than ${than}`);
  return other ?? '';
}

async function dutyAsSeenBy(node: Target): Promise<string | undefined> {
  const answer = await ask(node, { method: 'GET', path: '/v1/cluster' }, TIMEOUT_MS);
  if (answer.kind === 'lost' || answer.status !== 200) return undefined;
  const { members } = JSON.parse(answer.body) as {
    members: readonly { readonly node: string; readonly duty: boolean }[];
  };
  return members.find(({ duty }) => duty)?.node;
}

/** The node whose flush is held back at this moment: whoever comes there first. */
async function flushingNode({ nodes }: BehindScene, moment: keyof typeof MOMENTS): Promise<BehindNode> {
  const timeout = delay(WITHIN_MS, undefined, { ref: false }).then(() => {
    throw new Error(`no flush came to its ${moment} within ${WITHIN_MS} ms`);
  });
  const first = await Promise.race([timeout, ...nodes.map((node) => node.way.hold(MOMENTS[moment]).then(() => node))]);
  for (const node of nodes) if (node !== first) node.way.forget();
  return first;
}

/** On the embedded log a node may be stopped while it holds the log's lock, which stops all others: then it is tried again. */
async function stoppedInFlush(scene: BehindScene, moment: keyof typeof MOMENTS) {
  const { database, tally } = scene;
  for (let tries = 1; ; tries++) {
    const node = await flushingNode(scene, moment);
    const { fence } = await database.progress();
    await node.server.server.pause();
    const due = tally.acknowledged + LEAST_WRITES;
    try {
      await until(() => tally.acknowledged >= due, GOES_ON_WITHIN_MS, `writes while ${node.server.id} is stopped`);
      return { node, fence };
    } catch (error) {
      node.way.forget();
      node.server.server.resume();
      if (tries === PAUSES_TRIED) throw error;
    }
  }
}

/** What became of what a stopped node had said; undefined: it was done. */
function effectOf(moment: keyof typeof MOMENTS, said: string): string | undefined {
  if (said === '' || said.includes('terminating connection')) return 'the database had hung up';
  if (moment === 'fence' && said.includes('UPDATE 0')) return 'the fence refused it';
  return said.includes(moment === 'commit' ? 'COMMIT' : 'UPDATE 1') ? undefined : 'the database refused it';
}

function requireLoad(tally: Tally, before: number, what: string): void {
  const during = tally.acknowledged - before;
  if (during < LEAST_WRITES) tally.fault('ineffective', `only ${during} writes were acknowledged during ${what}`);
}
