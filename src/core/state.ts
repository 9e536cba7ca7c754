// The whole replicated state: equal on all nodes at equal offsets, and all of it goes into snapshots and the digest.
import { invariant } from '../base/assert.ts';
import { Hasher } from '../base/hash.ts';
import { hashTokens, NO_TOKENS, type Tokens } from './access/tokens.ts';
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
  tokens: Tokens = NO_TOKENS;
  /** Entries evicted here: of this replica, not of the state. */
  evictions = 0;
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
    const entry = this.keyspace.use(key);
    return entry === undefined || isExpired(entry, this.time.now) ? undefined : entry;
  }

  /** Log time at which a time to live that begins now ends; 0 for none. */
  expiry(ttlMs: number): number {
    return ttlMs === 0 ? 0 : this.time.now + ttlMs;
  }

  /** Whether entries are to be evicted, if the policy allows it. */
  get isOverfull(): boolean {
    return this.keyspace.keys > this.rules.maxKeys || this.keyspace.bytes > this.rules.maxMemoryBytes;
  }

  /** Whether an entry may be stored in place of what its key holds now, expired or not. */
  hasRoomFor(key: Uint8Array, entry: Entry): boolean {
    const { keys, bytes } = this.keyspace;
    const { maxKeys, maxMemoryBytes, eviction } = this.rules;
    const old = this.keyspace.get(key);
    const growth = logicalBytes(key, entry) - (old === undefined ? 0 : logicalBytes(key, old));
    // What is above the limits is on its way out: only when that lags behind is there no room. Judged before the entry is
    // counted: a large one in a small memory must come in, to make others go.
    if (eviction !== 'none')
      return (old !== undefined || keys < lagOf(maxKeys)) && (growth <= 0 || bytes < lagOf(maxMemoryBytes));
    return (old !== undefined || keys < maxKeys) && (growth <= 0 || bytes + growth <= maxMemoryBytes);
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
    if (change === 'evict') this.evictions++;
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
    const { eviction = 'none', ...bounds } = this.limits ?? {};
    for (const [name, value] of Object.entries(bounds).sort()) hasher.text(name).number(value);
    // Nodes that do not know of eviction yet have the same digest while there is none.
    if (eviction !== 'none') hasher.text(eviction);
    if (this.restoring !== undefined) hasher.text(this.restoring.backup).number(this.restoring.next);
    hasher.number(this.keyspace.keys).number(this.keyspace.bytes);
    hasher.number(this.keyspace.digest.high).number(this.keyspace.digest.low);
    this.recent.hashInto(hasher);
    this.members.hashInto(hasher);
    hashMarks(hasher, this.snapshots);
    hashTokens(hasher, this.tokens);
    return hasher.value;
  }
}

/** 110 %: how far evictions may lag behind. */
function lagOf(limit: number): number {
  return limit + Math.ceil(limit / 10);
}
