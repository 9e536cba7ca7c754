// Recent outcomes: what is remembered under an id, for how long, and that replicas which remember the same have one digest.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Hasher } from '../../../src/base/hash.ts';
import type { StateLimits } from '../../../src/core/commands/command.ts';
import { OUTCOME_CODES, VERDICTS, type Verdict } from '../../../src/core/outcome.ts';
import { RecentOutcomes } from '../../../src/core/recent.ts';
import { MapOutcomes } from '../../model/map-outcomes.ts';

const LIMITS: StateLimits = {
  maxValueBytes: 1,
  maxKeys: 1,
  maxMemoryBytes: 1,
  maxOutcomes: 3,
  outcomeWindowMs: 1000,
  featureLevel: 1,
  eviction: 'none',
};
const START = 50_000;

describe('a remembered outcome', () => {
  test('comes back as it was, marked as a repeat, for its caller and id alone', () => {
    const recent = begun();
    recent.add('caller', 'id', 77n, { code: 'done', detail: -5n }, 12);
    const outcome = { code: 'done', detail: -5n, revision: 12, isRepeat: true };
    expect(recent.find('caller', 'id')).toEqual({ hash: 77n, outcome });
    for (const [caller, id] of [
      ['', 'id'],
      ['other', 'id'],
      ['caller', 'ID'],
      ['caller', ''],
    ] as const) {
      expect(recent.find(caller, id)).toBeUndefined();
    }
  });

  test('keeps every code, and details and hashes to their last bit, through all growth', () => {
    const recent = begun();
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const rows = fc.sample(fc.tuple(fc.constantFrom(...OUTCOME_CODES), int64, uint64, fc.maxSafeNat()), 1000);
    for (const [at, [code, detail, hash, revision]] of rows.entries()) {
      recent.add('', `id-${at}`, hash, { code, detail }, revision);
    }
    expect(recent.size).toBe(1000);
    for (const [at, [code, detail, hash, revision]] of rows.entries()) {
      expect(recent.find('', `id-${at}`)).toEqual({ hash, outcome: { code, detail, revision, isRepeat: true } });
    }
  });
});

describe('two generations', () => {
  test('an id lives through one turn of the window and not through two', () => {
    const recent = begun();
    remember(recent, 'a');
    recent.turn(START + 999, LIMITS);
    remember(recent, 'b');
    recent.turn(START + 1000, LIMITS); // a and b become the older generation
    remember(recent, 'c');
    expect(known(recent, 'a', 'b', 'c')).toEqual(['a', 'b', 'c']);
    recent.turn(START + 1999, LIMITS);
    expect(known(recent, 'a', 'b', 'c')).toEqual(['a', 'b', 'c']);
    recent.turn(START + 2000, LIMITS);
    expect(known(recent, 'a', 'b', 'c')).toEqual(['c']);
    expect(recent.earlyTurns).toBe(0);
  });

  test('a full generation is turned over early, which is counted', () => {
    const recent = begun();
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      recent.turn(START + 1, LIMITS);
      remember(recent, id);
    }
    expect(known(recent, 'a', 'b', 'c', 'd', 'e', 'f', 'g')).toEqual(['d', 'e', 'f', 'g']);
    expect(recent.earlyTurns).toBe(2);
    expect(recent.size).toBe(4);
  });

  test('never more than twice maxOutcomes are kept, and an id is known for a whole window unless a generation was full', () => {
    const steps = fc.array(fc.nat(700), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (waits) => {
        const recent = begun();
        const addedAt = new Map<string, number>();
        let now = START;
        for (const [at, wait] of waits.entries()) {
          now += wait;
          recent.turn(now, LIMITS);
          remember(recent, `${at}`);
          addedAt.set(`${at}`, now);
          expect(recent.size).toBeLessThanOrEqual(2 * LIMITS.maxOutcomes);
          for (const [id, time] of addedAt) {
            if (now - time < recent.windowMs(now)) expect(recent.find('', id)).toBeDefined();
            if (recent.earlyTurns === 0 && now - time < LIMITS.outcomeWindowMs)
              expect(recent.find('', id)).toBeDefined();
          }
        }
      }),
    );
  });

  test('windowMs says since when every id is known: from the beginning, then one window to two', () => {
    const recent = begun();
    expect(recent.windowMs(START + 300)).toBe(300);
    recent.turn(START + 1000, LIMITS);
    expect(recent.windowMs(START + 1000)).toBe(1000);
    recent.turn(START + 1999, LIMITS);
    expect(recent.windowMs(START + 1999)).toBe(1999);
    recent.turn(START + 2000, LIMITS);
    expect(recent.windowMs(START + 2000)).toBe(1000);
  });
});

describe('the digest', () => {
  test('is equal for the same memory and differs in any of its parts', () => {
    const rows: readonly (readonly [string, string, bigint, Verdict, number])[] = [
      ['', 'a', 1n, VERDICTS.done, 1],
      ['c', 'a', 1n, VERDICTS.done, 1],
      ['', 'b', 1n, VERDICTS.done, 1],
      ['', 'a', 2n, VERDICTS.done, 1],
      ['', 'a', 1n, VERDICTS.created, 1],
      ['', 'a', 1n, { code: 'done', detail: 1n }, 1],
      ['', 'a', 1n, VERDICTS.done, 2],
    ];
    const digests = rows.map((row) => {
      const [one, other] = [begun(), begun()];
      one.add(...row);
      other.add(...row);
      expect(digestOf(one)).toBe(digestOf(other));
      return digestOf(one);
    });
    expect(new Set([...digests, digestOf(begun())]).size).toBe(rows.length + 1);
  });

  test('tells the generations apart: memories that will be forgotten at other times are not the same', () => {
    const [one, other] = [begun(), begun()];
    remember(one, 'a');
    one.turn(START + 1000, LIMITS);
    other.turn(START + 1000, LIMITS);
    remember(other, 'a');
    expect(digestOf(one)).not.toBe(digestOf(other));
  });
});

function begun(): RecentOutcomes {
  const recent = new RecentOutcomes(() => new MapOutcomes());
  recent.begin(START);
  return recent;
}

function remember(recent: RecentOutcomes, id: string): void {
  recent.add('', id, 1n, VERDICTS.done, 1);
}

function known(recent: RecentOutcomes, ...ids: string[]): string[] {
  return ids.filter((id) => recent.find('', id) !== undefined);
}

function digestOf(recent: RecentOutcomes): bigint {
  const hasher = new Hasher().reset(0);
  recent.hashInto(hasher);
  return hasher.value;
}
