// A cache's commands on their way to the log, under the policy of the moment; what fails rejects with CacheError.
import { CacheError } from '../errors.ts';
import { DEFAULT_POLICY, readPolicy, type ServerPolicy } from './policy.ts';
import type { Applied, Command, Content, Look, Replica, Submitted, UnsavedWrite } from './replica.ts';

/** Revision 0: nobody has logged one yet. */
export type PolicyNow = ServerPolicy & { readonly revision: number };
type Body<C> = C extends Command ? Omit<C, 'cache' | 'policy'> : never;
export type Sending = { readonly timeoutMs: number; readonly id?: string | undefined; readonly caller?: string };

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

  fill(key: Uint8Array, since: number, content: Content): Promise<Applied> {
    return this.send({ type: 'cache-fill', key, since, content });
  }

  /** Ends the hold; the source has `content`, or nobody knows what it has. */
  endHold(key: Uint8Array, hold: number, content: Content | undefined): Promise<Applied> {
    return this.send({ type: 'cache-put', key, hold, maxUnsaved: 0, content });
  }

  #outcomeOf(submitted: Submitted): Applied {
    if (submitted.kind === 'applied') return submitted.outcome;
    const why = submitted.kind === 'refused' ? submitted.reason : 'no answer of the log in time';
    if (submitted.isUnknown) throw new CacheError('unknown', this.name, `it is not known what became of it: ${why}`);
    if (submitted.kind === 'timed-out') throw new CacheError('timeout', this.name, why);
    if (why === 'too-large') throw new CacheError('refused', this.name, 'the log takes no command of this size');
    throw new CacheError(why === 'overloaded' ? 'full' : 'down', this.name, `this node cannot take it: ${why}`);
  }
}

const MAX_TAGS = 255;
const MAX_TAG_BYTES = 255;

/** Tags as they travel: UTF-8, a character a byte. Throws CacheError where they are too many or too long. */
export function wireTags(part: string, tags: readonly string[]): readonly string[] {
  const wired = tags.map((tag) => Buffer.from(tag).toString('latin1'));
  const isRight = wired.length <= MAX_TAGS && wired.every((tag) => tag.length <= MAX_TAG_BYTES);
  if (!isRight) throw new CacheError('refused', part, `at most ${MAX_TAGS} tags of ${MAX_TAG_BYTES} bytes`);
  return wired;
}
