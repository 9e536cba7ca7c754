// The appends of one process: groups, the deadline that tells refused from unknown, and the bounds on what waits.
import { describe, expect, test } from 'vitest';
import { LOG_LIMITS } from '../../../src/base/limits.ts';
import { systemWorld } from '../../../src/base/system-world.ts';
import { Appends } from '../../../src/log/embedded-appends.ts';
import { type AppendGroup, decide, type ToWorker } from '../../../src/log/embedded-protocol.ts';

describe('the appends of one process', () => {
  test('of one turn go to the worker as one group, in order', async () => {
    const { appends, groups } = fixture();
    const promises = ['a', 'bc', 'def'].map((text) => appends.add(bytes(text)));
    await Promise.resolve();
    expect(groups.map((group) => [new TextDecoder().decode(group.bytes), group.ends])).toEqual([['abcdef', [1, 3, 6]]]);
    appends.acknowledged(0, 41);
    expect(await Promise.all(promises)).toEqual([{ offset: 41 }, { offset: 42 }, { offset: 43 }]);
  });

  test('not begun by the worker within the timeout are refused, and the worker can begin them no more', async () => {
    const { appends, groups, timeOut } = fixture();
    const append = appends.add(bytes('a'));
    await Promise.resolve();
    timeOut();
    await expect(append).rejects.toMatchObject({ name: 'AppendRefused', isPermanent: false });
    expect(groups.map((group) => decide(group.state, 'begun'))).toEqual([false]);
  });

  test('begun but not answered within the timeout are unknown, and a late answer changes nothing', async () => {
    const { appends, groups, timeOut } = fixture();
    const append = appends.add(bytes('a'));
    await Promise.resolve();
    expect(groups.map((group) => decide(group.state, 'begun'))).toEqual([true]);
    timeOut();
    await expect(append).rejects.toMatchObject({ name: 'AppendUnknown' });
    appends.acknowledged(0, 7);
  });

  test('left when the worker is gone are unknown where it had begun, else refused', async () => {
    const { appends, groups } = fixture();
    const begun = appends.add(bytes('a'));
    await Promise.resolve();
    for (const group of groups) decide(group.state, 'begun');
    const waiting = appends.add(bytes('b'));
    appends.giveUp('the thread is gone');
    await expect(begun).rejects.toMatchObject({ name: 'AppendUnknown' });
    await expect(waiting).rejects.toMatchObject({ name: 'AppendRefused' });
  });

  test('are bounded in number, and taken again once some were answered', async () => {
    const { appends } = fixture();
    const settled = Promise.allSettled(
      Array.from({ length: LOG_LIMITS.maxWaitingAppends }, () => appends.add(bytes('x'))),
    );
    await expect(appends.add(bytes('y'))).rejects.toMatchObject({ name: 'AppendRefused', isPermanent: false });
    await Promise.resolve();
    appends.acknowledged(0, 0);
    const taken = appends.add(bytes('z'));
    appends.giveUp('the end');
    await expect(taken).rejects.toMatchObject({ message: 'the end' });
    await settled;
  });

  test('of many bytes are cut into groups that fit a transaction', async () => {
    const { appends, groups } = fixture();
    const settled = Promise.allSettled(Array.from({ length: 20 }, () => appends.add(new Uint8Array(1024 * 1024))));
    await Promise.resolve();
    expect(groups.map((group) => group.ends.length)).toEqual([8, 8, 4]);
    appends.giveUp('the end');
    await settled;
  });
});

function fixture() {
  const groups: AppendGroup[] = [];
  const timers = new Set<() => void>();
  const clock = {
    ...systemWorld.clock,
    after(_ms: number, task: () => void) {
      timers.add(task);
      return () => void timers.delete(task);
    },
  };
  const post = (message: ToWorker) => void (message.kind === 'append' && groups.push(message));
  const timeOut = () => {
    for (const task of [...timers]) task();
  };
  return { groups, timeOut, appends: new Appends(post, { clock, timeoutMs: 2_000 }) };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
