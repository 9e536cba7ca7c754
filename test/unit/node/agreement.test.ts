// Agreement of the replicas: judged at one common offset, by more than half of the live ready members.
import { describe, expect, test } from 'vitest';
import { MEMBER_LIMITS } from '../../../src/base/limits.ts';
import { agreementOf, commonReports } from '../../../src/node/agreement.ts';
import { Cast } from '../core/cast.ts';

describe('agreement', () => {
  test('is what more than half report, and names those who report otherwise', () => {
    const cast = new Cast();
    report(cast, 'a/1', 10, 1n);
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ offset: 10, digest: 1n, minority: [] });
    report(cast, 'b/1', 10, 2n);
    report(cast, 'c/1', 10, 1n);
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ offset: 10, digest: 1n, minority: ['b'] });
  });

  test('of two members that differ there is none: nobody may call the other diverged', () => {
    const cast = new Cast();
    report(cast, 'a/1', 10, 1n);
    report(cast, 'b/1', 10, 2n);
    expect(agreementOf(cast.members.liveReady())).toBeUndefined();
    expect(cast.members.disagreements).toBe(1);
  });

  test('needs more than half of all, not of those who report', () => {
    const cast = new Cast();
    report(cast, 'a/1', 10, 1n);
    report(cast, 'b/1', 10, 1n);
    cast.beats('c/1', 'd/1');
    expect(agreementOf(cast.members.liveReady())).toBeUndefined();
    report(cast, 'c/1', 10, 1n);
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ digest: 1n });
  });

  test('is judged at one and the same offset, the latest at which it can be', () => {
    const cast = new Cast();
    report(cast, 'a/1', 10, 1n);
    report(cast, 'b/1', 10, 1n);
    report(cast, 'a/1', 20, 2n);
    report(cast, 'b/1', 30, 3n);
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ offset: 10 });
    report(cast, 'b/1', 20, 2n);
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ offset: 20 });
  });

  test('asks neither those who are not ready nor the dead', () => {
    const cast = new Cast();
    report(cast, 'a/1', 10, 1n);
    report(cast, 'b/1', 10, 2n);
    cast.beat('b/1', { isReady: false });
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ digest: 1n, minority: [] });
    cast.beat('b/1');
    for (let n = 0; n < MEMBER_LIMITS.heartbeatsMissed; n++) cast.beat('a/1');
    expect(agreementOf(cast.members.liveReady())).toMatchObject({ digest: 1n, minority: [] });
  });
});

describe('reports', () => {
  test('a disagreement is counted once for each member that says otherwise, not once for each heartbeat that repeats it', () => {
    const cast = new Cast();
    report(cast, 'a/1', 10, 1n);
    report(cast, 'b/1', 10, 1n);
    expect(cast.members.disagreements).toBe(0);
    report(cast, 'c/1', 10, 2n);
    expect(cast.members.disagreements).toBe(1);
    report(cast, 'c/1', 10, 2n);
    expect(cast.members.disagreements).toBe(1);
    report(cast, 'a/1', 20, 5n);
    report(cast, 'c/1', 20, 6n);
    expect(cast.members.disagreements).toBe(2);
  });

  test('the last eight of each member are kept', () => {
    const cast = new Cast();
    for (let offset = 1; offset <= 20; offset++) report(cast, 'a/1', offset, BigInt(offset));
    const offsets = cast.member('a/1')?.reports.map((kept) => kept.offset);
    expect(offsets).toEqual([13, 14, 15, 16, 17, 18, 19, 20]);
  });

  test('are common to all at the latest offset, not before the one asked for, that each of them has', () => {
    const digest = 1n;
    const at = (...offsets: number[]) => offsets.map((offset) => ({ offset, revision: offset, digest }));
    const members = [
      { node: 'a', reports: at(10, 20, 30) },
      { node: 'b', reports: at(5, 10, 20) },
    ];
    expect(commonReports(members, 0)?.get('b')?.offset).toBe(20);
    expect(commonReports(members, 20)?.get('a')?.offset).toBe(20);
    expect(commonReports(members, 21)).toBeUndefined();
    expect(commonReports([], 0)).toBeUndefined();
  });
});

function report(cast: Cast, name: string, offset: number, digest: bigint): void {
  cast.beat(name, { digest: { offset, revision: offset, digest } });
}
