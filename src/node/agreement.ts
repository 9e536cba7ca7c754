// Whether the replicas agree: their digests compared at one offset, judged by a majority of the live ready members.
import type { DigestReport } from '../core/commands/command.ts';

export type Agreement = {
  readonly offset: number;
  readonly revision: number;
  /** What the majority reports. */
  readonly digest: bigint;
  /** Members that report another digest at this offset. */
  readonly minority: readonly string[];
};

type Reporter = { readonly node: string; readonly reports: readonly DigestReport[] };

/** At the latest offset at which more than half of the members report one and the same digest; undefined if there is none. */
export function agreementOf(members: readonly Reporter[]): Agreement | undefined {
  const offsets = new Set(members.flatMap((member) => member.reports.map((report) => report.offset)));
  for (const offset of [...offsets].sort((a, b) => b - a)) {
    const agreed = majorityAt(members, offset);
    if (agreed !== undefined) return agreed;
  }
  return undefined;
}

/** The members' reports at the latest offset, not before `from`, for which every one of them has a report. */
export function commonReports(
  members: readonly Reporter[],
  from: number,
): ReadonlyMap<string, DigestReport> | undefined {
  const offsets = members[0]?.reports.map((report) => report.offset).filter((offset) => offset >= from) ?? [];
  for (const offset of offsets.sort((a, b) => b - a)) {
    const reports = new Map<string, DigestReport>();
    for (const member of members) {
      const report = reportAt(member, offset);
      if (report !== undefined) reports.set(member.node, report);
    }
    if (reports.size === members.length) return reports;
  }
  return undefined;
}

function majorityAt(members: readonly Reporter[], offset: number): Agreement | undefined {
  for (const candidate of members) {
    const report = reportAt(candidate, offset);
    if (report === undefined) continue;
    const supporters = members.filter((member) => reportAt(member, offset)?.digest === report.digest);
    if (supporters.length * 2 <= members.length) continue;
    const minority = members.filter((member) => {
      const other = reportAt(member, offset);
      return other !== undefined && other.digest !== report.digest;
    });
    return { ...report, minority: minority.map((member) => member.node) };
  }
  return undefined;
}

function reportAt(member: Reporter, offset: number): DigestReport | undefined {
  return member.reports.find((report) => report.offset === offset);
}
