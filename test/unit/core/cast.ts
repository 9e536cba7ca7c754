// A cast of members for the tests: each line of a play is a heartbeat written into the log.

import { Hasher } from '../../../src/base/hash.ts';
import type { DigestReport, Heartbeat } from '../../../src/core/commands/command.ts';
import { type Member, Members } from '../../../src/core/members.ts';

type Line = {
  readonly isReady?: boolean;
  /** ms of log time since the line before. */
  readonly after?: number;
  readonly digest?: DigestReport;
  /** Written before anything was applied by its author, and landed only now; otherwise all before it was applied. */
  readonly isLate?: boolean;
};

export class Cast {
  readonly members = new Members();
  now = 1_000_000;
  revision = 0;

  /** A heartbeat of `node/incarnation`, as the machine hands it in: the frame first. */
  beat(name: string, { isReady = true, after = 0, digest, isLate = false }: Line = {}): void {
    this.now += after;
    this.revision++;
    const author = authorOf(name);
    this.members.noteFrame(author, this.#lastFrame(name) + 1, this.revision, this.now);
    this.members.heartbeat(author, heartbeat(isReady, digest, isLate ? 0 : this.revision - 1), this.revision, this.now);
  }

  beats(...names: string[]): void {
    for (const name of names) this.beat(name);
  }

  member(name: string): Member | undefined {
    return this.members.find(authorOf(name));
  }

  isLive(name: string): boolean {
    const member = this.member(name);
    return member !== undefined && this.members.isLive(member);
  }

  isOusted(name: string): boolean {
    return this.members.isOusted(authorOf(name));
  }

  get duty(): string | undefined {
    return this.members.duty()?.node;
  }

  get current(): string[] {
    return this.members.current.map(({ node, incarnation }) => `${node}/${incarnation}`);
  }

  get digest(): bigint {
    const hasher = new Hasher().reset(0);
    this.members.hashInto(hasher);
    return hasher.value;
  }

  #lastFrame(name: string): number {
    return this.member(name)?.lastFrame ?? 0;
  }
}

export function authorOf(name: string): { node: string; incarnation: string } {
  const [node = '', incarnation = ''] = name.split('/');
  return { node, incarnation };
}

function heartbeat(isReady: boolean, report: DigestReport | undefined, revision: number): Heartbeat {
  return {
    type: 'heartbeat',
    cluster: 'cluster',
    address: 'localhost:1',
    pid: 1,
    version: '1',
    featureLevel: 1,
    isReady,
    revision,
    lagMs: 0,
    keys: 0,
    bytes: 0,
    report,
  };
}
