// The members of the cluster by their heartbeats in the log: who is live, who does the chores, whose frames were applied.

import type { Hasher } from '../base/hash.ts';
import { MEMBER_LIMITS } from '../base/limits.ts';
import type { DigestReport, Heartbeat } from './commands/command.ts';

/** One incarnation (process lifetime) of a node. Only the current one of each nodeId is a member in the cluster's sense. */
export type Member = {
  readonly node: string;
  readonly incarnation: string;
  /** Revision at which it was first heard of: says which of two incarnations is the older. */
  readonly firstRevision: number;
  /** The highest n of its frames that was applied. */
  lastFrame: number;
  /** Revisions of its latest heartbeats, newest last; at most MEMBER_LIMITS.heartbeatsMissed. */
  heartbeats: number[];
  /** Log time of its latest heartbeat or frame. */
  lastSeen: number;
  latest: Heartbeat | undefined;
  /** Another incarnation of the nodeId took its place. */
  isSuperseded: boolean;
  reports: DigestReport[];
};

/** 'copy': this frame was applied before. 'stranger': nothing is known of its author, and it does not begin by joining. */
export type Standing = 'new' | 'copy' | 'stranger';

type Author = { readonly node: string; readonly incarnation: string };

export class Members {
  readonly #members: Member[] = [];
  /** How often a member reported another digest than somebody else at the same offset. */
  disagreements = 0;

  /** The current incarnations, in byte order of their nodeIds. */
  get current(): readonly Member[] {
    return this.#members
      .filter((member) => !member.isSuperseded && member.heartbeats.length > 0)
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Every incarnation that is known of, in the order in which they joined. */
  get all(): readonly Member[] {
    return this.#members;
  }

  /** Takes over what a snapshot holds, in its order. */
  restore(members: readonly Member[]): void {
    this.#members.push(...members);
  }

  /** M2: a frame is applied only if its n is above the highest applied of its incarnation. */
  standing(author: Author, n: number, joins: boolean): Standing {
    const member = this.find(author);
    if (member === undefined) return joins ? 'new' : 'stranger';
    return n > member.lastFrame ? 'new' : 'copy';
  }

  /** Notes a frame that is about to be applied. */
  noteFrame(author: Author, n: number, revision: number, now: number): void {
    const member = this.find(author) ?? this.#join(author, revision, now);
    member.lastFrame = n;
    member.lastSeen = now;
  }

  heartbeat(author: Author, heartbeat: Heartbeat, revision: number, now: number): void {
    const member = this.find(author) ?? this.#join(author, revision, now);
    const rival = this.#members.find((other) => other.node === member.node && other !== member && isCurrent(other));
    if (rival !== undefined) this.#contend(member, rival, heartbeat.revision);
    else member.isSuperseded = false; // Its rival was forgotten: or else it would belong to no nodeId for ever.
    member.heartbeats = [...member.heartbeats, revision].slice(-MEMBER_LIMITS.heartbeatsMissed);
    member.lastSeen = now;
    member.latest = heartbeat;
    if (heartbeat.report !== undefined) this.#report(member, heartbeat.report);
    this.#forget(now);
  }

  find(author: Author): Member | undefined {
    return this.#members.find((member) => member.node === author.node && member.incarnation === author.incarnation);
  }

  /** An older incarnation of its nodeId goes on writing: this one, the younger, must end. */
  isOusted(author: Author): boolean {
    const member = this.find(author);
    if (member?.isSuperseded !== true) return false;
    return this.#members.some(
      (other) => other.node === member.node && isCurrent(other) && other.firstRevision < member.firstRevision,
    );
  }

  /** No other member has written four heartbeats since its last one: counted, so that no clock is asked. */
  isLive(member: Member): boolean {
    const last = member.heartbeats.at(-1);
    if (last === undefined || member.isSuperseded) return false;
    return this.#members.every((other) => other === member || !isCurrent(other) || fourthLast(other) <= last);
  }

  /** The live and ready member with the smallest id, if there is any. */
  duty(): Member | undefined {
    return this.current.find((member) => member.latest?.isReady === true && this.isLive(member));
  }

  live(): readonly Member[] {
    return this.current.filter((member) => this.isLive(member));
  }

  liveReady(): readonly Member[] {
    return this.live().filter((member) => member.latest?.isReady === true);
  }

  hashInto(hasher: Hasher): void {
    hasher.number(this.#members.length).number(this.disagreements);
    for (const member of this.#members) hashMember(hasher, member);
  }

  #join(author: Author, revision: number, now: number): Member {
    const { node, incarnation } = author;
    const member: Member = {
      node,
      incarnation,
      firstRevision: revision,
      lastFrame: 0,
      heartbeats: [],
      lastSeen: now,
      latest: undefined,
      isSuperseded: false,
      reports: [],
    };
    this.#members.push(member);
    return member;
  }

  // The younger of two takes the nodeId when it joins. Heartbeats of a dead incarnation may still land then, any number of them;
  // but one by a process that had already applied its rival's first command proves that both live: the older goes on.
  #contend(member: Member, rival: Member, applied: number): void {
    const isOlder = member.firstRevision < rival.firstRevision;
    const prevails = isOlder ? applied >= rival.firstRevision : !member.isSuperseded;
    member.isSuperseded = !prevails;
    rival.isSuperseded = prevails;
  }

  #report(member: Member, report: DigestReport): void {
    if (member.reports.at(-1)?.offset === report.offset) return;
    const isDisputed = this.current.some(
      (other) =>
        other !== member && other.reports.some((o) => o.offset === report.offset && o.digest !== report.digest),
    );
    if (isDisputed) this.disagreements++;
    member.reports = [...member.reports, report].slice(-MEMBER_LIMITS.reportsKept);
  }

  #forget(now: number): void {
    const isForgotten = (member: Member) =>
      now - member.lastSeen >= MEMBER_LIMITS.forgottenAfterMs && !this.isLive(member);
    for (const member of this.#members.filter(isForgotten)) this.#remove(member);
    while (this.#members.length > MEMBER_LIMITS.maxMembers) this.#remove(this.#longestDead());
  }

  #longestDead(): Member {
    const rank = (member: Member) => (this.isLive(member) ? Number.MAX_SAFE_INTEGER / 2 : 0) + lastRevision(member);
    return this.#members.reduce((least, member) => (rank(member) < rank(least) ? member : least));
  }

  #remove(member: Member): void {
    this.#members.splice(this.#members.indexOf(member), 1);
  }
}

function isCurrent(member: Member): boolean {
  return !member.isSuperseded && member.heartbeats.length > 0;
}

function lastRevision(member: Member): number {
  return member.heartbeats.at(-1) ?? member.firstRevision;
}

function fourthLast(member: Member): number {
  const { heartbeats } = member;
  return heartbeats.length < MEMBER_LIMITS.heartbeatsMissed ? 0 : (heartbeats[0] ?? 0);
}

function hashMember(hasher: Hasher, member: Member): void {
  hasher.text(member.node).text(member.incarnation).number(member.firstRevision);
  hasher.number(member.lastFrame).number(member.lastSeen);
  hasher.number(member.isSuperseded ? 1 : 0);
  for (const revision of member.heartbeats) hasher.number(revision);
  for (const { offset, revision, digest } of member.reports) hasher.number(offset).number(revision).bigint(digest);
  const latest = member.latest;
  if (latest === undefined) return;
  hasher.text(latest.address).number(latest.pid).text(latest.version).number(latest.featureLevel);
  hasher
    .number(latest.isReady ? 1 : 0)
    .number(latest.revision)
    .number(latest.lagMs);
  hasher.number(latest.keys).number(latest.bytes);
}
