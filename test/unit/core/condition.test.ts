// Conditions against RFC 9110: If-Match (§13.1.1) and If-None-Match (§13.1.2), both of which must hold.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from '../../../src/base/bytes.ts';
import { ALWAYS, holds, type RevisionSet, readCondition, writeCondition } from '../../../src/core/condition.ts';
import { conditions } from './arbitraries.ts';

type Row = {
  readonly match: RevisionSet;
  readonly noneMatch: RevisionSet;
  readonly absent: boolean;
  readonly at7: boolean;
};

/** What the RFC says of a resource that is absent, and of one whose ETag is 7. */
const TABLE: readonly Row[] = [
  { match: 'none', noneMatch: 'none', absent: true, at7: true },
  { match: 'any', noneMatch: 'none', absent: false, at7: true },
  { match: [7], noneMatch: 'none', absent: false, at7: true },
  { match: [3, 7], noneMatch: 'none', absent: false, at7: true },
  { match: [3], noneMatch: 'none', absent: false, at7: false },
  { match: 'none', noneMatch: 'any', absent: true, at7: false },
  { match: 'none', noneMatch: [7], absent: true, at7: false },
  { match: 'none', noneMatch: [3, 7], absent: true, at7: false },
  { match: 'none', noneMatch: [3], absent: true, at7: true },
  { match: 'any', noneMatch: 'any', absent: false, at7: false },
  { match: 'any', noneMatch: [3], absent: false, at7: true },
  { match: [7], noneMatch: [7], absent: false, at7: false },
];

test.each(TABLE)('If-Match $match with If-None-Match $noneMatch: absent $absent, at revision 7 $at7', (row) => {
  expect(holds(row, undefined)).toBe(row.absent);
  expect(holds(row, 7)).toBe(row.at7);
});

test('each half is judged alone, and both must hold', () => {
  const revisions = fc.option(fc.nat(20), { nil: undefined });
  fc.assert(
    fc.property(conditions, revisions, ({ match, noneMatch }, revision) => {
      const matches = holds({ match, noneMatch: 'none' }, revision);
      const isUnmatched = holds({ match: 'none', noneMatch }, revision);
      expect(holds({ match, noneMatch }, revision)).toBe(matches && isUnmatched);
    }),
  );
});

test('If-None-Match is the opposite of If-Match with the same list', () => {
  fc.assert(
    fc.property(conditions, fc.option(fc.nat(20), { nil: undefined }), ({ match }, revision) => {
      fc.pre(match !== 'none');
      const isMatched = holds({ match, noneMatch: 'none' }, revision);
      expect(holds({ match: 'none', noneMatch: match }, revision)).toBe(!isMatched);
    }),
  );
});

test('a condition comes out of its bytes as it went in', () => {
  fc.assert(
    fc.property(conditions, (condition) => {
      const writer = new ByteWriter();
      writeCondition(writer, condition);
      const reader = new ByteReader(writer.take());
      expect(readCondition(reader)).toEqual(condition);
      reader.end();
    }),
  );
});

test('the condition that always holds is one object, so that a million commands share it', () => {
  expect(readCondition(new ByteReader(Uint8Array.of(0, 0)))).toBe(ALWAYS);
});
