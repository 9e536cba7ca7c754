// The proof after the load: what clients were told is what the witness saw in the log, and the nodes are what the witness is.
import type { Judged } from './drill.ts';
import type { FullScene } from './full-scene.ts';
import type { HistoryEntry } from './history.ts';
import { judge } from './judgement.ts';
import { checkDigests, selfOf } from './members.ts';

/** Tells the tally of all that is not as it should be. */
export async function proof(scene: FullScene, history: readonly HistoryEntry[], least: number): Promise<Judged> {
  const { cluster, tally, witness, rowsBehind } = scene;
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error('there is no node');
  const behind = await rowsBehind.verify(node, tally);
  const digest = await compareDigests(scene);
  const revisions = await Promise.all(cluster.nodes.map(async (one) => (await selfOf(one))?.revision ?? 0));
  await witness.reached(Math.max(...revisions)).catch((error: Error) => tally.fault('witness', error.message));
  if (witness.trouble !== undefined) tally.fault('witness', witness.trouble);
  const places = comparePlaces(scene);
  const { faults, operations, registers, unknown, ids, repeated } = judge({ history, fates: witness.fates });
  for (const { kind, fact } of faults) tally.fault(kind, fact);
  if (tally.acknowledged < least) {
    tally.fault('too little', `${tally.acknowledged} writes were acknowledged, ${least} are the least`);
  }
  const open = unknown.applied + unknown.rejected + unknown.absent;
  const violations = tally.faultsOf('not linearizable') + tally.faultsOf('undecided');
  return {
    keys: witness.keys,
    rows: [
      ['linearizability', `${operations} operations upon ${registers} registers: ${violations} violations`],
      [
        'registers without an answer',
        `${open}, in the log: ${unknown.applied} applied, ${unknown.rejected} rejected, ${unknown.absent} never came`,
      ],
      ['ids in the log', `${ids}, ${repeated} of them more than once; applied twice: ${tally.faultsOf('doubled')}`],
      ['witness', `revision ${witness.revision}, ${witness.counters.copies} copies of frames, ${places}`],
      ['its digest', digest],
      ['written behind', behind],
    ],
  };
}

/** The nodes among each other is what `verify` compares. */
async function compareDigests({ cluster, tally, witness }: FullScene): Promise<string> {
  const [node] = cluster.nodes;
  const answer = node === undefined ? 'there is no node' : await checkDigests(node);
  if (typeof answer === 'string') {
    tally.fault('different', `digests could not be had: ${answer}`);
    return 'unknown';
  }
  await witness.reached(answer.revision).catch((error: Error) => tally.fault('witness', error.message));
  const own = witness.digestAt(answer.revision);
  for (const [id, digest] of Object.entries(answer.digests)) {
    if (digest === own) continue;
    tally.fault('different', `${id} has digest ${digest} at revision ${answer.revision}, the log gives ${own}`);
  }
  return `${own} at revision ${answer.revision}, as on ${Object.keys(answer.digests).join(', ')}`;
}

function comparePlaces({ written, tally, witness }: FullScene): string {
  for (const index of written.acknowledgedOrder) {
    const wanted = written.entries[index];
    if (wanted === undefined) continue;
    const found = witness.entry(wanted.key);
    if (found === undefined) tally.fault('lost', `${wanted.key} is not in the log`);
    else if (found.value !== wanted.value) tally.fault('different', `${wanted.key} is another in the log`);
    else if (found.revision !== written.revisions[index])
      tally.fault(
        'doubled',
        `${wanted.key} was acknowledged at ${written.revisions[index]}, it is of ${found.revision}`,
      );
  }
  return `${written.acknowledgedOrder.length} places compared`;
}
