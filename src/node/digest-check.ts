// Asks the whole cluster for its digests at one common offset: a checkpoint in the log, then the members' reports of it.
import type { Clock } from '../base/world.ts';
import type { DigestReport } from '../core/commands/command.ts';
import type { Machine } from '../core/machine.ts';
import { commonReports } from './agreement.ts';
import { encodeChore } from './chores.ts';
import { hexDigest } from './cluster-view.ts';
import type { Committer } from './committer.ts';
import type { Positions } from './positions.ts';
import type { DigestCheck, Refusal } from './requests.ts';

export type DigestCheckOptions = {
  readonly machine: Machine;
  readonly committer: Committer;
  readonly offsets: Positions;
  readonly clock: Clock;
  refusal(): Refusal | undefined;
};

const CHECKPOINT = encodeChore({ type: 'checkpoint' });

export async function checkDigests(options: DigestCheckOptions, timeoutMs: number): Promise<DigestCheck> {
  const { machine, committer, offsets, clock } = options;
  const reason = options.refusal();
  if (reason !== undefined) return { kind: 'refused', reason };
  const deadlineAt = clock.monotonicMs() + timeoutMs;
  const appended = committer.addChores([CHECKPOINT], deadlineAt);
  let reached = await offsets.reachTold(appended, deadlineAt);
  while (reached === 'reached') {
    const checkpoint = ((await appended) ?? 0) - 1;
    const reports = commonReports(machine.state.members.liveReady(), checkpoint);
    if (reports !== undefined) return verdict(reports);
    reached = await offsets.reach(machine.nextOffset + 1, deadlineAt);
  }
  return reached === 'timed-out' ? { kind: 'timed-out' } : { kind: 'refused', reason: 'paused' };
}

function verdict(reports: ReadonlyMap<string, DigestReport>): DigestCheck {
  const digests = Object.fromEntries([...reports].map(([node, report]) => [node, hexDigest(report.digest)]));
  const revision = [...reports.values()][0]?.revision ?? 0;
  return { kind: 'checked', agreed: new Set(Object.values(digests)).size === 1, revision, digests };
}
