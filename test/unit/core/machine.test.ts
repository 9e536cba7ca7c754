// The machine, case by case: ids and repeats, deadlines, limits, times to live, and what comes before there is a cluster.
import { describe, expect, test } from 'vitest';
import type { KeyCommand } from '../../../src/core/commands/command.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import { ENTRY_OVERHEAD_BYTES } from '../../../src/core/keyspace.ts';
import { bytes, CLUSTER, EPOCH, Feeder, frameOf, heartbeat, LIMITS } from './feeder.ts';

const ID = { id: 'id-1', caller: 'caller' };

describe('an id', () => {
  test('repeated gets its first outcome, whatever became of the key, and nothing is done again', () => {
    const feeder = new Feeder().begin();
    const first = feeder.command(put('k', 'one'), ID);
    feeder.command(remove('k'));
    expect(feeder.command(put('k', 'one'), { ...ID, attempt: 9 })).toEqual({ ...first, isRepeat: true });
    expect(feeder.machine.state.entry(bytes('k'))).toBeUndefined();
    expect(feeder.machine.counters.repeats).toBe(1);
  });

  test('with another command is rejected, and its first outcome still stands', () => {
    const feeder = new Feeder().begin();
    const first = feeder.command(put('k', 'one'), ID);
    expect(feeder.command(put('k', 'two'), ID)).toMatchObject({ code: 'id-reused', isRepeat: false });
    expect(feeder.command(put('k', 'one'), ID)).toEqual({ ...first, isRepeat: true });
  });

  test('of one caller is not that of another', () => {
    const feeder = new Feeder().begin();
    feeder.command(increment('k', 1n), { ...ID, caller: 'one' });
    feeder.command(increment('k', 1n), { ...ID, caller: 'two' });
    expect(contentOf(feeder, 'k')).toBe('2');
  });

  test('whose command was rejected for good stays rejected, though it would succeed now', () => {
    const feeder = new Feeder().begin();
    const first = feeder.command(remove('k'), ID);
    expect(first.code).toBe('not-found');
    feeder.command(put('k', 'v'));
    expect(feeder.command(remove('k'), ID)).toEqual({ ...first, isRepeat: true });
    expect(contentOf(feeder, 'k')).toBe('v');
  });

  test.each(['deadline', 'memory-full'] as const)('whose command was rejected by %s may succeed later', (code) => {
    const feeder = new Feeder().begin({ ...LIMITS, maxKeys: 1 });
    if (code === 'memory-full') feeder.command(put('other', 'v'));
    const deadline = code === 'deadline' ? EPOCH - 1 : 0;
    expect(feeder.command(put('k', 'v'), { ...ID, deadline })).toMatchObject({ code, isRepeat: false });
    feeder.command(remove('other'));
    expect(feeder.command(put('k', 'v'), ID)).toMatchObject({ code: 'created', isRepeat: false });
  });

  test('repeated after its deadline still gets its first outcome: repeat comes before deadline', () => {
    const feeder = new Feeder().begin();
    const first = feeder.command(put('k', 'v'), { ...ID, deadline: EPOCH + 10 });
    feeder.timestamp += 1000;
    expect(feeder.command(put('k', 'v'), { ...ID, deadline: EPOCH + 10 })).toEqual({ ...first, isRepeat: true });
  });
});

describe('a deadline', () => {
  test('is the last moment of log time at which the command is applied', () => {
    const feeder = new Feeder().begin();
    feeder.timestamp = EPOCH + 500;
    expect(feeder.command(put('a', 'v'), { deadline: EPOCH + 500 }).code).toBe('created');
    feeder.timestamp = EPOCH + 501;
    expect(feeder.command(put('b', 'v'), { deadline: EPOCH + 500 }).code).toBe('deadline');
    expect(feeder.command(put('b', 'v'), { deadline: 0 }).code).toBe('created');
  });

  test('comes before the conditions', () => {
    const feeder = new Feeder().begin();
    const command = { ...remove('k'), condition: { match: 'any', noneMatch: 'none' } } as const;
    expect(feeder.command(command, { deadline: EPOCH - 1 }).code).toBe('deadline');
  });
});

describe('limits', () => {
  test('a value of exactly the greatest size is taken, one byte more is not', () => {
    const feeder = new Feeder().begin({ ...LIMITS, maxValueBytes: 4 });
    expect(feeder.command(put('k', '1234')).code).toBe('created');
    expect(feeder.command(put('k', '12345')).code).toBe('value-too-large');
    expect(feeder.command({ ...put('k', '5'), type: 'append' }).code).toBe('value-too-large');
    expect(contentOf(feeder, 'k')).toBe('1234');
  });

  test('memory may be filled to its last byte; what does not grow is always taken', () => {
    const maxMemoryBytes = 2 * (1 + 4 + ENTRY_OVERHEAD_BYTES);
    const feeder = new Feeder().begin({ ...LIMITS, maxMemoryBytes });
    feeder.command(put('a', '1234'));
    expect(feeder.command(put('b', '12345')).code).toBe('memory-full');
    expect(feeder.command(put('b', '1234')).code).toBe('created');
    expect(feeder.machine.state.keyspace.bytes).toBe(maxMemoryBytes);
    expect(feeder.command({ ...put('a', '5'), type: 'append' }).code).toBe('memory-full');
    expect(feeder.command(put('a', '4321')).code).toBe('replaced');
    expect(feeder.command(put('a', '1')).code).toBe('replaced');
    expect(feeder.command(increment('a', 1n)).code).toBe('done');
  });

  test('a key more than maxKeys is refused, an expired one that was not removed yet counts', () => {
    const feeder = new Feeder().begin({ ...LIMITS, maxKeys: 1 });
    feeder.command(put('a', 'v', 10));
    feeder.timestamp += 10;
    expect(feeder.command(put('b', 'v')).code).toBe('memory-full');
    expect(feeder.command(put('a', 'w')).code).toBe('created');
  });
});

describe('a time to live', () => {
  test('ends at its very millisecond of log time', () => {
    const feeder = new Feeder().begin();
    feeder.command(put('k', 'v', 100));
    feeder.timestamp += 99;
    feeder.feed(bytes(''));
    expect(contentOf(feeder, 'k')).toBe('v');
    feeder.timestamp += 1;
    feeder.feed(bytes(''));
    expect(contentOf(feeder, 'k')).toBeUndefined();
    expect(feeder.command({ type: 'touch', key: bytes('k'), condition: ALWAYS, ttlMs: 0 }).code).toBe('not-found');
  });

  test('is kept by increment and append, cleared by a put without one, and renewed by touch, which is a write', () => {
    const feeder = new Feeder().begin();
    const expiry = () => feeder.machine.state.entry(bytes('k'))?.expiresAt;
    feeder.command(put('k', '1', 100));
    feeder.command({ ...increment('k', 1n), ttlMs: 9000 });
    feeder.command({ ...put('k', '2', 9000), type: 'append' });
    expect(expiry()).toBe(EPOCH + 100);
    const { revision } = feeder.command({ type: 'touch', key: bytes('k'), condition: ALWAYS, ttlMs: 300 });
    expect(feeder.machine.state.entry(bytes('k'))).toMatchObject({ revision, expiresAt: EPOCH + 300 });
    feeder.command(put('k', '1'));
    expect(expiry()).toBe(0);
  });

  test('an expire acts once, only after the time, and only on the entry it was proposed for', () => {
    const feeder = new Feeder().begin();
    const { revision } = feeder.command(put('k', 'v', 100));
    const expire = { type: 'expire', key: bytes('k'), revision } as const;
    expect(feeder.command(expire).code).toBe('stale');
    feeder.timestamp += 100;
    expect(feeder.command({ ...expire, revision: revision + 1 }).code).toBe('stale');
    const renewed = feeder.command(put('k', 'w', 100));
    expect(renewed.code).toBe('created');
    expect(feeder.command(expire).code).toBe('stale');
    feeder.timestamp += 100;
    expect(feeder.command({ ...expire, revision: renewed.revision }).code).toBe('deleted');
    expect(feeder.command({ ...expire, revision: renewed.revision }).code).toBe('stale');
    expect(feeder.machine.state.keyspace.keys).toBe(0);
  });
});

describe('the cluster', () => {
  test('before it is created every command counts a revision and does nothing', () => {
    const feeder = new Feeder();
    feeder.frame([{ command: heartbeat() }, { ...ID, command: put('k', 'v') }, { command: { type: 'barrier' } }]);
    expect(feeder.outcomes.map(({ code, revision }) => [code, revision])).toEqual([
      ['no-cluster', 1],
      ['no-cluster', 2],
      ['no-cluster', 3],
    ]);
    expect(feeder.machine.state).toMatchObject({ cluster: '', limits: undefined, revision: 3 });
    expect(feeder.machine.state.members.current).toEqual([]);
  });

  test('is created once: a second create-cluster changes neither name nor limits', () => {
    const feeder = new Feeder().begin();
    const other = { type: 'create-cluster', cluster: 'other', limits: { ...LIMITS, maxKeys: 1 } } as const;
    expect(feeder.command(other).code).toBe('cluster-exists');
    expect(feeder.machine.state).toMatchObject({ cluster: CLUSTER, limits: LIMITS });
  });

  test('may be created by a command with an id, which no node writes but a log may hold', () => {
    const feeder = new Feeder();
    const create = { type: 'create-cluster', cluster: CLUSTER, limits: LIMITS } as const;
    feeder.frame([{ ...ID, command: create }]);
    expect(feeder.machine.state.cluster).toBe(CLUSTER);
  });

  test("another cluster's heartbeat makes nobody a member", () => {
    const feeder = new Feeder().begin();
    feeder.feed(frameOf('stray/1', 1, [{ command: heartbeat({ cluster: 'other' }) }]));
    expect(feeder.outcomes[0]?.code).toBe('other-cluster');
    expect(feeder.machine.state.members.current.map(({ node }) => node)).toEqual(['node-1']);
  });
});

test('a frame is applied whole, in order, each of its commands with a revision of its own', () => {
  const feeder = new Feeder().begin();
  const count = 2000;
  feeder.frame(new Array(count).fill({ command: increment('k', 1n) }));
  expect(feeder.outcomes.length).toBe(count);
  expect(feeder.outcomes.every(({ detail, revision }, at) => detail === BigInt(at + 1) && revision === at + 3)).toBe(
    true,
  );
});

function put(key: string, value: string, ttlMs = 0): Extract<KeyCommand, { type: 'put' }> {
  return { type: 'put', key: bytes(key), value: bytes(value), contentType: '', ttlMs, condition: ALWAYS };
}

function remove(key: string): KeyCommand {
  return { type: 'delete', key: bytes(key), condition: ALWAYS };
}

function increment(key: string, by: bigint): Extract<KeyCommand, { type: 'increment' }> {
  return { type: 'increment', key: bytes(key), by, ttlMs: 0, condition: ALWAYS };
}

function contentOf(feeder: Feeder, key: string): string | undefined {
  const entry = feeder.machine.state.entry(bytes(key));
  return entry === undefined ? undefined : Buffer.from(entry.value).toString('latin1');
}
