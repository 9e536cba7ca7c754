// The whole log applied once more by a machine of its own: what really happened, for the oracles to compare with what was said.
import { decodeFrame } from '../../src/core/codec.ts';
import type { Command, DeletePrefix } from '../../src/core/commands/command.ts';
import { Machine } from '../../src/core/machine.ts';
import { isRemembered, isSuccess, type Outcome } from '../../src/core/outcome.ts';
import type { SnapshotMark } from '../../src/core/snapshot-marks.ts';
import type { LogRecord } from '../../src/log/commit-log.ts';
import type { Position } from '../../src/node/history.ts';
import { MapKeyspace } from '../model/map-keyspace.ts';
import type { Backup } from './backup-source.ts';
import { EvictionFacts } from './eviction-facts.ts';
import { keysOf } from './ledger.ts';
import { LevelFacts } from './level-facts.ts';
import { RestoreFacts } from './restore-facts.ts';
import { TokenFacts } from './token-facts.ts';

export type AppliedCommand = { readonly node: string; readonly offset: number; readonly outcome: Outcome };

/** An entry's state from a revision on: `seen` is its revision, 0 while there is none. */
export type KeyState = { readonly from: number; readonly seen: number; readonly expiresAt: number };

/** What happened to a key: its place, and all that a watcher is told of it. */
type ChangeFact = Position & { readonly offset: number; readonly key: string; readonly text: string };

export type Replay = {
  /** Every applied command that carried this id, in order. */
  readonly byId: ReadonlyMap<string, readonly AppliedCommand[]>;
  readonly byKey: ReadonlyMap<string, readonly KeyState[]>;
  /** Frames that were applied more than once. */
  readonly doubledFrames: readonly string[];
  /** What a rejected or repeated command changed, and what a delete of a prefix did beside its words. */
  readonly faults: readonly string[];
  /** Keys whose entry was expired before its time. */
  readonly expiredEarly: readonly string[];
  /** What was appended before all nodes knew it, and a feature level that rose too early. */
  readonly levelFaults: readonly string[];
  /** What was evicted without need or though it had changed, and memory that was filled beyond all bounds. */
  readonly evictionFaults: readonly string[];
  /** Digest by revision, as noted at the ends of frames. */
  readonly digests: ReadonlyMap<number, bigint>;
  readonly changes: readonly ChangeFact[];
  /** The verified snapshots from the record at `offset` on. */
  readonly verified: readonly { readonly offset: number; readonly marks: readonly SnapshotMark[] }[];
  readonly tokens: TokenFacts;
  readonly restores: RestoreFacts;
  /** At the end of the log. */
  readonly digest: bigint;
};

/** `backups`: all that operators sent. */
export function replay(records: readonly LogRecord[], backups: readonly Backup[] = []): Replay {
  const machine = new Machine(new MapKeyspace());
  const byId = new Map<string, AppliedCommand[]>();
  const byKey = new Map<string, KeyState[]>();
  const applied = new Set<string>();
  const doubledFrames: string[] = [];
  const faults: string[] = [];
  let keyspaceDigest = '0/0';
  const expiredEarly: string[] = [];
  const levels = new LevelFacts(machine.state);
  const evictions = new EvictionFacts(machine.state);
  const tokens = new TokenFacts();
  const restores = new RestoreFacts(machine.state, backups);
  const digests = new Map<number, bigint>();
  const changes: ChangeFact[] = [];
  const verified: { offset: number; marks: readonly SnapshotMark[] }[] = [];
  machine.state.onChange = (change, keyBytes, entry) => {
    const { revision } = machine.state;
    const place = changes.filter((other) => other.revision === revision).length;
    const key = Buffer.from(keyBytes).toString('latin1');
    const value = change === 'put' ? Buffer.from(entry?.value ?? []).toString('latin1') : '';
    const expiresAt = entry === undefined || entry.expiresAt === 0 ? '' : new Date(entry.expiresAt).toISOString();
    const text = [`${revision}.${place}`, change, key, value, expiresAt].join(' ');
    changes.push({ revision, place, offset: machine.nextOffset - 1, key, text });
  };
  for (const { offset, timestamp, payload } of records) {
    const decoded = decodeFrame(payload);
    if (decoded.kind === 'newer') throw new Error('the simulator wrote a newer frame');
    const author = decoded.kind === 'frame' ? decoded.frame.node : '';
    const disposition = machine.apply(offset, timestamp, decoded, (command, outcome) => {
      if (command.id !== '') push(byId, command.id, { node: author, offset, outcome });
      tokens.note(command.command, outcome, machine.state.revision);
      restores.note(command, outcome, offset);
      noteFaults(command.command, outcome);
      noteExpiry(command.command, outcome);
      evictions.note(command.command, outcome, byKey);
      for (const key of keysOf(command.command, byKey.keys())) noteKey(key);
    });
    if (decoded.kind === 'frame' && disposition === 'applied') {
      const name = `${decoded.frame.incarnation}/${decoded.frame.n}`;
      if (applied.has(name)) doubledFrames.push(name);
      applied.add(name);
    }
    if (decoded.kind === 'frame' && disposition === 'applied') levels.note(decoded.frame);
    const marks = machine.state.snapshots.verified;
    if (marks !== verified.at(-1)?.marks) verified.push({ offset, marks });
    const note = machine.notes.at(-1);
    if (note !== undefined) digests.set(note.revision, note.digest);
  }
  const digest = machine.state.digest();
  evictions.noteEnd();
  restores.noteEndOfLog();
  const evictionFaults = evictions.faults;
  return {
    byId,
    byKey,
    doubledFrames,
    faults,
    expiredEarly,
    levelFaults: levels.faults,
    evictionFaults,
    digests,
    changes,
    verified,
    tokens,
    restores,
    digest,
  };

  function noteFaults(command: Command, outcome: Outcome): void {
    const { high, low } = machine.state.keyspace.digest;
    const before = keyspaceDigest;
    keyspaceDigest = `${high}/${low}`;
    const isChange = isSuccess(outcome.code) && !outcome.isRepeat;
    const what = `${command.type}@${machine.state.revision} (${outcome.code})`;
    if (!isChange && before !== keyspaceDigest) faults.push(`${what} changed something`);
    if (command.type === 'delete-prefix' && isChange) faults.push(...prefixFaults(command, outcome, what));
  }

  // Before the keys are noted: what stood under the prefix is what was noted of it last.
  function prefixFaults(command: DeletePrefix, { code, detail }: Outcome, what: string): string[] {
    const keys = keysOf(command, byKey.keys()).filter((key) => byKey.get(key)?.at(-1)?.seen !== 0);
    const left = keys.filter((key) => machine.state.keyspace.get(Buffer.from(key, 'latin1')) !== undefined);
    const deleted = keys.filter((key) => !left.includes(key));
    const isFirst = deleted.every((key) => left.every((other) => key < other));
    const isRight = isFirst && deleted.length === Number(detail) && deleted.length <= command.limit;
    return isRight && (code === 'deleted') === (left.length === 0)
      ? []
      : [`${what} deleted ${deleted} and left ${left}`];
  }

  function noteExpiry(command: Command, outcome: Outcome): void {
    if (command.type !== 'expire' || outcome.code !== 'deleted') return;
    const { revision, time } = machine.state;
    const key = Buffer.from(command.key).toString('latin1');
    const before = byKey.get(key)?.at(-1)?.expiresAt ?? 0;
    if (before === 0 || before > time.now) expiredEarly.push(`${key}@${revision}`);
  }

  function noteKey(key: string): void {
    const { keyspace, revision } = machine.state;
    const entry = keyspace.get(Buffer.from(key, 'latin1'));
    push(byKey, key, { from: revision, seen: entry?.revision ?? 0, expiresAt: entry?.expiresAt ?? 0 });
  }
}

/** Whether a key looked like `seen` at some revision from `from` to `to`; an entry that expires may also look absent. */
export function couldBeSeen(states: readonly KeyState[], seen: number, from: number, to: number): boolean {
  let current: KeyState = { from: 0, seen: 0, expiresAt: 0 };
  for (const state of [...states, { from: Number.POSITIVE_INFINITY, seen: 0, expiresAt: 0 }]) {
    // `current` held from its own revision until just before the next one's.
    const overlaps = current.from <= to && state.from - 1 >= from;
    if (overlaps && (current.seen === seen || (seen === 0 && current.expiresAt !== 0))) return true;
    current = state;
  }
  return false;
}

/** Applied commands that changed something or were rejected for good: not those that only repeat an outcome, or may be tried again. */
export function firstOutcomes(commands: readonly AppliedCommand[]): readonly AppliedCommand[] {
  return commands.filter(({ outcome }) => !outcome.isRepeat && isRemembered(outcome.code));
}

export function successes(commands: readonly AppliedCommand[]): number {
  return commands.filter(({ outcome }) => !outcome.isRepeat && isSuccess(outcome.code)).length;
}

function push<T>(map: Map<string, T[]>, name: string, value: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [value]);
  else list.push(value);
}
