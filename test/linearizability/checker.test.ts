// The checker itself on trial: histories made by hand, legal and not; and thousands of small ones, legal and mutated, judged by trying every order too.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinearizability } from './checker.ts';
import type { Operation } from './operation.ts';
import { step, type Value } from './register.ts';

/** `client start–end op argument → result`; an end of `?` is an outcome that is not known. */
function history(...lines: readonly string[]): Operation[] {
  return lines.map((line) => {
    const [call = '', told = ''] = line.split(' → ');
    const [client = '', times = '', op = '', argument, expected] = call.split(' ');
    const [start = '', end = ''] = times.split('–');
    const result = told === '' || told === 'none' ? undefined : told;
    const isKnown = end !== '?';
    return { client, key: 'k', op, argument, expected, result, start: +start, end: +end, isKnown } as Operation;
  });
}

const LEGAL: Record<string, readonly string[]> = {
  'nothing at all': [],
  'a read of what was written': ['a 0–1 put x', 'a 2–3 get → x'],
  'a read during a write that sees the old value, then one that sees the new': [
    'a 0–9 put x',
    'b 1–2 get → none',
    'b 3–4 get → x',
  ],
  'two writes at once, whichever is last': ['a 0–9 put x', 'b 0–9 put y', 'c 10–11 get → x'],
  'an unknown write that was seen': ['a 0–? put x', 'b 5–6 get → x'],
  'an unknown write that was never seen': ['a 0–? put x', 'b 5–6 get → none', 'b 50–60 get → none'],
  'an unknown write that is seen late': ['a 0–? put x', 'b 5–6 put y', 'b 7–8 get → y', 'b 9–10 get → x'],
  'increments, one of them unknown and counted': [
    'a 0–1 increment 1 → 1',
    'b 0–? increment 1',
    'c 5–6 increment 1 → 3',
  ],
  'the first of two to create it': ['a 0–5 create x → ok', 'b 0–5 create y → rejected', 'b 6–7 get → x'],
  'a value replaced where it was expected': ['a 0–1 put x', 'b 2–3 replace y x → ok', 'c 2–4 replace z x → rejected'],
  'what one deleted the other finds absent': ['a 0–1 put x', 'b 2–3 delete → deleted', 'c 2–4 delete → absent'],
  'one that ends as the next begins: neither is before the other': ['a 0–5 put x', 'b 5–9 get → none'],
  appends: ['a 0–1 append ab → 2', 'b 0–? append c', 'a 3–4 append d → 4', 'b 5–6 get → abcd'],
};

const ILLEGAL: Record<string, readonly string[]> = {
  'a stale read': ['a 0–1 put x', 'a 2–3 put y', 'b 4–5 get → x'],
  'a lost write': ['a 0–1 put x', 'b 2–3 get → none'],
  'a value out of nowhere': ['a 0–1 put x', 'b 2–3 get → y'],
  'a read that goes back': ['a 0–9 put x', 'b 1–2 get → x', 'b 3–4 get → none'],
  'an unknown write seen before it began': ['b 0–1 get → x', 'a 2–? put x'],
  'an unknown write that took effect twice': ['a 0–? put x', 'b 1–2 get → x', 'b 3–4 put y', 'b 5–6 get → x'],
  'an increment done twice': ['a 0–1 increment 1 → 1', 'b 2–3 increment 1 → 3'],
  'two unknown increments counted as three': ['a 0–? increment 1', 'b 0–? increment 1', 'c 5–6 get → 3'],
  'both created it': ['a 0–5 create x → ok', 'b 0–5 create y → ok'],
  'both replaced the same value': ['a 0–1 put x', 'b 2–5 replace y x → ok', 'c 2–5 replace z x → ok'],
  'deleted, and still there': ['a 0–1 put x', 'b 2–3 delete → deleted', 'c 4–5 get → x'],
  'a put that says that it created what was there': ['a 0–1 put x', 'b 2–3 put y → created'],
  'a rejection without a reason': ['a 0–1 put x', 'b 2–3 replace y x → rejected'],
};

describe('the checker of linearizability', () => {
  it.for(Object.entries(LEGAL))('finds an order for %s', ([, lines]) => {
    expect(checkLinearizability(history(...lines))).toEqual([]);
  });

  it.for(Object.entries(ILLEGAL))('finds no order for %s', ([, lines]) => {
    expect(checkLinearizability(history(...lines)).map(({ kind }) => kind)).toEqual(['violation']);
  });

  it('judges each key alone, and tells of the one that is wrong what it can', () => {
    const right = history(...(LEGAL.appends ?? [])).map((operation) => ({ ...operation, key: 'right' }));
    const [finding, ...others] = checkLinearizability([...right, ...history(...(ILLEGAL['a stale read'] ?? []))]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ key: 'k', placed: 2, value: 'y' });
    expect(finding?.text).toBe(
      [
        'no order explains what was told of "k"',
        '  0–1 a: put x → done',
        '  2–3 a: put y → done',
        'then it is "y", and next would come one of',
        '  4–5 b: get → x',
      ].join('\n'),
    );
  });

  it('says that it does not know where it was not let search on', () => {
    const [finding] = checkLinearizability(history(...(ILLEGAL['a stale read'] ?? [])), { maxConfigurations: 1 });
    expect(finding?.kind).toBe('undecided');
  });

  it('says of small histories what trying every order says', () => {
    let legal = 0;
    let illegal = 0;
    const property = fc.property(fc.array(madeUp(), { minLength: 1, maxLength: 7 }), (operations) => {
      const expected = hasOrder(undefined, operations);
      if (expected) legal++;
      else illegal++;
      expect(checkLinearizability(operations).length === 0).toBe(expected);
    });
    fc.assert(property, { numRuns: 10_000, seed: 1 });
    expect(Math.min(legal, illegal)).toBeGreaterThan(1000);
  });

  it('finds an order for whatever happened one after another, and judges mutations of it as trying every order does', () => {
    let illegal = 0;
    for (let seed = 1; seed <= 4000; seed++) {
      const chance = chanceFrom(seed);
      const happened = atomicHistory(chance, 6, 3);
      expect(checkLinearizability(happened)).toEqual([]);
      const mutated = mutate(happened, chance);
      const expected = hasOrder(undefined, mutated);
      if (!expected) illegal++;
      expect({ seed, isLegal: checkLinearizability(mutated).length === 0 }).toEqual({ seed, isLegal: expected });
    }
    expect(illegal).toBeGreaterThan(1000);
  });

  it('finds an order for over ten thousand operations, many of them unknown, and the one wrong answer among them', () => {
    const happened = Array.from({ length: 25 }, (_, n) =>
      atomicHistory(chanceFrom(n), 500, 8).map((operation) => ({ ...operation, key: `k${n}` })),
    ).flat();
    expect(happened.filter(({ isKnown }) => !isKnown).length).toBeGreaterThan(400);
    expect(checkLinearizability(happened)).toEqual([]);
    const read = happened.findLast(({ op, result }) => op === 'get' && result !== undefined);
    const wrong = happened
      .filter(({ key }) => key === read?.key)
      .map((operation) => (operation === read ? { ...operation, result: 'never written' } : operation));
    expect(checkLinearizability(wrong, { maxConfigurations: 50_000 })).toMatchObject([{ key: read?.key }]);
  });
});

/** Small times and few values, so that much overlaps and much is impossible. */
function madeUp(): fc.Arbitrary<Operation> {
  const value = fc.constantFrom('1', '2');
  const of = (op: Operation['op'], argument: fc.Arbitrary<string | undefined>, ...results: (string | undefined)[]) =>
    fc.record({ op: fc.constant(op), argument, result: fc.constantFrom(...results) });
  const told = fc.oneof(
    of('get', fc.constant(undefined), '1', '2', '3', undefined),
    of('put', value, undefined, 'created', 'replaced'),
    of('create', value, 'ok', 'rejected'),
    of('replace', value, 'ok', 'rejected'),
    of('delete', fc.constant(undefined), 'deleted', 'absent'),
    of('increment', value, '1', '2', '3', '4'),
    of('append', value, '1', '2'),
  );
  const times = fc.record({ start: fc.nat(8), length: fc.nat(6), isKnown: fc.boolean(), expected: value });
  return fc.tuple(told, times).map(([what, { start, length, isKnown, expected }]) => ({
    ...what,
    client: 'c',
    key: 'k',
    expected,
    start,
    end: start + length,
    isKnown: isKnown || what.op === 'get',
  }));
}

/** Every order that the times allow, with and without each unknown operation. */
function hasOrder(value: Value, left: readonly Operation[]): boolean {
  if (left.every(({ isKnown }) => !isKnown)) return true;
  const firstEnd = Math.min(...left.filter(({ isKnown }) => isKnown).map(({ end }) => end));
  return left.some((operation) => {
    if (operation.start > firstEnd) return false;
    const after = step(value, operation);
    if (after === 'impossible') return false;
    return hasOrder(
      after.value,
      left.filter((other) => other !== operation),
    );
  });
}

/** What clients of one atomic register write down: each operation takes effect at one moment between its start and its end. */
function atomicHistory(chance: () => number, count: number, clients: number): Operation[] {
  const freeAt = Array.from({ length: clients }, () => 0);
  const planned = Array.from({ length: count }, (_, n) => {
    const client = Math.floor(chance() * clients);
    const start = (freeAt[client] ?? 0) + Math.floor(chance() * 10);
    const end = start + Math.floor(chance() * 20);
    freeAt[client] = end + 1;
    const isLost = chance() < 0.07;
    // What nobody knows of may come long after, or never.
    const at = isLost ? start + chance() * 500 : start + chance() * (end - start);
    return {
      client,
      start,
      end,
      at,
      isLost: isLost,
      isNever: isLost && chance() < 0.5,
      value: `v${n}`,
      kind: chance(),
    };
  });
  let value: Value;
  const history: Operation[] = [];
  for (const { client, start, end, isLost, isNever, value: argument, kind } of planned.toSorted(
    (a, b) => a.at - b.at,
  )) {
    const common = { client: `c${client}`, key: 'k', start, end, isKnown: !isLost };
    const before = value;
    const exists = before !== undefined;
    if (kind < 0.4) {
      if (!isLost) history.push({ ...common, op: 'get', result: before });
    } else if (kind < 0.7) {
      if (!isNever) value = argument;
      history.push({ ...common, op: 'put', argument });
    } else if (kind < 0.8) {
      if (!isNever) value = undefined;
      history.push({ ...common, op: 'delete', result: exists ? 'deleted' : 'absent' });
    } else if (kind < 0.9) {
      if (!isNever) value = before ?? argument;
      history.push({ ...common, op: 'create', argument, result: exists ? 'rejected' : 'ok' });
    } else {
      const expected = before ?? 'v0';
      if (!isNever && exists) value = argument;
      history.push({ ...common, op: 'replace', argument, expected, result: exists ? 'ok' : 'rejected' });
    }
  }
  return history;
}

/** Changes one thing: what was told, when it was, or whether it was at all. */
function mutate(history: readonly Operation[], chance: () => number): Operation[] {
  const place = Math.floor(chance() * history.length);
  const kind = chance();
  const values = history.map(({ argument }) => argument);
  return history.flatMap((operation, at) => {
    if (at !== place) return [operation];
    const { op, result, start, end } = operation;
    if (kind < 0.2 && op !== 'get') return [];
    if (kind < 0.4) return [{ ...operation, start: start + 15, end: end + 15 }];
    if (op === 'get') return [{ ...operation, result: values[Math.floor(chance() * values.length)] }];
    if (op === 'delete') return [{ ...operation, result: result === 'absent' ? 'deleted' : 'absent' }];
    if (op === 'put') return [{ ...operation, argument: 'another' }];
    return [{ ...operation, result: result === 'ok' ? 'rejected' : 'ok' }];
  });
}

function chanceFrom(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return ((state ^ (state >>> 14)) >>> 0) / 4294967296;
  };
}
