// Restoring a backup in apply: only into a cluster without keys, part by part in order, closed to clients until the end.
import { describe, expect, test } from 'vitest';
import type { Restore, RestoredEntry } from '../../../src/core/commands/command.ts';
import { FedMachine, put, remove } from './fed-machine.ts';

function entry(key: string, revision: number, ttlMs = 0): RestoredEntry {
  return { key: Buffer.from(key), value: Buffer.from(`value of ${key}`), contentType: 't', revision, ttlMs };
}

function restore(part: number, entries: readonly RestoredEntry[] = [], backup = 'b'): Restore {
  return { type: 'restore', backup, revision: 1000, part, entries };
}

const restored = (parts: number, backup = 'b') => ({ type: 'restored', backup, parts }) as const;

describe('restoring a backup', () => {
  test('keeps the revisions of its entries, lets them live on for what was left of them, and lifts the revision above', () => {
    const fed = new FedMachine();
    expect(fed.apply(restore(0, [entry('a', 7), entry('b', 999, 5_000)])).code).toBe('done');
    expect(fed.apply(restored(1)).code).toBe('done');
    const { state } = fed.machine;
    expect(fed.text('a')).toBe('value of a');
    expect(state.entry(Buffer.from('a'))).toMatchObject({ revision: 7, expiresAt: 0 });
    expect(state.entry(Buffer.from('b'))?.revision).toBe(999);
    const written = fed.apply(put('c', '1'), 'id-1');
    expect(written.code).toBe('created');
    expect(written.revision).toBeGreaterThan(1000);
    fed.now += 5_000;
    fed.apply({ type: 'barrier' });
    expect([fed.text('a'), fed.text('b')]).toEqual(['value of a', undefined]);
  });

  test('never lowers a revision that is higher already', () => {
    const fed = new FedMachine();
    fed.machine.state.revision = 5000;
    fed.apply(restore(0));
    fed.apply(restored(1));
    expect(fed.machine.state.revision).toBe(5002);
  });

  test('refuses the commands of clients until its end, and remembers nothing of them', () => {
    const fed = new FedMachine();
    fed.apply(restore(0, [entry('a', 7)]));
    expect(fed.apply(put('a', 'other'), 'id-1').code).toBe('restoring');
    expect(fed.apply(remove('a'), 'id-2').code).toBe('restoring');
    expect(fed.text('a')).toBe('value of a');
    fed.apply(restored(1));
    expect(fed.apply(put('a', 'other'), 'id-1')).toMatchObject({ code: 'replaced', isRepeat: false });
  });

  test('is refused by a cluster that has keys, and by one that restores another backup', () => {
    const fed = new FedMachine();
    fed.apply(put('mine', '1'), 'id-1');
    expect(fed.apply(restore(0, [entry('a', 7)])).code).toBe('not-empty');
    fed.apply(remove('mine'), 'id-2');
    expect(fed.apply(restore(0, [entry('a', 7)])).code).toBe('done');
    expect(fed.apply(restore(1, [entry('x', 8)], 'other')).code).toBe('not-empty');
    expect(fed.apply(restored(1, 'other')).code).toBe('stale');
    expect([fed.text('a'), fed.text('x')]).toEqual(['value of a', undefined]);
  });

  test('takes each part in its turn, once, from whichever nodes send them', () => {
    const fed = new FedMachine();
    fed.beat('node-2', 3);
    expect(fed.apply(restore(1, [entry('b', 8)])).code).toBe('stale');
    expect(fed.apply(restore(0, [entry('a', 7)])).code).toBe('done');
    expect(fed.apply(restore(0, [entry('again', 7)]), '', 'node-2').code).toBe('stale');
    expect(fed.apply(restored(2)).code).toBe('stale');
    expect(fed.apply(restore(2, [entry('c', 9)])).code).toBe('stale');
    expect(fed.apply(restore(1, [entry('b', 8)]), '', 'node-2').code).toBe('done');
    expect(fed.apply(restored(2)).code).toBe('done');
    expect(fed.apply(restored(2)).code).toBe('stale');
    expect(['a', 'b', 'c', 'again'].map((key) => fed.text(key))).toEqual([
      'value of a',
      'value of b',
      undefined,
      undefined,
    ]);
  });

  test('is part of the digest while it is under way', () => {
    const digests = [0, 1].map((next) => {
      const { state } = new FedMachine().machine;
      if (next > 0) state.restoring = { backup: 'b', next };
      return state.digest();
    });
    expect(digests[0]).not.toBe(digests[1]);
  });
});
