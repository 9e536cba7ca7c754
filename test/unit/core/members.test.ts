// The members: who is live, who is on duty, whose frames count, and which of two incarnations stays.
import { describe, expect, test } from 'vitest';
import { MEMBER_LIMITS } from '../../../src/base/limits.ts';
import { authorOf, Cast } from './cast.ts';

const HOUR = MEMBER_LIMITS.forgottenAfterMs;

describe('the standing of a frame', () => {
  test('of an unknown author is new only if it joins; then only what has a higher number than the last one is new', () => {
    const { members } = new Cast();
    const author = authorOf('a/1');
    expect(members.standing(author, 1, false)).toBe('stranger');
    expect(members.standing(author, 1, true)).toBe('new');
    members.noteFrame(author, 5, 1, 1000);
    expect(members.standing(author, 5, true)).toBe('copy');
    expect(members.standing(author, 4, false)).toBe('copy');
    expect(members.standing(author, 6, false)).toBe('new');
    expect(members.standing(author, 60, false)).toBe('new');
  });

  test('is counted for each incarnation by itself', () => {
    const { members } = new Cast();
    members.noteFrame(authorOf('a/1'), 5, 1, 1000);
    expect(members.standing(authorOf('a/2'), 1, false)).toBe('stranger');
    expect(members.standing(authorOf('b/1'), 1, true)).toBe('new');
  });
});

describe('a member is live', () => {
  test('until another has written four heartbeats since its last one, however long that took', () => {
    const cast = new Cast();
    cast.beats('a/1', 'b/1', 'b/1', 'b/1');
    cast.now += HOUR - 1;
    expect(cast.isLive('a/1')).toBe(true);
    cast.beat('b/1');
    expect(cast.isLive('a/1')).toBe(false);
    expect(cast.isLive('b/1')).toBe(true);
  });

  test('again with its next heartbeat', () => {
    const cast = new Cast();
    cast.beats('a/1', 'b/1', 'b/1', 'b/1', 'b/1', 'b/1');
    expect(cast.isLive('a/1')).toBe(false);
    cast.beat('a/1');
    expect(cast.isLive('a/1')).toBe(true);
  });

  test('though three others wrote three heartbeats each: it is one other that must have written four', () => {
    const cast = new Cast();
    cast.beat('a/1');
    for (let round = 0; round < 3; round++) cast.beats('b/1', 'c/1', 'd/1');
    expect(cast.isLive('a/1')).toBe(true);
  });

  test('though its own predecessor wrote many', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/1', 'a/1', 'a/1', 'a/2');
    expect(cast.isLive('a/2')).toBe(true);
    expect(cast.isLive('a/1')).toBe(false);
  });

  test('not by frames without a heartbeat', () => {
    const cast = new Cast();
    cast.members.noteFrame(authorOf('a/1'), 1, 1, cast.now);
    expect(cast.isLive('a/1')).toBe(false);
    expect(cast.current).toEqual([]);
  });
});

describe('the duty', () => {
  test('is with the smallest id among the live and ready', () => {
    const cast = new Cast();
    expect(cast.duty).toBeUndefined();
    cast.beat('b/1', { isReady: false });
    expect(cast.duty).toBeUndefined();
    cast.beat('c/1');
    expect(cast.duty).toBe('c');
    cast.beat('b/1');
    expect(cast.duty).toBe('b');
    cast.beat('a/1', { isReady: false });
    expect(cast.duty).toBe('b');
    cast.beat('a/1');
    expect(cast.duty).toBe('a');
  });

  test('passes on when its holder dies or says that it is not ready any more', () => {
    const cast = new Cast();
    cast.beats('a/1', 'b/1', 'c/1');
    cast.beats('c/1', 'c/1');
    expect(cast.duty).toBe('a');
    cast.beat('c/1');
    expect(cast.duty).toBe('c');
    cast.beat('b/1');
    expect(cast.duty).toBe('b');
    cast.beat('b/1', { isReady: false });
    expect(cast.duty).toBe('c');
  });

  test('goes by byte order of the ids', () => {
    const cast = new Cast();
    cast.beats('node-2/1', 'node-10/1', 'Z/1', 'é/1');
    expect(cast.members.current.map((member) => member.node)).toEqual(['Z', 'node-10', 'node-2', 'é']);
    expect(cast.duty).toBe('Z');
  });
});

describe('two incarnations of one nodeId', () => {
  test('the first heartbeat of the new one takes the place at once', () => {
    const cast = new Cast();
    cast.beats('a/1', 'b/1', 'a/2');
    expect(cast.current).toEqual(['a/2', 'b/1']);
    expect(cast.isOusted('a/1')).toBe(false);
    expect(cast.isOusted('a/2')).toBe(false);
  });

  test('one late heartbeat of the old one changes nothing', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/2', 'a/1', 'a/2', 'a/2');
    expect(cast.current).toEqual(['a/2']);
    expect(cast.isOusted('a/2')).toBe(false);
  });

  test('two of them say that it lives: then the older goes on and the younger must end', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/2', 'a/1', 'a/1');
    expect(cast.current).toEqual(['a/1']);
    expect(cast.isOusted('a/2')).toBe(true);
    expect(cast.isOusted('a/1')).toBe(false);
  });

  test('those that it sent before it could know of the new one say nothing, however late they come', () => {
    const cast = new Cast();
    cast.beat('a/1');
    const knows = cast.revision;
    cast.beat('a/2');
    for (let i = 0; i < 3; i++) cast.beat('a/1', { knows });
    expect(cast.current).toEqual(['a/2']);
    expect(cast.isOusted('a/2')).toBe(false);
  });

  test('the younger cannot take the place back, however often it writes', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/2', 'a/1', 'a/1', 'a/2', 'a/2', 'a/2', 'a/2');
    expect(cast.current).toEqual(['a/1']);
    expect(cast.isOusted('a/2')).toBe(true);
  });

  test('a third one takes the place of both', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/2', 'a/1', 'a/1', 'a/3');
    expect(cast.current).toEqual(['a/3']);
    expect(cast.isOusted('a/3')).toBe(false);
  });

  test('an old one whose rival was forgotten takes its place again', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/2');
    const rival = cast.member('a/2');
    // Not by the clock: its place went to others, the longest dead first.
    cast.now += 1;
    for (let n = 0; n < MEMBER_LIMITS.heartbeatsMissed; n++) cast.beat('b/1');
    cast.beat('a/1');
    for (let n = 0; n < MEMBER_LIMITS.maxMembers - 2; n++) cast.beat(`c-${n}/1`);
    expect(cast.member('a/2')).toBeUndefined();
    expect(rival?.isSuperseded).toBe(false);
    cast.beat('a/1');
    expect(cast.current).toContain('a/1');
    expect(cast.isLive('a/1')).toBe(true);
  });
});

describe('a dead member is forgotten', () => {
  test('after an hour of log time, at the next heartbeat of anybody, and not before', () => {
    const cast = new Cast();
    cast.beats('a/1', 'b/1', 'b/1', 'b/1', 'b/1');
    cast.beat('b/1', { after: HOUR - 1 });
    expect(cast.current).toEqual(['a/1', 'b/1']);
    cast.beat('b/1', { after: 1 });
    expect(cast.current).toEqual(['b/1']);
    expect(cast.member('a/1')).toBeUndefined();
  });

  test('not while it is live, though the log stood still for an hour', () => {
    const cast = new Cast();
    cast.beats('a/1', 'b/1');
    cast.beat('b/1', { after: 2 * HOUR });
    expect(cast.current).toEqual(['a/1', 'b/1']);
  });

  test('and so is an old incarnation', () => {
    const cast = new Cast();
    cast.beats('a/1', 'a/2');
    cast.beat('a/2', { after: HOUR });
    expect(cast.member('a/1')).toBeUndefined();
  });

  test('the longest dead first when there are more than 64', () => {
    const cast = new Cast();
    const { maxMembers } = MEMBER_LIMITS;
    for (let n = 0; n < maxMembers; n++) cast.beat(`n-${String(n).padStart(2, '0')}/1`);
    cast.beat('n-00/1'); // so n-01 wrote the longest ago
    for (let n = 0; n < MEMBER_LIMITS.heartbeatsMissed; n++) cast.beat('n-63/1');
    cast.beat('n-01/1'); // live again, and n-02 the longest dead
    expect(cast.members.current.length).toBe(maxMembers);
    cast.beat('z/1');
    expect(cast.members.current.length).toBe(maxMembers);
    expect(cast.member('n-02/1')).toBeUndefined();
    cast.beat('z/2');
    expect(cast.member('n-03/1')).toBeUndefined();
    for (const name of ['n-00/1', 'n-01/1', 'n-04/1', 'n-63/1', 'z/2']) expect(cast.member(name)).toBeDefined();
  });
});

test('the digest of the members tells every fact of them that decides anything', () => {
  const plays: readonly (readonly string[])[] = [
    ['a/1'],
    ['b/1'],
    ['a/2'],
    ['a/1', 'a/1'],
    ['a/1', 'a/2'],
    ['a/2', 'a/1'],
    ['a/1', 'a/2', 'a/1'],
    ['a/1', 'a/2', 'a/1', 'a/1'],
  ];
  const digestAfter = (play: readonly string[]) => {
    const cast = new Cast();
    cast.beats(...play);
    return cast.digest;
  };
  expect(new Set(plays.map(digestAfter)).size).toBe(plays.length);
  for (const play of plays) expect(digestAfter(play)).toBe(digestAfter(play));
  const notReady = new Cast();
  notReady.beat('a/1', { isReady: false });
  expect(notReady.digest).not.toBe(digestAfter(['a/1']));
});
