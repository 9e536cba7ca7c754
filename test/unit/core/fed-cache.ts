// A cache in a machine fed by hand: its commands by name, each under the latest policy, and what it would serve.
import { findCached, readUnsaved, recordKey, revisionAt, unsavedNumber } from '../../../src/core/cache-records.ts';
import type { CacheCommand, CacheContent, Settlement } from '../../../src/core/commands/cache-command.ts';
import type { StateLimits } from '../../../src/core/commands/command.ts';
import { isExpired } from '../../../src/core/keyspace.ts';
import type { OutcomeCode } from '../../../src/core/outcome.ts';
import { FedMachine } from './fed-machine.ts';

const CACHE = 'users';

export class FedCache {
  readonly fed: FedMachine;
  /** Of the policy that the commands go by. */
  policy: number;

  constructor(limits: Partial<StateLimits> = {}) {
    this.fed = new FedMachine(limits);
    this.policy = this.setPolicy(0);
  }

  /** What a miss notes now. */
  get now(): number {
    return this.fed.machine.state.revision;
  }

  setPolicy(replaced: number): number {
    return this.fed.apply({ type: 'cache-policy', cache: CACHE, policy: replaced, text: bytes('{}') }).revision;
  }

  /** The value that is served; null: that there is no such row; undefined: nothing. */
  look(key: string): string | null | undefined {
    const { state } = this.fed.machine;
    const cached = findCached(state.keyspace, CACHE, bytes(key));
    if (cached === undefined || isExpired(cached, state.time.now)) return undefined;
    return cached.value === undefined ? null : Buffer.from(cached.value).toString();
  }

  put(key: string, value: string | null | undefined, { hold = 0, ttlMs = 0, tags = [] as string[] } = {}): OutcomeCode {
    const content = value === undefined ? undefined : contentOf(value, ttlMs, tags);
    return this.#apply({ type: 'cache-put', ...this.#of(key), hold, maxUnsaved: 0, content });
  }

  /** Answers the write's revision, or why it was refused. */
  putBehind(key: string, value: string | null, { maxUnsaved = 100, ttlMs = 0, tags = [] as string[] } = {}) {
    const content = contentOf(value, ttlMs, tags);
    const outcome = this.fed.apply({ type: 'cache-put', ...this.#of(key), hold: 0, maxUnsaved, content });
    return outcome.code === 'created' || outcome.code === 'replaced' ? outcome.revision : outcome.code;
  }

  fill(key: string, value: string | null, since: number, { ttlMs = 0, tags = [] as string[] } = {}): OutcomeCode {
    return this.#apply({ type: 'cache-fill', ...this.#of(key), since, content: contentOf(value, ttlMs, tags) });
  }

  /** Answers the hold's id. */
  hold(key: string, ttlMs = 5000): number {
    return this.fed.apply({ type: 'cache-hold', ...this.#of(key), ttlMs }).revision;
  }

  tryHold(key: string): OutcomeCode {
    return this.#apply({ type: 'cache-hold', ...this.#of(key), ttlMs: 5000 });
  }

  lease(key: string, since: number, ttlMs = 1000): OutcomeCode {
    return this.#apply({ type: 'cache-lease', ...this.#of(key), since, ttlMs });
  }

  invalidate(what: { keys?: string[]; tags?: string[]; isAll?: boolean }): OutcomeCode {
    const { keys = [], tags = [], isAll = false } = what;
    const of = { cache: CACHE, policy: this.policy };
    return this.#apply({ type: 'cache-invalidate', ...of, keys: keys.map(bytes), tags, isAll });
  }

  settle(how: Settlement, key: string, revision: number, error = ''): OutcomeCode {
    const of = { cache: CACHE, policy: this.policy };
    return this.#apply({ type: 'cache-settle', ...of, how, error, writes: [{ key: bytes(key), revision }] });
  }

  /** As the duty node says once it has raised the fence above all flushes. */
  drained(): OutcomeCode {
    const { revision } = unsavedNumber(this.fed.machine.state.keyspace, CACHE);
    return this.#apply({ type: 'cache-drained', cache: CACHE, policy: this.policy, revision });
  }

  adopt(n: number): OutcomeCode {
    return this.#apply({ type: 'cache-adopt', cache: CACHE, policy: this.policy, n });
  }

  /** Proposes the expire that the duty node would. */
  expire(kind: 'E' | 'H', key: string): OutcomeCode {
    const name = recordKey(kind, CACHE, bytes(key));
    const revision = revisionAt(this.fed.machine.state.keyspace, name);
    return this.fed.apply({ type: 'expire', key: name, revision }).code;
  }

  pass(ms: number): void {
    this.fed.now += ms;
    this.fed.apply({ type: 'barrier' });
  }

  get unsaved(): number {
    return unsavedNumber(this.fed.machine.state.keyspace, CACHE).count;
  }

  /** Revision and reason of a write that failed. */
  failed(key: string): { revision: number; error: string } | undefined {
    const entry = this.fed.machine.state.keyspace.get(recordKey('F', CACHE, bytes(key)));
    return entry === undefined ? undefined : { revision: entry.revision, error: readUnsaved(entry).error };
  }

  #of(key: string) {
    return { cache: CACHE, policy: this.policy, key: bytes(key) };
  }

  #apply(command: CacheCommand): OutcomeCode {
    return this.fed.apply(command).code;
  }
}

function contentOf(value: string | null, ttlMs: number, tags: readonly string[]): CacheContent {
  return { value: value === null ? undefined : bytes(value), contentType: 't', ttlMs, tags };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}
