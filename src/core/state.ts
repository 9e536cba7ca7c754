// The whole replicated state: equal on all nodes at equal offsets, and all of it goes into snapshots and the digest.
import { invariant } from '../base/assert.ts';
import { Hasher } from '../base/hash.ts';
import { markOf } from './cache-records.ts';
import type { StateLimits } from './commands/command.ts';
import { type ChangeListener, Journal } from './journal.ts';
import type { Entry, Keyspace } from './keyspace.ts';
import { isExpired, logicalBytes } from './keyspace.ts';
import { BEFORE_TIME, type LogTime } from './log-time.ts';
import { Members } from './members.ts';
import { isSuccess, type Verdict } from './outcome.ts';
import { RecentOutcomes } from './recent.ts';
import { hashMarks, NO_SNAPSHOTS, type SnapshotMarks } from './snapshot-marks.ts';

const MARK = { value: new Uint8Array(0), contentType: '', expiresAt: 0 };

export class State {
  readonly keyspace: Keyspace;
  readonly recent: RecentOutcomes;
  readonly members = new Members();
  /** '' until the first frame names it. */
  cluster = '';
  limits: StateLimits | undefined;
  time: LogTime = BEFORE_TIME;
  revision = 0;
  /** The backup that is being restored, and the part that comes next: until its end clients' commands are refused. */
  restoring: { readonly backup: string; readonly next: number } | undefined;
  snapshots: SnapshotMarks = NO_SNAPSHOTS;
  /** Of this replica, not of the state. What is undone again, as by a transaction, must never be told. */
  onChange: ChangeListener | undefined;
  /** While a transaction is under way: what it did so far. */
  #journal: Journal | undefined;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.recent = new RecentOutcomes(() => keyspace.newOutcomeRows());
  }

  /** The limits that apply judges; there is a cluster, for nothing else is accepted before it. */
  get rules(): StateLimits {
    invariant('M1', this.limits !== undefined, 'a command was judged before there was a cluster');
    return this.limits;
  }

  /** The entry as apply sees it: expired is absent. */
  entry(key: Uint8Array): Entry | undefined {
    const entry = this.keyspace.get(key);
    return entry === undefined || isExpired(entry, this.time.now) ? undefined : entry;
  }

  /** Log time at which a time to live that begins now ends; 0 for none. */
  expiry(ttlMs: number): number {
    return ttlMs === 0 ? 0 : this.time.now + ttlMs;
  }

  /** Whether an entry may be stored in place of what its key holds now, expired or not. */
  hasRoomFor(key: Uint8Array, entry: Entry): boolean {
    const old = this.keyspace.get(key);
    if (old === undefined && this.keyspace.keys >= this.rules.maxKeys) return false;
    const growth = logicalBytes(key, entry) - (old === undefined ? 0 : logicalBytes(key, old));
    return growth <= 0 || this.keyspace.bytes + growth <= this.rules.maxMemoryBytes;
  }

  /** Every entry that a command makes passes here. */
  keep(change: 'put' | 'touch', key: Uint8Array, entry: Entry): void {
    this.#journal?.note(this.keyspace, change, key, entry);
    this.keyspace.set(key, entry);
    if (this.#journal === undefined) this.onChange?.(change, key, entry);
  }

  /** Every entry that a command takes away passes here. */
  remove(change: 'delete' | 'expire' | 'evict', key: Uint8Array): void {
    this.#journal?.note(this.keyspace, change, key, undefined);
    this.keyspace.delete(key);
    const mark = markOf(key);
    if (mark !== undefined) this.keyspace.set(mark, { ...MARK, revision: this.revision });
    if (this.#journal === undefined) this.onChange?.(change, key, undefined);
  }

  /** All changes that `act` makes stand if it answers a success, and are told then; otherwise none was ever made. */
  allOrNothing(act: () => Verdict): Verdict {
    const journal = new Journal();
    this.#journal = journal;
    const verdict = act();
    this.#journal = undefined;
    if (!isSuccess(verdict.code)) journal.undo(this.keyspace);
    else for (const { change, key, entry } of journal.changes) this.onChange?.(change, key, entry);
    return verdict;
  }

  digest(): bigint {
    const hasher = new Hasher().reset(1);
    hasher.text(this.cluster).number(this.revision).number(this.time.now).number(this.time.lastRaw);
    for (const [name, value] of Object.entries(this.limits ?? {}).sort(byName)) hasher.text(name).number(value);
    if (this.restoring !== undefined) hasher.text(this.restoring.backup).number(this.restoring.next);
    hasher.number(this.keyspace.keys).number(this.keyspace.bytes);
    hasher.number(this.keyspace.digest.high).number(this.keyspace.digest.low);
    this.recent.hashInto(hasher);
    this.members.hashInto(hasher);
    hashMarks(hasher, this.snapshots);
    return hasher.value;
  }
}

function byName(a: [string, number], b: [string, number]): number {
  return a[0] < b[0] ? -1 : 1;
}
