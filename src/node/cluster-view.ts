// The cluster as this node sees it: its members, limits and agreement, for people and for /v1/cluster.
import type { Member } from '../core/members.ts';
import type { State } from '../core/state.ts';
import { agreementOf } from './agreement.ts';
import type { ClusterView, MemberView, SnapshotsView } from './requests.ts';

export type Viewpoint = {
  readonly node: string;
  readonly incarnation: string;
  readonly isReady: boolean;
  readonly lagMs: number;
  readonly snapshots: SnapshotsView;
  readonly quarantines: number;
};

export function clusterView(state: State, viewpoint: Viewpoint): ClusterView {
  const duty = state.members.duty();
  return {
    cluster: state.cluster,
    node: viewpoint.node,
    revision: state.revision,
    ready: viewpoint.isReady,
    logTime: isoTime(state.time.now),
    outcomeWindowSeconds: Math.floor(state.recent.windowMs(state.time.now) / 1000),
    disagreements: state.members.disagreements,
    quarantines: viewpoint.quarantines,
    minority: agreementOf(state.members.liveReady())?.minority ?? null,
    limits: { ...state.limits },
    members: state.members.current.map((member) => memberView(state, member, member === duty, viewpoint)),
    snapshots: viewpoint.snapshots,
  };
}

export function hexDigest(digest: bigint): string {
  return digest.toString(16).padStart(16, '0');
}

function memberView(state: State, member: Member, isDuty: boolean, viewpoint: Viewpoint): MemberView {
  const latest = member.latest;
  const isSelf = member.node === viewpoint.node && member.incarnation === viewpoint.incarnation;
  const report = member.reports.at(-1);
  return {
    node: member.node,
    address: latest?.address ?? '',
    pid: latest?.pid ?? 0,
    // A dead member stays in the list, with the time it was last seen, until it is forgotten.
    ready: isSelf ? viewpoint.isReady : latest?.isReady === true && state.members.isLive(member),
    duty: isDuty,
    revision: isSelf ? state.revision : (latest?.revision ?? 0),
    digest: report === undefined ? '' : hexDigest(report.digest),
    lagMs: Math.round(isSelf ? viewpoint.lagMs : (latest?.lagMs ?? 0)),
    keys: isSelf ? state.keyspace.keys : (latest?.keys ?? 0),
    bytes: isSelf ? state.keyspace.bytes : (latest?.bytes ?? 0),
    version: latest?.version ?? '',
    lastSeen: isoTime(member.lastSeen),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
