// The restores of a run: whether it has any, of which backups, and what must hold of all that operators were answered.
import type { LogRecord } from '../../src/log/commit-log.ts';
import { openInMemory } from './backup-memory.ts';
import { type Backup, makeBackup } from './backup-source.ts';
import type { SimulatedCluster } from './cluster.ts';
import type { Operator, Sending, TakenBackup } from './operator.ts';
import type { Replay } from './replay.ts';
import type { Scheduler } from './scheduler.ts';
import { faultOf } from './snapshots.ts';
import type { Swarm } from './swarm.ts';

type PlannedRestore = {
  readonly backup: Backup;
  /** After the beginning of the run. */
  readonly delayMs: number;
};

type RestorePlan = {
  readonly restores: readonly PlannedRestore[];
  /** Undefined: clients begin when the first part is in the log. Else so long after the beginning: theirs may be the first write. */
  readonly clientsAfterMs: number | undefined;
};

/** There are some in each eighth run: in the others nothing is drawn otherwise than without. */
export function isRestored(seed: number): boolean {
  return seed % 8 === 3;
}

/** One backup, and in half of the plans another's, at the same time or later: only one of them may come in. */
export async function planRestores({ limits }: Swarm, chance: Scheduler): Promise<RestorePlan> {
  const size = Object.keys(limits).length > 0 ? 'few' : 'many';
  const first = { backup: await makeBackup('old-1', size, chance), delayMs: 0 };
  const clientsAfterMs = chance.random() < 0.3 ? chance.between(0, 800) : undefined;
  if (chance.random() < 0.5) return { restores: [first], clientsAfterMs };
  // Where memory is short this one does not fit at times.
  const rival = await makeBackup('old-2', chance.pick([size, 'many']), chance);
  return { restores: [first, { backup: rival, delayMs: chance.pick([0, 0, 30, 4000, 9000]) }], clientsAfterMs };
}

/** One sentence for each answer that the log does not bear out. */
export function answerFaults(sending: Sending, { restores }: Replay, falsified: string | undefined): string[] {
  const { backup, sent, answers, isEnded } = sending;
  const faults = isEnded ? [] : [`the sending of ${backup.name} never came to an end`];
  const opening = restores.openings.find((one) => one.backup === backup.name);
  for (const { processName, result, revision } of answers) {
    if (result.kind !== 'restored' || processName === falsified) continue;
    const isTrue = result.keys === backup.entries.size && result.revision === backup.revision;
    if (!isTrue || result.cluster !== backup.cluster)
      faults.push(`${processName} said that it restored ${result.keys} keys of revision ${result.revision}`);
    if (opening === undefined || opening.revision > revision)
      faults.push(`${processName} said at revision ${revision} that ${backup.name} was restored, and it was not`);
  }
  const isRefused = answers.every(({ result }) => result.kind === 'refused' || result.kind === 'unusable');
  if (answers.length === sent && isRefused && restores.begun.has(backup.name))
    faults.push(`each sending of ${backup.name} was refused, and parts of it were taken`);
  return faults;
}

/** S1, of what was given away: each backup is the state of its revision, from which the rest of the log leads to the same end. */
export async function takenFaults(
  operators: readonly Operator[],
  cluster: SimulatedCluster,
  history: readonly LogRecord[],
  truth: Replay,
): Promise<string[]> {
  const faults: string[] = [];
  for (const { processName, revision, file } of operators.flatMap(({ taken }) => taken)) {
    const isKnown = cluster.isSpoilt(`${revision}-${processName}-`) || processName === cluster.falsified;
    const fault = isKnown ? undefined : await faultOfTaken({ processName, revision, file }, history, truth);
    if (fault !== undefined) faults.push(`the backup of revision ${revision} from ${processName}: ${fault}`);
  }
  return faults;
}

async function faultOfTaken({ revision, file }: TakenBackup, history: readonly LogRecord[], truth: Replay) {
  const opened = await openInMemory(file);
  return opened.revision === revision ? faultOf(opened, history, truth) : `its file says ${opened.revision}`;
}
