// Tests of the judgement: a history that happened passes, and each kind of lie in it is found.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Fate, type HistoryEntry, keep, readKept } from './history.ts';
import { judge } from './judgement.ts';

/** One register, one client: created, replaced by its ETag, refused, unknown but applied, read, deleted. */
const HISTORY: readonly HistoryEntry[] = [
  entry({ id: 'a', action: 'create', start: 0, end: 5, status: 201, revision: 10 }),
  entry({ id: 'b', action: 'replace', expected: 'a', start: 10, end: 15, status: 200, revision: 11 }),
  entry({ id: 'c', action: 'replace', expected: 'a', start: 20, end: 25, status: 412, revision: 11 }),
  entry({ id: 'd', action: 'put', start: 30, end: 90, status: 0 }),
  entry({ id: 'e', action: 'get', start: 100, end: 105, status: 200, revision: 13, body: 'd' }),
  entry({ id: 'f', action: 'put', start: 110, end: 120, status: 503, saysNotApplied: true }),
  entry({ id: 'g', action: 'delete', start: 130, end: 135, status: 204 }),
  entry({ id: 'h', action: 'get', start: 140, end: 145, status: 404 }),
];
const FATES: readonly Fate[] = [
  fate({ id: 'a', code: 'created', revision: 10 }),
  fate({ id: 'b', code: 'replaced', revision: 11 }),
  fate({ id: 'c', code: 'condition-failed', revision: 12 }),
  fate({ id: 'd', code: 'replaced', revision: 13, repeats: 1 }),
  fate({ id: 'g', code: 'deleted', revision: 14 }),
];

test('a history that happened passes, and unknown answers are found in the log', () => {
  expect(judged()).toMatchObject({
    faults: [],
    operations: 7,
    registers: 1,
    unknown: { applied: 1, rejected: 0, absent: 1 },
    ids: 5,
    repeated: 1,
  });
});

const LIES: readonly [string, string, Parameters<typeof judged>][] = [
  ['an acknowledged write that is not in the log', 'lost', [{}, { b: undefined }]],
  ['a write applied twice', 'doubled', [{}, { d: { applied: 2 } }]],
  ['another revision than the log has', 'different', [{ b: { revision: 12 } }]],
  ['"created" where something was replaced', 'different', [{}, { a: { code: 'replaced' } }]],
  ['a write that was denied and applied', 'falsely denied', [{}, { f: { code: 'replaced', revision: 15 } }]],
  ['a stale read', 'not linearizable', [{ e: { body: 'a' } }]],
  ['a read of a value that was never written', 'not linearizable', [{ e: { body: 'x' } }]],
  [
    'a lost update: two conditional writes upon one ETag',
    'not linearizable',
    [{ c: { status: 200 } }, { c: { code: 'replaced' } }],
  ],
  ['a deleted entry that is seen', 'not linearizable', [{ h: { status: 200, body: 'd' } }]],
];

test.each(LIES)('it finds %s', (_, kind, changes) => {
  expect(judged(...changes).faults.map((fault) => fault.kind)).toContain(kind);
});

test('a history that was kept is judged alike', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'chorus-history-'));
  try {
    await keep(directory, { history: HISTORY, fates: new Map(FATES.map((one) => [one.id, one])) });
    expect(judge(await readKept(directory))).toEqual(judged());
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** The history with some entries and fates changed; undefined takes a fate away. */
function judged(
  entries: Readonly<Record<string, Partial<HistoryEntry>>> = {},
  changed: Readonly<Record<string, Partial<Fate> | undefined>> = {},
) {
  const fates = new Map(FATES.map((one) => [one.id, one]));
  for (const [id, change] of Object.entries(changed)) {
    if (change === undefined) fates.delete(id);
    else fates.set(id, fate({ ...fates.get(id), ...change, id }));
  }
  return judge({ history: HISTORY.map((one) => ({ ...one, ...entries[one.id] })), fates });
}

function entry(
  parts: Partial<HistoryEntry> & Pick<HistoryEntry, 'id' | 'action' | 'start' | 'end' | 'status'>,
): HistoryEntry {
  const isWrite = parts.action !== 'get' && parts.action !== 'delete';
  const rest = { client: 'client-1', via: 'node-1', key: 'register/0/0', revision: 0, body: '', saysNotApplied: false };
  return { ...rest, argument: isWrite ? parts.id : '', ...parts };
}

function fate(parts: Partial<Fate> & { readonly id: string }): Fate {
  return { code: 'replaced', revision: 0, applied: 1, repeats: 0, ...parts };
}
