// Nodes killed in the midst of a chore: while one saves a snapshot, while the one on duty flushes rows to a database.
import { until } from './faults.ts';
import { dutyNode, type FullScene, pickNode } from './full-scene.ts';
import { killAndStart } from './node-faults.ts';
import { ask } from './requests.ts';

const TRIES = 6;
const CUT_WITHIN_MS = 30_000;
const FLUSH_WITHIN_MS = 20_000;

/** A snapshot that was asked for is cut at the node's own checkpoint: killed there, it can never say that it has saved it. */
export async function killSnapshotOwner(scene: FullScene): Promise<string> {
  const { witness } = scene;
  for (let n = 1; n <= TRIES; n++) {
    const node = pickNode(scene);
    const isCut = witness.next(
      (seen) => seen.node === node.id && seen.command.type === 'checkpoint',
      CUT_WITHIN_MS,
      `a checkpoint of ${node.id}`,
    );
    const asked = ask(node.target, { method: 'POST', path: '/v1/snapshots?timeout=20s' }, CUT_WITHIN_MS);
    const cut = await isCut.catch(() => undefined);
    if (cut === undefined) continue;
    const saved: unknown[] = [];
    const end = witness.hear((seen) => {
      if (seen.incarnation === cut.incarnation && seen.command.type === 'snapshot-saved') saved.push(seen);
    });
    const how = await killAndStart([node]);
    end();
    const answer = await asked;
    if (answer.kind === 'lost' && saved.length === 0) return `cut, killed and never saved: ${how}`;
  }
  throw new Error(`in ${TRIES} tries no node was killed between the cut of a snapshot and its end`);
}

export async function killFlusher(scene: FullScene): Promise<string> {
  const { rowsBehind } = scene;
  for (let n = 1; n <= TRIES; n++) {
    const node = await dutyNode(scene);
    const pid = node.server.pid ?? 0;
    await until(() => rowsBehind.isFlushing(pid), FLUSH_WITHIN_MS, `a flush by ${node.id}`);
    const how = await killAndStart([node]);
    if (rowsBehind.isFlushing(pid)) return `a flush was begun and never ended: ${how}`;
  }
  throw new Error(`in ${TRIES} tries no node was killed in mid-flush`);
}
