// Watchers are given each event of their prefix once, in order, from wherever they come; a slow one is cut off.
import { beforeEach, describe, expect, test } from 'vitest';
import { WATCH_LIMITS } from '../../../src/base/limits.ts';
import { Machine } from '../../../src/core/machine.ts';
import type { Position } from '../../../src/node/history.ts';
import type { Refusal, WatchResult, WatchSink } from '../../../src/node/requests.ts';
import { Watches } from '../../../src/node/watches.ts';
import { MapKeyspace } from '../../model/map-keyspace.ts';

const WHOLE = Number.POSITIVE_INFINITY;

let machine: Machine;
let watches: Watches;
let timers: { at: number; task: () => void }[];
let now: number;
let refusal: Refusal | undefined;

beforeEach(() => {
  timers = [];
  now = 0;
  refusal = undefined;
  build({});
});

function build(history: { maxEvents?: number }): void {
  machine = new Machine(new MapKeyspace());
  watches = new Watches({
    machine,
    history,
    refusal: () => refusal,
    clock: {
      monotonicMs: () => now,
      wallMs: () => now,
      nextTurn: () => Promise.resolve(),
      after(ms, task) {
        const timer = { at: now + ms, task };
        timers.push(timer);
        return () => {
          timers = timers.filter((other) => other !== timer);
        };
      },
    },
  });
  watches.applied(0);
}

/** One record with one command that puts all these keys. */
function record(...keys: string[]): void {
  const { state } = machine;
  state.revision++;
  for (const key of keys) {
    const entry = { value: Buffer.from(key), contentType: 't', revision: state.revision, expiresAt: 0 };
    state.keep('put', Buffer.from(key), entry);
  }
  watches.applied(0);
}

class Watcher implements WatchSink {
  readonly lines: string[] = [];
  isFull = false;
  result: WatchResult;

  constructor(prefix: string, since?: Position) {
    this.result = watches.open({ prefix: Buffer.from(prefix), since, sink: this });
  }

  send: WatchSink['send'] = (events) => {
    for (const { revision, place, name } of events) this.lines.push(`${revision}.${place} ${name}`);
    return !this.isFull;
  };

  rest: WatchSink['rest'] = (position) => {
    this.lines.push(`rest ${position.revision}`);
    return !this.isFull;
  };

  end: WatchSink['end'] = (reason, position) => {
    this.lines.push(`${reason} ${position.revision}`);
  };

  drained(): void {
    this.isFull = false;
    if (this.result.kind === 'watching') this.result.drained();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  now += ms;
  const due = timers.filter(({ at }) => at <= now);
  timers = timers.filter(({ at }) => at > now);
  for (const { task } of due) task();
  await settle();
}

test('a watcher without a position is given what comes from now on, of its prefix', async () => {
  record('a1');
  const all = new Watcher('');
  const some = new Watcher('a');
  record('a2', 'b1', 'a3');
  record();
  record('b2');
  await settle();
  expect(all.lines).toEqual(['2.0 a2', '2.1 b1', '2.2 a3', '4.0 b2']);
  expect(some.lines).toEqual(['2.0 a2', '2.2 a3']);
});

describe('a watcher goes on', () => {
  test.each([
    ['from the start', { revision: 0, place: WHOLE }, ['1.0 a', '1.1 b', '3.0 c']],
    ['within a command', { revision: 1, place: 0 }, ['1.1 b', '3.0 c']],
    ['after a command', { revision: 1, place: WHOLE }, ['3.0 c']],
    ['after a command without events', { revision: 2, place: WHOLE }, ['3.0 c']],
    ['at the end', { revision: 3, place: 0 }, []],
  ])('%s', async (_, since, lines) => {
    record('a', 'b');
    record();
    record('c');
    const watcher = new Watcher('', since);
    await settle();
    expect(watcher.lines).toEqual(lines);
  });
});

test('a position that this node has not reached is waited for', async () => {
  record('a');
  const watcher = new Watcher('', { revision: 3, place: 0 });
  record('b');
  await settle();
  await pass(WATCH_LIMITS.heartbeatMs);
  record('c', 'd');
  record('e');
  await settle();
  // Nor may a heartbeat take it back.
  expect(watcher.lines).toEqual(['rest 3', '3.1 d', '4.0 e']);
});

test('what the history no longer has is said to be gone', () => {
  build({ maxEvents: 2 });
  for (const key of ['a', 'b', 'c', 'd']) record(key);
  const { result } = new Watcher('', { revision: 1, place: WHOLE });
  expect(result).toEqual({ kind: 'gone', revision: 4, oldest: { revision: 2, place: 0 } });
  expect(new Watcher('', { revision: 2, place: 0 }).result.kind).toBe('watching');
});

test('a watcher that is full is given nothing until it has drained, and then all', async () => {
  const watcher = new Watcher('');
  watcher.isFull = true;
  record('a');
  await settle();
  record('b');
  record('c');
  await settle();
  expect(watcher.lines).toEqual(['1.0 a']);
  watcher.drained();
  await settle();
  expect(watcher.lines).toEqual(['1.0 a', '2.0 b', '3.0 c']);
});

test('a watcher that the history has overtaken is cut off, told how far it came; the others go on', async () => {
  build({ maxEvents: 2 });
  const slow = new Watcher('');
  const quick = new Watcher('');
  slow.isFull = true;
  for (const key of ['a', 'b', 'c', 'd']) {
    record(key);
    await settle();
  }
  expect(slow.lines).toEqual(['1.0 a', 'slow 1']);
  expect(quick.lines).toEqual(['1.0 a', '2.0 b', '3.0 c', '4.0 d']);
  expect([watches.count, watches.cutOff]).toEqual([1, 1]);
});

test('a watcher that takes nothing for long is cut off though little happens', async () => {
  const watcher = new Watcher('');
  watcher.isFull = true;
  record('a');
  await settle();
  for (let passed = 0; passed <= WATCH_LIMITS.stalledMs; passed += WATCH_LIMITS.heartbeatMs) {
    await pass(WATCH_LIMITS.heartbeatMs);
  }
  expect(watcher.lines).toEqual(['1.0 a', 'slow 1']);
});

test('a heartbeat says how far a quiet watcher has come', async () => {
  const watcher = new Watcher('x');
  record('a');
  record('b');
  await settle();
  await pass(WATCH_LIMITS.heartbeatMs);
  expect(watcher.lines).toEqual(['rest 2']);
});

test('a long history is given in bounded batches, to all in turn', async () => {
  const sizes: number[] = [];
  for (let n = 0; n < 2500; n++) record('a');
  const sink: WatchSink = { send: (events) => sizes.push(events.length) > 0, rest: () => true, end() {} };
  watches.open({ prefix: Buffer.from(''), since: { revision: 0, place: WHOLE }, sink });
  await settle();
  expect(sizes).toEqual([1000, 1000, 500]);
});

test('a closed watcher is given no more; at the stop the others are told the end', async () => {
  const gone = new Watcher('');
  const here = new Watcher('');
  if (gone.result.kind === 'watching') gone.result.close();
  record('a');
  await settle();
  watches.stop();
  expect([gone.lines, here.lines]).toEqual([[], ['1.0 a', 'stopping 1']]);
  expect([watches.count, timers.length]).toEqual([0, 0]);
});

test('a node that serves nothing takes no watcher', () => {
  refusal = 'replaying';
  expect(new Watcher('').result).toEqual({ kind: 'refused', reason: 'replaying' });
});

test('a node with a long log to replay keeps events of its last part only', () => {
  build({ maxEvents: 2 });
  machine = new Machine(new MapKeyspace());
  const clock = { monotonicMs: () => 0, wallMs: () => 0, nextTurn: () => Promise.resolve(), after: () => () => {} };
  watches = new Watches({ machine, history: { maxEvents: 2 }, refusal: () => undefined, clock });
  for (const left of [5, 4, 3, 2]) {
    watches.applied(left);
    expect(machine.state.onChange === undefined).toBe(left > 2);
    machine.state.revision++;
  }
});
