// A cache in the replicated map: one miss warms every node, and each write goes by the pattern that the logged policy names.
import { type Codec, json } from '../codec.ts';
import { CacheError } from '../errors.ts';
import { type Observe, observeNothing } from '../events.ts';
import { type GuardedSource, guardedSource, type SourceHealth } from '../guarded-source.ts';
import type { CacheSource, WritableSource } from '../ports.ts';
import type { CacheWorld } from '../world.ts';
import { type CacheLog, type Invalidated, LogTrouble, type PolicyNow, type Sending } from './cache-log.ts';
import { Loader } from './loader.ts';
import type { Applied, Look } from './replica.ts';

/** How long a hold outlasts the time that the source's write may take. */
const HOLD_MARGIN_MS = 2000;
/** A wait for the log looks again at least so often. */
const LOOK_MS = 1000;
/** So often a read begins anew when others are quicker; then it loads for itself alone. */
const MAX_LOOKS = 5;

type ClusterCacheOptions<Value> = {
  readonly log: CacheLog;
  /** `through` needs `save` and `remove`, `behind` needs `flush` (flusher.ts). */
  readonly source: CacheSource<string, Value> | WritableSource<string, Value>;
  readonly world: CacheWorld;
  /** JSON unless given. */
  readonly codec?: Codec<Value>;
  readonly observe?: Observe;
  /** By which an entry can be invalidated with others. */
  readonly tags?: (key: string, value: Value | undefined) => readonly string[];
};

export type Found<Value> = {
  /** Undefined: there is no such row. */
  readonly value: Value | undefined;
  /** Of the entry that was served, or made of what was loaded; 0: nothing was kept. */
  readonly revision: number;
  /** What is left of its time to live; undefined: it was loaded, or lives for ever. */
  readonly leftMs: number | undefined;
  /** How it was come by: of the entry, of a stale one, by a load of this request's, or by one it shared. */
  readonly how: 'hit' | 'stale' | 'loaded' | 'collapsed';
};

/** `cached`: the entry alone; `saved`: the source has it; `behind`: the log has it, the source will. */
export type Written = {
  readonly how: 'cached' | 'saved' | 'behind';
  readonly revision: number;
  readonly isRepeat: boolean;
};

export class ClusterCache<Value> {
  readonly log: CacheLog;
  readonly #options: ClusterCacheOptions<Value>;
  readonly #guarded: GuardedSource;
  readonly #loader: Loader<Value>;
  readonly #codec: Codec<Value>;

  constructor(options: ClusterCacheOptions<Value>) {
    const { log, source, world, codec = json<Value>(), observe = observeNothing, tags = () => [] } = options;
    this.log = log;
    this.#options = options;
    this.#codec = codec;
    this.#guarded = guardedSource(source, world, observe);
    this.#loader = new Loader({ log, source, world, codec, tags, guarded: this.#guarded });
  }

  /** Rejects with CacheError where the source fails and no stale value may be served. */
  async get(key: string): Promise<Found<Value>> {
    const bytes = Buffer.from(key);
    for (let looks = 0; ; looks++) {
      const now = this.log.look(bytes);
      if (now.entry !== undefined) return this.#serve(key, now, now.entry);
      const { result, isShared } = this.#loader.load(key, looks < MAX_LOOKS ? now : { ...now, isHeld: true });
      const loaded = await result;
      if (loaded.kind === 'look-again') continue;
      const { value, revision } = loaded;
      return { value, revision, leftMs: undefined, how: isShared ? 'collapsed' : 'loaded' };
    }
  }

  /** Writes as the policy's pattern says; an undefined value removes the row. `sending.id` makes a repeat of a write behind harmless. */
  async write(key: string, value: Value | undefined, sending: Sending): Promise<Written> {
    const { clock } = this.#options.world;
    const endsAt = clock.monotonicMs() + sending.timeoutMs;
    for (;;) {
      const { policy } = this.log;
      const leftMs = endsAt - clock.monotonicMs();
      if (leftMs <= 0)
        throw new LogTrouble('timeout', this.log.name, 'timed-out', 'others were writing the key all the time');
      const left = { ...sending, timeoutMs: leftMs };
      const written = await (policy.pattern === 'through'
        ? this.#writeThrough(policy, key, value, left)
        : this.#writeEntry(policy, key, value, left));
      if (written !== 'again') return written;
      await this.log.replica.news(Math.min(leftMs, LOOK_MS));
    }
  }

  /** Waits until the source has taken what is written behind, or refused it; `waiting`: neither in time. */
  async settled(key: string, timeoutMs: number): Promise<'saved' | 'failed' | 'waiting'> {
    const { clock } = this.#options.world;
    const endsAt = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const { entry, failed } = this.log.look(Buffer.from(key));
      if (failed !== undefined) return 'failed';
      if (entry?.isUnsaved !== true) return 'saved';
      const leftMs = endsAt - clock.monotonicMs();
      if (leftMs <= 0) return 'waiting';
      await this.log.replica.news(leftMs);
    }
  }

  invalidate(what: Invalidated, timeoutMs: number): Promise<Applied> {
    return this.log.invalidate(what, timeoutMs);
  }

  health(): SourceHealth {
    return this.#guarded.health();
  }

  async close(): Promise<void> {
    await this.#guarded.close();
  }

  #serve(key: string, now: Look, entry: NonNullable<Look['entry']>): Found<Value> {
    const { graceMs } = this.log.policy;
    const { value, revision, leftMs, isUnsaved } = entry;
    const isFresh = isUnsaved || value === undefined || leftMs > graceMs;
    if (!isFresh && !this.#loader.isLoading(key)) this.#loader.load(key, now).result.catch(() => {});
    return {
      value: value === undefined ? undefined : this.#codec.decode(value),
      revision,
      leftMs: leftMs === Number.POSITIVE_INFINITY ? undefined : leftMs,
      how: isFresh ? 'hit' : 'stale',
    };
  }

  async #writeEntry(
    policy: PolicyNow,
    key: string,
    value: Value | undefined,
    sending: Sending,
  ): Promise<Written | 'again'> {
    const isBehind = policy.pattern === 'behind';
    // Behind, a removal is an entry that says so. Aside, it leaves nothing.
    const absent = { value: undefined, contentType: '', ttlMs: 0, tags: [] };
    // Without jitter: a repeat under the same id must be the same command.
    const content = this.#loader.contentOf(key, value, { ...policy, jitter: 0 }) ?? (isBehind ? absent : undefined);
    const applied = await this.log.sendUnder(
      policy,
      {
        type: 'cache-put',
        key: Buffer.from(key),
        hold: 0,
        maxUnsaved: isBehind ? policy.maxUnsaved : 0,
        content: value === undefined && !isBehind ? undefined : content,
      },
      sending,
    );
    if (isAgain(applied)) return 'again';
    this.log.mustBe(applied, ['created', 'replaced', 'done', 'not-kept']);
    return { how: isBehind ? 'behind' : 'cached', revision: applied.revision, isRepeat: applied.isRepeat };
  }

  async #writeThrough(
    policy: PolicyNow,
    key: string,
    value: Value | undefined,
    sending: Sending,
  ): Promise<Written | 'again'> {
    const bytes = Buffer.from(key);
    const ttlMs = policy.saveTimeoutMs + HOLD_MARGIN_MS;
    const held = await this.log.sendUnder(policy, { type: 'cache-hold', key: bytes, ttlMs }, { ...sending, id: '' });
    if (isAgain(held)) return 'again';
    this.log.mustBe(held, ['done']);
    let saved: Value | undefined;
    try {
      saved = await this.#save(policy, key, value);
    } catch (error) {
      // Where it may have been written, or may yet be, the hold stays until its time is over.
      if (error instanceof CacheError && error.isWithoutEffect) await this.#endHold(bytes, held.revision, undefined);
      throw error;
    }
    const revision = await this.#endHold(bytes, held.revision, this.#loader.contentOf(key, saved, policy));
    return { how: 'saved', revision, isRepeat: false };
  }

  async #save(policy: PolicyNow, key: string, value: Value | undefined): Promise<Value | undefined> {
    const { source } = this.#options;
    if (!('save' in source)) throw new CacheError('refused', source.name, 'it cannot be written');
    return this.#guarded.call(policy.saveTimeoutMs, async (call) => {
      if (value !== undefined) return source.save(key, value, call);
      await source.remove(key, call);
      return undefined;
    });
  }

  // The source has it: whatever becomes of this command, nobody is served anything older. At worst the hold ends by its time.
  async #endHold(key: Uint8Array, hold: number, content: Parameters<CacheLog['endHold']>[2]): Promise<number> {
    const applied = await this.log.endHold(key, hold, content).catch(() => undefined);
    return applied?.revision ?? hold;
  }
}

// Somebody writes the key, the source has yet to take it, or the policy has changed: soon it may be done.
function isAgain({ code }: Applied): boolean {
  return code === 'old-policy' || code === 'held' || code === 'unsaved';
}
