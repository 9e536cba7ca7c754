// Bugs planted in the caches: each takes out a rule by which they keep in step with their database.
import type { PlantedBug } from '../planted.ts';

const KEY = 'src/core/commands/cached-key.ts';
const FLUSHER = 'src/cache/server/flusher.ts';
const LOADER = 'src/cache/server/loader.ts';

export const BUGS_OF_CACHES: readonly PlantedBug[] = [
  {
    name: 'stale fill of an absent key',
    file: 'src/core/cache-records.ts',
    find: "const keys = [entry, slotKey('M', entry), recordKey('A', cache)];",
    replace: "const keys = [entry, recordKey('A', cache)];",
  },
  {
    name: 'two writers without sets of holds',
    file: KEY,
    find: 'holds.length === 1 && own.end',
    replace: 'own.end',
    also: [{ file: KEY, find: 'isAlone && !isOutdated', replace: '(isAlone || isOutdated)' }],
  },
  {
    name: 'a miss noted during a hold that fills',
    file: KEY,
    find: '    this.drop();\n    return content === undefined ? VERDICTS.done',
    replace: '    return content === undefined ? VERDICTS.done',
    also: [
      { file: LOADER, find: 'now.isHeld ? undefined : now.revision', replace: 'now.revision' },
      {
        file: KEY,
        find: 'if (this.#holds().length > 0) return VERDICTS.held;\n    const lease',
        replace: 'const lease',
      },
    ],
  },
  {
    name: 'a hold that leaves the old entry',
    file: KEY,
    find: 'end: this.#state.time.now + ttlMs }]);\n    this.drop();',
    replace: 'end: this.#state.time.now + ttlMs }]);\n    this.#raiseMark();',
  },
  {
    name: 'a dirty entry that expires',
    file: KEY,
    find: 'this.#keep(content, 0)',
    replace: 'this.#keep(content, this.#state.expiry(content.ttlMs))',
  },
  {
    name: 'a fence per term instead of per flush',
    file: FLUSHER,
    find: "const guard = { kind: 'fence', cluster: log.replica.cluster, n } as const;",
    replace: `this.#term ??= n;
    const guard = { kind: 'fence', cluster: log.replica.cluster, n: this.#term } as const;`,
    also: [
      { file: FLUSHER, find: '  #lastN = 0;', replace: '  #lastN = 0;\n  #term: number | undefined;' },
      { file: FLUSHER, find: '      this.#refusals.clear();\n', replace: '      this.#term = undefined;\n' },
      { file: 'test/simulation/caches/database.ts', find: 'fence.n >= n', replace: 'fence.n > n' },
    ],
  },
  {
    name: '`saved` without its revision',
    file: KEY,
    find: 'if (record?.revision !== revision) return false;',
    replace: 'if (record === undefined) return false;',
  },
  {
    name: 'write-behind begins while somebody writes the source',
    file: KEY,
    find: '    if (this.#holds().length > 0) return VERDICTS.held;\n    const earlier',
    replace: '    const earlier',
  },
  {
    name: 'a load shared by who came after a write',
    file: LOADER,
    find: 'now.isHeld ? undefined : String(now.changedAt)',
    replace: "now.isHeld ? undefined : ''",
  },
];
