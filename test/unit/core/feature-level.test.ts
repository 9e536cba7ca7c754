// The feature level: new commands are refused until every live member knows them; then all nodes take them from the same revision on.
import { expect, test } from 'vitest';
import { FEATURE_LEVEL } from '../../../src/core/commands/table.ts';
import { FedMachine, put, transaction } from './fed-machine.ts';

const NEW = transaction([put('a', '1')]);

test('a new command is refused while a live member does not know it, and its id may be used again', () => {
  const mixed = new FedMachine({ featureLevel: 1 });
  mixed.beat('node-2', 1);
  mixed.beat('node-1', 2);
  expect(mixed.machine.state.rules.featureLevel).toBe(1);
  expect(mixed.apply(NEW, 'id').code).toBe('feature-not-enabled');
  expect(mixed.text('a')).toBeUndefined();
  mixed.beat('node-2', 2);
  expect(mixed.machine.state.rules.featureLevel).toBe(2);
  expect(mixed.apply(NEW, 'id')).toMatchObject({ code: 'done', isRepeat: false });
});

test('a dead member holds nobody up', () => {
  const fed = new FedMachine({ featureLevel: 1 });
  fed.beat('node-2', 1);
  for (let i = 0; i < 3; i++) fed.beat('node-1', 2);
  expect(fed.machine.state.rules.featureLevel).toBe(1);
  fed.beat('node-1', 2);
  expect(fed.machine.state.rules.featureLevel).toBe(2);
});

test('it is the least of what the live members know, and never goes back', () => {
  const fed = new FedMachine({ featureLevel: 1 });
  fed.beat('node-1', FEATURE_LEVEL + 5);
  const reached = fed.machine.state.rules.featureLevel;
  expect(reached).toBe(FEATURE_LEVEL + 5);
  fed.beat('node-2', 1);
  expect(fed.machine.state.rules.featureLevel).toBe(reached);
});

test('it is part of the digest', () => {
  const digests = [1, 2].map((level) => {
    const fed = new FedMachine({ featureLevel: level });
    return fed.machine.state.digest();
  });
  expect(digests[0]).not.toBe(digests[1]);
});
