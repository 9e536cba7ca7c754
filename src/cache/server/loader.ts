// Loads of a cache on the server: one at a time for a key in this node and, by a lease in the log, in the cluster.
import { REQUEST_LIMITS } from '../../base/limits.ts';
import type { Codec } from '../codec.ts';
import { CacheError } from '../errors.ts';
import { Flights } from '../flights.ts';
import type { GuardedSource } from '../guarded-source.ts';
import type { CacheSource } from '../ports.ts';
import type { CacheWorld } from '../world.ts';
import { type CacheLog, LogTrouble, wireTags } from './cache-log.ts';
import type { ServerPolicy } from './policy.ts';
import type { Content, Look } from './replica.ts';

/** `revision`: of the entry that it became; 0: it was not kept. `look-again`: meanwhile the key has an entry, or a reason to begin anew. */
export type Loaded<Value> =
  | { readonly kind: 'loaded'; readonly value: Value | undefined; readonly revision: number }
  | { readonly kind: 'look-again' };

type LoaderOptions<Value> = {
  readonly log: CacheLog;
  readonly source: CacheSource<string, Value>;
  readonly guarded: GuardedSource;
  readonly codec: Codec<Value>;
  readonly world: CacheWorld;
  tags(key: string, value: Value | undefined): readonly string[];
};

const CATCH_UP_MS = 1000;

export class Loader<Value> {
  readonly #options: LoaderOptions<Value>;
  readonly #flights = new Flights<Loaded<Value>>();

  constructor(options: LoaderOptions<Value>) {
    this.#options = options;
  }

  isLoading(key: string): boolean {
    return this.#flights.has(key);
  }

  /** `now` is the key as the caller has just seen it. Shared with others for whom nothing has happened since it began. */
  load(key: string, now: Look): { readonly result: Promise<Loaded<Value>>; readonly isShared: boolean } {
    // While somebody writes the source a load may have begun before the write and end after it.
    const note = now.isHeld ? undefined : String(now.changedAt);
    return this.#flights.run(key, note, () => this.#fly(key, now));
  }

  /** Undefined: it is not to be kept. */
  contentOf(key: string, value: Value | undefined, policy: ServerPolicy): Content | undefined {
    const { codec, world, tags } = this.#options;
    const { ttlMs, negativeTtlMs, graceMs, jitter } = policy;
    if (value === undefined && negativeTtlMs === 0) return undefined;
    const wholeMs = value === undefined ? negativeTtlMs : ttlMs;
    const freshMs = Math.max(1, Math.round(wholeMs * (1 - jitter * world.random())));
    // That a row is absent is never served stale: it may have come into being.
    const keptMs = wholeMs === 0 ? 0 : Math.min(freshMs + (value === undefined ? 0 : graceMs), REQUEST_LIMITS.maxTtlMs);
    const bytes = value === undefined ? undefined : codec.encode(value);
    return {
      value: bytes,
      contentType: 'application/json',
      ttlMs: keptMs,
      tags: wireTags(this.#options.source.name, tags(key, value)),
    };
  }

  async #fly(key: string, now: Look): Promise<Loaded<Value>> {
    const { log, source, guarded } = this.#options;
    const { policy } = log;
    const bytes = Buffer.from(key);
    // What is noted while somebody writes the source never fills.
    let since = now.isHeld ? undefined : now.revision;
    if (since !== undefined && policy.singleFlight === 'cluster') {
      const leased = await this.#lease(bytes, since, policy.loadTimeoutMs);
      if (leased === 'look-again') return { kind: 'look-again' };
      since = leased;
    }
    // What is stale is not loaded anew where the answer may not be kept: nobody waits for it.
    if (since === undefined && now.entry !== undefined) return { kind: 'look-again' };
    const loading = guarded.call(policy.loadTimeoutMs, (call) => source.load(key, call));
    const value = await loading.catch((error: unknown) => {
      if (since !== undefined && policy.singleFlight === 'cluster') this.#release(bytes);
      throw error;
    });
    const content = this.contentOf(key, value, policy);
    if (since === undefined || content === undefined) return { kind: 'loaded', value, revision: 0 };
    const revision = await log.fill(bytes, since, content).then(
      (filled) => (filled.code === 'created' || filled.code === 'replaced' ? filled.revision : 0),
      () => 0, // The caller has its value all the same.
    );
    return { kind: 'loaded', value, revision };
  }

  /** The revision from which on this node alone loads; undefined: it may load, and not fill. */
  async #lease(key: Uint8Array, since: number, ttlMs: number): Promise<number | undefined | 'look-again'> {
    const { log } = this.#options;
    const ask = () => log.send({ type: 'cache-lease', key, since, ttlMs });
    const leasing = ask().catch(async (error: unknown) => {
      if (!(error instanceof LogTrouble) || (error.code !== 'down' && error.code !== 'full')) throw error;
      // A node that stood still for a moment, or was too busy, takes commands again soon.
      await log.replica.news(CATCH_UP_MS);
      return ask();
    });
    const { code, revision } = await leasing.catch((error: unknown) => {
      // Without the log each node loads for itself, and keeps nothing: the source serves all the same.
      if (error instanceof LogTrouble) return { code: 'held', revision: 0 };
      throw error;
    });
    if (code === 'done') return revision;
    if (code !== 'leased') return code === 'held' ? undefined : 'look-again';
    return this.#awaitOther(key, since, ttlMs);
  }

  // The load failed: the next to ask need not wait for the end of its time. A lease from before what was last invalidated is good no more.
  #release(key: Uint8Array): void {
    const { log } = this.#options;
    // With an entry, a stale one or another's, nobody waits.
    if (log.look(key).entry !== undefined) return;
    log.send({ type: 'cache-invalidate', keys: [key], tags: [], isAll: false }).catch(() => {}); // Then it ends by its time.
  }

  // Another node loads: its fill comes by the log.
  async #awaitOther(key: Uint8Array, since: number, ttlMs: number): Promise<'look-again'> {
    const { log, world, source } = this.#options;
    const endsAt = world.clock.monotonicMs() + ttlMs;
    for (;;) {
      const now = log.look(key);
      if (now.entry !== undefined || now.changedAt > since || now.isHeld) return 'look-again';
      const leftMs = endsAt - world.clock.monotonicMs();
      if (!now.isLeased || leftMs <= 0) {
        throw new CacheError('timeout', source.name, 'another node tried to load it, in vain');
      }
      await log.replica.news(leftMs);
    }
  }
}
