// A cache's commands on their way to the log, under the policy of the moment; what fails rejects with CacheError.
import { CACHED_STATE_LIMITS } from '../../base/limits.ts';
import { CacheError, type CacheErrorCode } from '../errors.ts';
import { DEFAULT_POLICY, readPolicy, type ServerPolicy } from './policy.ts';
import type { Applied, Command, Content, Look, Replica, Submitted, UnsavedWrite } from './replica.ts';

/** Revision 0: nobody has logged one yet. */
export type PolicyNow = ServerPolicy & { readonly revision: number };
type Body<C> = C extends Command ? Omit<C, 'cache' | 'policy'> : never;
export type Sending = { readonly timeoutMs: number; readonly id?: string | undefined; readonly caller?: string };

/** A command that this node or the log did not take, or apply rejected; `reason` is the code of either. Code `unknown`: it may yet be applied. */
export class LogTrouble extends CacheError {
  readonly reason: string;

  constructor(code: CacheErrorCode, part: string, reason: string, message: string) {
    super(code, part, message);
    this.reason = reason;
  }
}

/** What is to be served no more: entries by their keys, by their tags, all. */
export type Invalidated = {
  readonly keys?: readonly string[];
  readonly tags?: readonly string[];
  readonly all?: true;
};

/** For commands that no client waits for. */
const OWN_TIMEOUT_MS = 5000;

export class CacheLog {
  readonly name: string;
  readonly replica: Replica;
  readonly #first: ServerPolicy;
  #policy: PolicyNow;

  /** `first`: the policy as long as none is logged. */
  constructor(name: string, replica: Replica, first: ServerPolicy = DEFAULT_POLICY) {
    this.name = name;
    this.replica = replica;
    this.#first = first;
    this.#policy = { ...first, revision: 0 };
  }

  get policy(): PolicyNow {
    const logged = this.replica.policy(this.name);
    if (logged === undefined) return { ...this.#first, revision: 0 };
    if (logged.revision !== this.#policy.revision) {
      this.#policy = { ...readPolicy(logged.text), revision: logged.revision };
    }
    return this.#policy;
  }

  look(key: Uint8Array): Look {
    return this.replica.look(this.name, key);
  }

  unsaved(which: 'waiting' | 'failed', after: Uint8Array | undefined, limit: number): readonly UnsavedWrite[] {
    return this.replica.unsaved(this.name, which, after, limit);
  }

  /** Under this policy and no other: where it is an old one the code is `old-policy`. */
  async sendUnder(policy: PolicyNow, body: Body<Command>, sending: Sending): Promise<Applied> {
    const { timeoutMs, id = '', caller = '' } = sending;
    const command = { cache: this.name, policy: policy.revision, ...body } as Command;
    return this.#outcomeOf(await this.replica.submit(command, timeoutMs, id, caller));
  }

  /** Under whatever policy there is: for what is right under each of them. */
  async send(body: Body<Command>, timeoutMs = OWN_TIMEOUT_MS): Promise<Applied> {
    for (;;) {
      const applied = await this.sendUnder(this.policy, body, { timeoutMs });
      if (applied.code !== 'old-policy') return applied;
    }
  }

  /** As `send`; throws LogTrouble where apply did not do it. */
  async sendDone(body: Body<Command>, timeoutMs: number): Promise<Applied> {
    const applied = await this.send(body, timeoutMs);
    this.mustBe(applied, ['done']);
    return applied;
  }

  /** Throws LogTrouble unless apply answered one of these codes. */
  mustBe({ code }: Applied, wanted: readonly string[]): void {
    if (wanted.includes(code)) return;
    if (code === 'too-many-unsaved')
      throw new LogTrouble('full', this.name, 'overloaded', 'too many writes wait for the source');
    if (code === 'memory-full') throw new LogTrouble('full', this.name, code, 'the memory of the cluster is full');
    if (code === 'deadline') throw new LogTrouble('timeout', this.name, code, 'the log was too slow');
    const isPassing = code === 'restoring' || code === 'feature-not-enabled';
    throw new LogTrouble(isPassing ? 'down' : 'refused', this.name, code, code);
  }

  /** Rejects where they are too many or too long. */
  async invalidate({ keys = [], tags = [], all }: Invalidated, timeoutMs: number): Promise<Applied> {
    const named = keys.map((key) => Buffer.from(key));
    const wired = wireTags(this.name, tags);
    return this.sendDone({ type: 'cache-invalidate', keys: named, tags: wired, isAll: all === true }, timeoutMs);
  }

  fill(key: Uint8Array, since: number, content: Content, timeoutMs?: number): Promise<Applied> {
    return this.send({ type: 'cache-fill', key, since, content }, timeoutMs);
  }

  /** Ends the hold; the source has `content`, or nobody knows what it has. */
  endHold(key: Uint8Array, hold: number, content: Content | undefined, timeoutMs?: number): Promise<Applied> {
    return this.send({ type: 'cache-put', key, hold, maxUnsaved: 0, content }, timeoutMs);
  }

  #outcomeOf(submitted: Submitted): Applied {
    if (submitted.kind === 'applied') return submitted.outcome;
    const why = submitted.kind === 'refused' ? submitted.reason : 'no answer of the log in time';
    const reason = submitted.kind === 'refused' ? submitted.reason : 'timed-out';
    if (submitted.isUnknown)
      throw new LogTrouble('unknown', this.name, reason, `it is not known what became of it: ${why}`);
    if (submitted.kind === 'timed-out') throw new LogTrouble('timeout', this.name, reason, why);
    if (why === 'too-large')
      throw new LogTrouble('refused', this.name, 'value-too-large', 'the log takes no command of this size');
    const code = why === 'overloaded' ? 'full' : 'down';
    throw new LogTrouble(code, this.name, why, `this node cannot take it: ${why}`);
  }
}

/** Tags as they travel: UTF-8, a character a byte. Throws CacheError where they are too many or too long. */
export function wireTags(part: string, tags: readonly string[]): readonly string[] {
  const { maxTags, maxTagBytes } = CACHED_STATE_LIMITS;
  const wired = tags.map((tag) => Buffer.from(tag).toString('latin1'));
  const isRight = wired.length <= maxTags && wired.every((tag) => tag.length <= maxTagBytes);
  if (!isRight) throw new CacheError('refused', part, `at most ${maxTags} tags of ${maxTagBytes} bytes`);
  return wired;
}
