// Bugs planted in the real code for a run of the simulator: each takes one rule out, and the simulator must notice.
import { BUGS_OF_CACHES } from './caches/planted.ts';
import { BUGS_OF_RESTORES } from './planted-restores.ts';
import { BUGS_OF_TOKENS } from './planted-tokens.ts';
import { BUGS_OF_WAITS } from './planted-waits.ts';

/** `store`: clients of the map. `caches`: clients of caches in front of a database. */
export const SCENARIOS = ['store', 'caches'] as const;
type Scenario = (typeof SCENARIOS)[number];

/** One place of the source text. */
type PlantedChange = {
  /** The file, from the top of the project. */
  readonly file: string;
  /** Stands exactly once in the file: a change of the code that moves it must move the bug along. */
  readonly find: string;
  readonly replace: string;
};

export type PlantedBug = PlantedChange & {
  readonly name: string;
  /** What is simulated to find it. */
  readonly scenario?: Scenario;
  /** Further places, where one rule has more than one guard. */
  readonly also?: readonly PlantedChange[];
};

const BUGS_OF_THE_STORE: readonly PlantedBug[] = [
  {
    name: 'no ids',
    file: 'src/core/machine.ts',
    find: 'if (first !== undefined) {',
    replace: 'if (first !== undefined && first.hash === 0n) {',
  },
  {
    name: 'waiter by id',
    file: 'src/node/writes.ts',
    find: 'const attempt = ++this.#attempts;',
    replace:
      'const attempt = [...id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 1_000_003, ++this.#attempts * 0);',
  },
  {
    name: 'answer before acknowledgement',
    file: 'src/node/waiters.ts',
    find: 'if (!waiter.isAcknowledged || waiter.outcome === undefined) return;',
    replace: 'if (waiter.outcome === undefined) return;',
  },
  {
    name: 'answer before apply',
    file: 'src/node/waiters.ts',
    find: `if (!waiter.isAcknowledged || waiter.outcome === undefined) return;`,
    replace: `if (!waiter.isAcknowledged) return;
    waiter.outcome ??= { code: 'done', revision: 0, detail: 0n, isRepeat: false };`,
  },
  {
    name: 'estimate that goes back',
    file: 'src/node/estimate.ts',
    find: 'Math.max(estimate, logTime)',
    replace: 'logTime',
  },
  {
    name: '`not-applied` for an id that came in',
    file: 'src/node/writes.ts',
    find: "ending.kind === 'uncertain' || !isOwnId",
    replace: "ending.kind === 'uncertain'",
  },
  {
    name: '`deadline` remembered under an id',
    file: 'src/core/machine.ts',
    find: 'if (isRemembered(verdict.code)) {',
    replace: "if (isRemembered(verdict.code) || verdict.code === 'deadline') {",
  },
  {
    name: "a frame's copy applied twice",
    file: 'src/core/members.ts',
    find: "return n > member.lastFrame ? 'new' : 'copy';",
    replace: "return n > 0 ? 'new' : 'copy';",
  },
  {
    name: 'heartbeat copies counted',
    file: 'src/core/machine.ts',
    find: "if (standing === 'copy') {",
    replace: "if (standing === 'copy' && !(frame.commands.length === 1 && joins(frame))) {",
  },
  {
    name: 'a pause seen only by the late tick',
    file: 'src/node/node.ts',
    find: '    this.#pause.check();\n',
    replace: '',
  },
  {
    name: 'what waited to be accepted during a pause is served after it',
    file: 'src/node/heart.ts',
    find: '    await socketsEmptied;\n',
    replace: '',
  },
  {
    name: 'skipped barrier',
    file: 'src/node/reads.ts',
    find: "request.consistency === 'linearizable' ?",
    replace: "request.timeoutMs < 0 && request.consistency === 'linearizable' ?",
  },
  {
    name: 'expire without revision',
    file: 'src/core/commands/chores.ts',
    find: 'if (entry?.revision !== revision) return VERDICTS.stale;',
    replace: `if (entry === undefined) return VERDICTS.stale;
  if (type === 'expire') {
    state.remove(type, key);
    return VERDICTS.deleted;
  }
  if (entry.revision !== revision) return VERDICTS.stale;`,
  },
  {
    name: 'evict without revision',
    file: 'src/core/commands/chores.ts',
    find: 'if (entry?.revision !== revision) return VERDICTS.stale;',
    replace: "if (entry === undefined || (type === 'expire' && entry.revision !== revision)) return VERDICTS.stale;",
  },
  {
    name: 'evict below the limits',
    file: 'src/core/commands/chores.ts',
    find: ': state.isOverfull;',
    replace: ': true;',
  },
  {
    name: 'local eviction without the log',
    file: 'src/node/eviction.ts',
    find: '  return chosen.slice(0, wanted)',
    replace: '  for (const { key } of chosen) keyspace.delete(key);\n  return chosen.slice(0, 0)',
  },
  {
    name: 'memory that is never full where entries are evicted',
    file: 'src/core/state.ts',
    find: "if (eviction !== 'none')\n      return",
    replace: "if (eviction !== 'none')\n      return true ||",
  },
  {
    name: 'nobody evicts',
    file: 'src/node/eviction.ts',
    find: 'return state.isOverfull &&',
    replace: 'return state.keyspace.keys < 0 && state.isOverfull &&',
  },
  {
    name: 'no deadline in apply',
    file: 'src/core/machine.ts',
    find: 'command.deadline !== 0 && state.time.now > command.deadline',
    replace: 'command.deadline < 0',
  },
  {
    name: 'watch resumes one too late',
    file: 'src/node/history.ts',
    find: '    return low;\n',
    replace: '    return Math.min(low + 1, this.nextNumber);\n',
  },
  {
    name: 'a revision that lies ahead is not waited for',
    file: 'src/node/watches.ts',
    find: 'if (event === undefined || !isAfter(event, watcher.position)) continue;',
    replace: 'if (event === undefined) continue;',
  },
  {
    name: 'events that are gone are not said to be',
    file: 'src/node/watches.ts',
    find: 'if (isAfter(history.before, from))',
    replace: 'if (isAfter(history.before, from) && from.revision < 0)',
  },
  {
    name: 'a slow watcher is not cut off',
    file: 'src/node/watches.ts',
    find: 'if (watcher.next < history.firstNumber)',
    replace: 'if (watcher.next < 0)',
  },
  {
    name: 'a rejected operation does not undo those before it',
    file: 'src/core/state.ts',
    find: 'journal.undo(this.keyspace);',
    replace: 'journal.changes.length = 0;',
  },
  {
    name: 'what is undone lives for ever',
    file: 'src/core/journal.ts',
    find: 'else keyspace.set(key, entry);',
    replace: 'else keyspace.set(key, { ...entry, expiresAt: 0 });',
  },
  {
    name: 'compares judged at the edge',
    file: 'src/node/node.ts',
    find: 'return this.#writes.submit(request);',
    replace: `const { command } = request;
    const [compare] = command.type === 'transaction' ? command.compares : [];
    if (compare === undefined) return this.#writes.submit(request);
    const isThen = this.#machine.state.entry(compare.key) === undefined;
    const compares = isThen ? [] : [{ ...compare, condition: { match: [0], noneMatch: 'none' } }];
    return this.#writes.submit({ ...request, command: { ...command, compares } });`,
  },
  {
    name: 'a transaction remembered without its branch',
    file: 'src/core/outcome-bytes.ts',
    find: 'if (transaction !== undefined) writeTransaction(writer, transaction);',
    replace: '',
  },
  {
    name: 'a delete of a prefix that never says that there is more',
    file: 'src/core/commands/transactions.ts',
    find: "seen < keys.length ? 'deleted-in-part' : 'deleted'",
    replace: "'deleted'",
  },
  {
    name: 'late heartbeats of the dead end the living',
    file: 'src/core/members.ts',
    find: 'isOlder ? applied >= rival.firstRevision :',
    replace: 'isOlder ? applied >= 0 :',
  },
  {
    name: 'a snapshot cut in mid-frame',
    file: 'src/node/node.ts',
    find: 'onOutcome: (command, outcome) => this.#writes.applied(command.attempt, outcome),',
    replace: `onOutcome: (command, outcome) => {
        this.#writes.applied(command.attempt, outcome);
        const offset = this.#machine.notes.at(-1)?.offset ?? 0;
        const { type } = command.command;
        if (type === 'heartbeat' || type === 'put') this.snapshots.applied({ offset, payload: new Uint8Array() }, true);
      },`,
  },
  {
    name: 'copy on write that keeps the new value',
    file: 'src/snapshot/keyspace-walk.ts',
    find: 'if (old !== undefined && this.#isAsItWas(key, old)) this.#write(key, old);',
    replace:
      'if (old !== undefined && this.#isAsItWas(key, old)) this.#write(key, { ...(entry ?? old), revision: old.revision });',
  },
  {
    name: 'the digest is not restored',
    file: 'src/node/restore.ts',
    find: 'machine.goOnFrom(state, offset);',
    replace: 'Object.assign(state.keyspace.digest, { high: 0, low: 0 }); machine.goOnFrom(state, offset);',
  },
  {
    name: 'outcomes are not restored',
    file: 'src/node/restore.ts',
    find: 'machine.goOnFrom(state, offset);',
    replace: 'state.recent.begin(state.time.now); machine.goOnFrom(state, offset);',
  },
  {
    name: 'a restart that goes on one record too late',
    file: 'src/core/machine.ts',
    find: 'this.#nextOffset = offset;',
    replace: 'this.#nextOffset = offset + 1;',
  },
  {
    name: 'outcomes left out of the snapshot',
    file: 'src/snapshot/cut.ts',
    find: 'const [younger, older] = state.recent.cut();',
    replace:
      'const [{ startedAt }, older] = state.recent.cut(); const younger = { startedAt, size: 0, rows: () => [] };',
  },
  {
    name: 'the log trimmed up to the newest verified snapshot',
    file: 'src/core/snapshot-marks.ts',
    find: '0 : older.offset',
    replace: '0 : newer.offset',
  },
  {
    name: 'a verification that does not read the snapshot',
    file: 'src/node/snapshot-verifier.ts',
    find: '    await this.#judge(candidate);\n',
    replace: '',
  },
  {
    name: 'a verification that does not compare',
    file: 'src/node/snapshot-verifier.ts',
    find: 'if (isNamed && manifest.revision === own.revision && manifest.digest === own.digest) return;',
    replace: 'if (isNamed || manifest.digest !== 0n) return;',
  },
  {
    name: 'a replica that differs goes on',
    file: 'src/node/following.ts',
    find: 'if (offset < this.#judgedFrom) return false;',
    replace: 'if (offset >= 0) return false;',
  },
];

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...BUGS_OF_THE_STORE,
  ...BUGS_OF_TOKENS,
  ...BUGS_OF_RESTORES,
  ...BUGS_OF_WAITS,
  ...BUGS_OF_CACHES.map((bug) => ({ ...bug, scenario: 'caches' as const })),
];
