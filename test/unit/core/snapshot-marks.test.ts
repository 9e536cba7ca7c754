// The marks that snapshots leave in the state: they only go forward, at most two verified ones are kept, and they bound the trims.
import { expect, test } from 'vitest';
import type { SnapshotSaved, Verified } from '../../../src/core/commands/command.ts';
import { trimBound } from '../../../src/core/snapshot-marks.ts';
import { FedMachine, put } from './fed-machine.ts';

/** A machine with ten commands applied, at offset 11. */
function fed(): FedMachine {
  const machine = new FedMachine();
  for (let n = 0; n < 10; n++) machine.apply(put('key', String(n)));
  return machine;
}

const saved = (revision: number, id = `s${revision}`): SnapshotSaved => ({
  type: 'snapshot-saved',
  id,
  revision,
  offset: revision,
});
const verified = (revision: number): Verified => ({ ...saved(revision), type: 'verified' });

test('a saved snapshot is the candidate until it or a newer one is verified', () => {
  const feed = fed();
  const { machine } = feed;
  expect(feed.apply(saved(3)).code).toBe('done');
  expect(machine.state.snapshots.candidate).toMatchObject({ id: 's3', revision: 3, offset: 3, by: 'node-1' });
  expect(feed.apply(verified(2)).code).toBe('done');
  expect(machine.state.snapshots.candidate?.id).toBe('s3');
  expect(feed.apply(verified(3)).code).toBe('done');
  expect(machine.state.snapshots.candidate).toBeUndefined();
});

test('the last two verified ones are kept, and the older of them bounds the trims', () => {
  const feed = fed();
  const { machine } = feed;
  expect(trimBound(machine.state.snapshots)).toBe(0);
  feed.apply(verified(2));
  expect(trimBound(machine.state.snapshots)).toBe(0);
  feed.apply(verified(4));
  expect(trimBound(machine.state.snapshots)).toBe(2);
  feed.apply(verified(7));
  expect(machine.state.snapshots.verified.map(({ id }) => id)).toEqual(['s4', 's7']);
  expect(trimBound(machine.state.snapshots)).toBe(4);
});

test('what lies behind, comes twice or lies ahead changes nothing', () => {
  const feed = fed();
  const { machine } = feed;
  feed.apply(verified(5));
  feed.apply(saved(8));
  const { snapshots } = machine.state;
  const ahead = 1000;
  for (const command of [
    verified(5),
    verified(4),
    saved(5),
    saved(8, 'zombie'),
    saved(7),
    saved(ahead),
    verified(ahead),
  ]) {
    expect(feed.apply(command).code).toBe('stale');
    expect(machine.state.snapshots).toBe(snapshots);
  }
  expect(feed.apply({ ...saved(9), offset: machine.nextOffset + 1 }).code).toBe('stale');
});

test('the marks are part of the digest', () => {
  const feed = fed();
  const { machine } = feed;
  feed.apply(saved(3));
  const { snapshots } = machine.state;
  const candidate = snapshots.candidate;
  if (candidate === undefined) throw new Error('there is no candidate');
  const digest = machine.state.digest();
  machine.state.snapshots = { ...snapshots, candidate: undefined };
  expect(machine.state.digest()).not.toBe(digest);
  machine.state.snapshots = { candidate: undefined, verified: [candidate] };
  expect(machine.state.digest()).not.toBe(digest);
});

test('before all live members know them they are refused', () => {
  const old = new FedMachine({ featureLevel: 2 });
  old.apply(put('key', 'value'));
  expect(old.apply(saved(1)).code).toBe('feature-not-enabled');
  expect(old.apply(verified(1)).code).toBe('feature-not-enabled');
});
