// Transactions and prefix deletes in apply: the branch, all or nothing, what is told and what is remembered; judged against a model.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TRANSACTION_LIMITS } from '../../../src/base/limits.ts';
import type { Compare, Operation } from '../../../src/core/commands/command.ts';
import { ALWAYS } from '../../../src/core/condition.ts';
import { OffHeapKeyspace } from '../../../src/store/off-heap-keyspace.ts';
import { append, deletePrefix, FedMachine, get, increment, put, remove, touch, transaction } from './fed-machine.ts';

const ABSENT = { match: 'none', noneMatch: 'any' } as const;
const PRESENT = { match: 'any', noneMatch: 'none' } as const;

function compare(key: string, rest: Partial<Compare>): Compare {
  return { key: Buffer.from(key), condition: ALWAYS, value: undefined, ...rest };
}

/** What of the state a client could ever notice, and all that the keyspace counts. */
function keyspaceOf({ machine }: FedMachine) {
  const { keyspace } = machine.state;
  const entries = keyspace.keysAfter(Buffer.alloc(0), undefined, 1000).map((key) => {
    const { value, ...rest } = keyspace.get(key) ?? { value: Buffer.alloc(0) };
    return { key: Buffer.from(key).toString(), value: Buffer.from(value).toString(), ...rest };
  });
  return { entries, keys: keyspace.keys, bytes: keyspace.bytes, digest: { ...keyspace.digest } };
}

describe('a transaction', () => {
  test('is one command with one revision, whatever it does', () => {
    const fed = new FedMachine();
    fed.apply(put('old', '1'));
    const before = fed.machine.state.revision;
    const outcome = fed.apply(
      transaction([put('a', 'x'), increment('n', 5n), append('a', 'y'), remove('old'), get('a')]),
    );
    expect(fed.machine.state.revision).toBe(before + 1);
    const { branch, operations } = outcome.transaction ?? { branch: undefined, operations: [] };
    expect([outcome.code, outcome.revision, branch]).toEqual(['done', before + 1, 'then']);
    expect(operations.map(({ code, detail }) => [code, detail])).toEqual([
      ['created', 0n],
      ['done', 5n],
      ['done', 2n],
      ['deleted', 0n],
      ['done', 0n],
    ]);
    expect(operations.map(({ revision }) => revision)).toEqual(new Array(5).fill(before + 1));
    expect(Buffer.from(operations[4]?.entry?.value ?? []).toString()).toBe('xy');
  });

  test.each<[string, readonly Compare[], 'then' | 'else']>([
    ['no compare', [], 'then'],
    ['the revision', [compare('a', { condition: { match: [2], noneMatch: 'none' } })], 'then'],
    ['another revision', [compare('a', { condition: { match: [3], noneMatch: 'none' } })], 'else'],
    ['presence', [compare('a', { condition: PRESENT })], 'then'],
    ['absence of what is there', [compare('a', { condition: ABSENT })], 'else'],
    ['absence', [compare('b', { condition: ABSENT })], 'then'],
    ['the value', [compare('a', { value: Buffer.from('x') })], 'then'],
    ['a longer value', [compare('a', { value: Buffer.from('xx') })], 'else'],
    ['a value of nothing', [compare('b', { value: Buffer.from('') })], 'else'],
    ['what has expired', [compare('gone', { condition: PRESENT })], 'else'],
    ['one that holds and one that does not', [compare('a', {}), compare('b', { condition: PRESENT })], 'else'],
  ])('compares %s', (_, compares, branch) => {
    const fed = new FedMachine();
    fed.apply(put('a', 'x'));
    fed.apply(put('gone', 'x', 5));
    const outcome = fed.apply(transaction([put('t', 'then')], { compares, elseDo: [put('t', 'else')] }));
    expect([outcome.transaction?.branch, fed.text('t')]).toEqual([branch, branch]);
  });

  test('leaves everything as it was when an operation is rejected, expired entries and digest included', () => {
    const fed = new FedMachine();
    for (const command of [put('a', '1', 60_000), put('text', 'x'), put('gone', 'x', 5), put('z', 'z')])
      fed.apply(command);
    const before = keyspaceOf(fed);
    const outcome = fed.apply(
      transaction([
        put('a', '2'),
        append('a', '3'),
        put('new', 'n'),
        remove('z'),
        touch('text', 9000),
        put('gone', 'again'),
        increment('text', 1n),
        put('never', 'n'),
      ]),
    );
    expect([outcome.code, outcome.detail]).toEqual(['transaction-failed', 6n]);
    expect(outcome.transaction?.operations.map(({ code }) => code)).toEqual(['not-an-integer']);
    expect(keyspaceOf(fed)).toEqual(before);
  });

  test('tells of its changes when it stands, and of nothing when it does not', () => {
    const fed = new FedMachine();
    const told: string[] = [];
    fed.machine.state.onChange = (change, key, entry) => {
      told.push([change, Buffer.from(key), entry === undefined ? '' : Buffer.from(entry.value)].join(' '));
    };
    fed.apply(transaction([put('a', '1'), put('a', '2'), remove('a'), put('b', '3'), remove('absent')]));
    expect(told).toEqual([]);
    fed.apply(transaction([put('a', '1'), put('a', '2'), remove('a'), put('b', '3')]));
    expect(told).toEqual(['put a 1', 'put a 2', 'delete a ', 'put b 3']);
  });

  test('judges the conditions of its operations, and says what stood there', () => {
    const fed = new FedMachine();
    const { revision } = fed.apply(put('a', '1'));
    const condition = { match: [99], noneMatch: 'none' } as const;
    const outcome = fed.apply(transaction([put('b', '1'), get('a', condition)]));
    expect([outcome.code, outcome.detail]).toEqual(['transaction-failed', 1n]);
    expect(outcome.transaction?.operations).toMatchObject([{ code: 'condition-failed', detail: BigInt(revision) }]);
    expect(fed.text('b')).toBeUndefined();
  });

  test('does not mind that there is nothing to read', () => {
    const fed = new FedMachine();
    const outcome = fed.apply(transaction([get('a'), put('a', '1')]));
    expect(outcome.transaction?.operations.map(({ code }) => code)).toEqual(['not-found', 'created']);
  });

  test('fails for a full memory as any write does: the same id may succeed later', () => {
    const fed = new FedMachine({ maxKeys: 1 });
    const both = transaction([put('a', '1'), put('b', '2')]);
    expect(fed.apply(both, 'id').code).toBe('memory-full');
    expect(fed.text('a')).toBeUndefined();
    expect(fed.apply(transaction([put('a', '1'), remove('a'), put('b', '2')]), 'other').code).toBe('done');
  });

  test('touches at most so many bytes, those that it replaces included', () => {
    const fed = new FedMachine();
    const value = 'x'.repeat(2 ** 20);
    fed.apply(put('a', value));
    const times = TRANSACTION_LIMITS.maxTouchedBytes / 2 ** 20;
    const reads = new Array<Operation>(times).fill(get('a'));
    expect(fed.apply(transaction(reads)).code).toBe('done');
    expect(fed.apply(transaction([put('a', ''), ...reads])).code).toBe('done');
    fed.apply(put('a', value));
    expect(fed.apply(transaction([...reads, put('a', '')])).code).toBe('transaction-too-large');
    expect(fed.text('a')).toBe(value);
  });

  test('is remembered with branch, codes, revisions and numbers, but without what it read', () => {
    const fed = new FedMachine();
    const command = transaction([], {
      compares: [compare('a', { condition: PRESENT })],
      elseDo: [increment('n', 7n), get('n')],
    });
    const first = fed.apply(command, 'id');
    const repeat = fed.apply(command, 'id');
    expect(first.transaction?.operations[1]?.entry).toBeDefined();
    expect(repeat).toEqual({
      ...first,
      isRepeat: true,
      transaction: {
        branch: 'else',
        operations: first.transaction?.operations.map((result) => ({ ...result, entry: undefined })),
      },
    });
    expect(fed.text('n')).toBe('7');
    expect(fed.apply(transaction([increment('n', 7n)]), 'id').code).toBe('id-reused');
  });

  test('is part of the digest with all that is remembered of it', () => {
    const digests = [1n, 2n].map((by) => {
      const fed = new FedMachine();
      fed.apply(transaction([increment('n', by), put('n', '')]), 'id');
      return fed.machine.state.digest();
    });
    expect(digests[0]).not.toBe(digests[1]);
  });
});

const names = fc.constantFrom('a', 'b', 'c');
const operations: fc.Arbitrary<Operation> = fc.oneof(
  fc
    .tuple(names, fc.constantFrom('1', 'x'), fc.constantFrom(0, 15), fc.constantFrom(ALWAYS, ABSENT))
    .map((a) => put(...a)),
  fc.tuple(names, fc.constantFrom(1n, 2n ** 62n)).map((a) => increment(...a)),
  names.map((name) => append(name, '2')),
  names.map((name) => remove(name)),
  names.map((name) => touch(name, 25)),
  names.map((name) => get(name)),
);

test('a transaction does what its operations would have done one by one, or nothing', () => {
  const isBad = (code: string, { type }: Operation) =>
    !['created', 'replaced', 'deleted', 'touched', 'done'].includes(code) && !(type === 'get' && code === 'not-found');
  fc.assert(
    fc.property(fc.array(operations), fc.array(operations), (before, list) => {
      const [whole, single] = [new FedMachine({}, new OffHeapKeyspace(7)), new FedMachine()];
      for (const fed of [whole, single]) for (const one of before) if (one.type !== 'get') fed.apply(one);
      const untouched = keyspaceOf(whole);
      const outcome = whole.apply(transaction(list));
      const codes = list.map((one) => {
        single.now = whole.now - 10;
        if (one.type !== 'get') return single.apply(one).code;
        single.apply({ type: 'barrier' }); // Moves its time along.
        return single.text(one.key.toString()) === undefined ? 'not-found' : 'done';
      });
      const failed = list.findIndex((one, at) => isBad(codes[at] ?? '', one));
      if (failed >= 0) {
        expect([outcome.code, outcome.detail]).toEqual(['transaction-failed', BigInt(failed)]);
        expect(keyspaceOf(whole)).toEqual(untouched);
        return;
      }
      expect(outcome.transaction?.operations.map(({ code }) => code)).toEqual(codes);
      const withoutRevisions = (fed: FedMachine) =>
        keyspaceOf(fed).entries.map(({ key, value, expiresAt }) => ({ key, value, expiresAt }));
      expect(withoutRevisions(whole)).toEqual(withoutRevisions(single));
    }),
  );
});

describe('a delete of a prefix', () => {
  test('deletes the first keys in byte order, and says whether there may be more', () => {
    const fed = new FedMachine();
    for (const key of ['p/c', 'q', 'p/a', 'p/b', 'p', 'o']) fed.apply(put(key, '1'));
    const told: string[] = [];
    fed.machine.state.onChange = (change, key) => told.push(`${change} ${Buffer.from(key)}`);
    expect(fed.apply(deletePrefix('p/', 2))).toMatchObject({ code: 'deleted-in-part', detail: 2n });
    expect(told).toEqual(['delete p/a', 'delete p/b']);
    expect(fed.apply(deletePrefix('p/', 2))).toMatchObject({ code: 'deleted', detail: 1n });
    expect(fed.apply(deletePrefix('p/', 2))).toMatchObject({ code: 'deleted', detail: 0n });
    expect(keyspaceOf(fed).entries.map(({ key }) => key)).toEqual(['o', 'p', 'q']);
    expect(fed.apply(deletePrefix(''))).toMatchObject({ code: 'deleted', detail: 3n });
  });

  test('counts no expired keys, and takes them away as expired ones', () => {
    const fed = new FedMachine();
    const told: string[] = [];
    fed.apply(put('a', '1', 5));
    fed.apply(put('b', '1'));
    fed.machine.state.onChange = (change, key) => told.push(`${change} ${Buffer.from(key)}`);
    expect(fed.apply(deletePrefix(''))).toMatchObject({ code: 'deleted', detail: 1n });
    expect(told).toEqual(['expire a', 'delete b']);
  });

  test('is done once under its id', () => {
    const fed = new FedMachine();
    fed.apply(put('a', '1'));
    expect(fed.apply(deletePrefix(''), 'id')).toMatchObject({ detail: 1n, isRepeat: false });
    fed.apply(put('a', '1'));
    expect(fed.apply(deletePrefix(''), 'id')).toMatchObject({ code: 'deleted', detail: 1n, isRepeat: true });
    expect(fed.text('a')).toBe('1');
  });
});
