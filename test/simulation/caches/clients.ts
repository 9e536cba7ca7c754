// The simulated clients of the caches: they read and write through any node, ask again until they know, and write down what they saw.

import { json } from '../../../src/cache/codec.ts';
import { CacheError } from '../../../src/cache/errors.ts';
import { CacheLog } from '../../../src/cache/server/cache-log.ts';
import { ClusterCache } from '../../../src/cache/server/cluster-cache.ts';
import { Flusher } from '../../../src/cache/server/flusher.ts';
import { DEFAULT_POLICY, type Pattern, type ServerPolicy } from '../../../src/cache/server/policy.ts';
import type { SimulatedCluster, Slot } from '../cluster.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Scheduler } from '../scheduler.ts';
import { BAD, type SimulatedDatabase } from './database.ts';

/** The cache `mixed` is switched between two patterns while it runs. */
export const CACHES: Readonly<Record<string, Pattern>> = {
  aside: 'aside',
  through: 'through',
  behind: 'behind',
  mixed: 'behind',
};
export const KEYS = ['a', 'b'];

export type WriteFact = {
  readonly cache: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly startedAt: number;
  /** When its client knew that it stands; Infinity: it never did. */
  endedAt: number;
  /** Behind: of the write in the log. */
  revision: number;
};

export type ReadFact = {
  readonly cache: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly how: string;
};

export type CacheHistory = { readonly writes: WriteFact[]; readonly reads: ReadFact[] };

/** The caches of one process. */
export class ProcessCaches {
  readonly byName = new Map<string, ClusterCache<string>>();
  readonly flushers: Flusher<string>[] = [];

  constructor(slot: Slot, process: SimulatedProcess, database: SimulatedDatabase, policies: PolicyOf) {
    const duty = slot.node.caches;
    for (const name of Object.keys(CACHES)) {
      const log = new CacheLog(name, slot.node.caches, policies(name));
      const source = database.source(name, process);
      const { world } = process;
      this.byName.set(name, new ClusterCache({ log, source, world, tags: (key) => [`tag-${key}`] }));
      if (CACHES[name] !== 'behind') continue;
      const flusher = new Flusher({ log, duty, source, world, codec: json<string>() });
      this.flushers.push(flusher);
      flusher.start();
    }
  }
}

type PolicyOf = (name: string) => ServerPolicy;

export function drawPolicies(scheduler: Scheduler): PolicyOf {
  const shared = {
    ...DEFAULT_POLICY,
    ttlMs: scheduler.pick([300, 4000]),
    negativeTtlMs: scheduler.pick([0, 2000]),
    singleFlight: scheduler.pick(['node', 'cluster'] as const),
    loadTimeoutMs: 2000,
    saveTimeoutMs: 1000,
    maxBatch: scheduler.pick([1, 2, 500]),
    maxDelayMs: scheduler.pick([50, 300, 1000]),
  };
  return (name) => ({ ...shared, pattern: CACHES[name] ?? 'aside' });
}

const MAX_TRIES = 60;

export class CacheClient {
  /** Highest revision that any client knows to stand: reads show it. */
  static #tokens = new WeakMap<CacheHistory, number>();
  readonly #name: string;
  readonly #cluster: SimulatedCluster;
  readonly #scheduler: Scheduler;
  readonly #database: SimulatedDatabase;
  readonly #history: CacheHistory;
  readonly #cachesOf: (slot: Slot) => ProcessCaches;
  #ids = 0;

  constructor(
    name: string,
    cluster: SimulatedCluster,
    scheduler: Scheduler,
    database: SimulatedDatabase,
    history: CacheHistory,
    cachesOf: (slot: Slot) => ProcessCaches,
  ) {
    this.#name = name;
    this.#cluster = cluster;
    this.#scheduler = scheduler;
    this.#database = database;
    this.#history = history;
    this.#cachesOf = cachesOf;
  }

  async run(until: number): Promise<void> {
    const scheduler = this.#scheduler;
    while (scheduler.now < until) {
      await this.#scheduler.wait(scheduler.between(5, 100));
      const cache = scheduler.pick(Object.keys(CACHES));
      const key = scheduler.pick(KEYS);
      if (scheduler.random() < 0.6) await this.#read(cache, key);
      else if (cache === 'mixed' && scheduler.random() < 0.4) await this.#switch();
      else await this.#write(cache, key);
    }
  }

  async #read(cache: string, key: string): Promise<void> {
    const startedAt = this.#scheduler.now;
    const minRevision = this.#token;
    const found = await this.#exchange(4000, async (slot) => {
      // As a session read does: this replica has all that the token stands for.
      const request = { key: Buffer.from('-'), consistency: 'session', minRevision, timeoutMs: 2000 } as const;
      if ((await slot.node.read(request)).kind !== 'read') return undefined;
      return this.#cachesOf(slot).byName.get(cache)?.get(key);
    });
    if (found === undefined) return;
    const { value, how } = found;
    this.#scheduler.tell(this.#name, () => `read ${cache}/${key} (${how}): ${value ?? 'nothing'}`);
    this.#history.reads.push({ cache, key, value, startedAt, endedAt: this.#scheduler.now, how });
  }

  async #write(cache: string, key: string): Promise<void> {
    const scheduler = this.#scheduler;
    const id = `${this.#name}-${++this.#ids}`;
    const isBad = CACHES[cache] === 'behind' && scheduler.random() < 0.05;
    const value = scheduler.random() < 0.2 ? undefined : `${isBad ? BAD : ''}${id}`;
    const startedAt = scheduler.now;
    const fact: WriteFact = { cache, key, value, startedAt, endedAt: Number.POSITIVE_INFINITY, revision: 0 };
    this.#history.writes.push(fact);
    this.#scheduler.tell(this.#name, () => `begins to write ${cache}/${key}: ${fact.value ?? 'nothing'}`);
    if (cache === 'aside') {
      await this.#scheduler.wait(scheduler.between(0, 50));
      this.#database.commit(cache, key, value);
      await this.#scheduler.wait(scheduler.between(0, 50));
    }
    // A write that was sent through twice would be two: only with an id of its own, or where it does not matter, is it asked again.
    const tries = CACHES[cache] === 'through' || cache === 'mixed' ? 1 : MAX_TRIES;
    for (let at = 0; at < tries && fact.revision === 0; at++) {
      const sending = { timeoutMs: 3000, ...(cache === 'aside' ? {} : { id }) };
      const written = await this.#exchange(4000, (slot) =>
        this.#cachesOf(slot)
          .byName.get(cache)
          ?.write(key, cache === 'aside' ? undefined : value, sending),
      );
      if (written === undefined) await this.#scheduler.wait(scheduler.between(20, 500));
      else fact.revision = written.revision;
    }
    if (fact.revision === 0) return;
    fact.endedAt = scheduler.now;
    CacheClient.#tokens.set(this.#history, Math.max(this.#token, fact.revision));
  }

  /** Another pattern for the mixed cache. */
  async #switch(): Promise<void> {
    const pattern = this.#scheduler.pick(['through', 'behind'] as const);
    await this.#exchange(4000, async (slot) => {
      const { log } = this.#cachesOf(slot).byName.get('mixed') ?? {};
      const { revision = 0, ...policy } = log?.policy ?? {};
      const text = Buffer.from(JSON.stringify({ ...policy, pattern }));
      return log?.sendUnder({ ...DEFAULT_POLICY, revision }, { type: 'cache-policy', text }, { timeoutMs: 3000 });
    });
  }

  /** One request and its answer; undefined: refused, failed, or no answer in time. */
  #exchange<T>(timeoutMs: number, serve: (slot: Slot) => Promise<T> | undefined): Promise<T | undefined> {
    const scheduler = this.#scheduler;
    const slot = scheduler.pick(this.#cluster.slots);
    const { process } = slot;
    const isLost = scheduler.random() < this.#cluster.swarm.lostAnswer;
    return new Promise((resolve) => {
      scheduler.after(timeoutMs, () => resolve(undefined));
      const answer = (result: T | undefined) => {
        if (!isLost) scheduler.after(scheduler.between(0, 20), () => resolve(result));
      };
      scheduler.after(scheduler.between(0, 20), () =>
        process.deliver('request', () => {
          if (slot.process !== process || slot.node.refusal('write') !== undefined) return answer(undefined);
          void serve(slot)?.then(answer, (error: unknown) => {
            if (!(error instanceof CacheError)) throw error;
            answer(undefined);
          });
        }),
      );
    });
  }

  get #token(): number {
    return CacheClient.#tokens.get(this.#history) ?? 0;
  }
}
