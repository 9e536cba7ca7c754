// A cache in front of a database as the client sees it: its rows, invalidation, its policy, and what its source refused.
import type { ServerPolicy } from '../cache/server/policy.ts';
import { expected, jsonOf, revisionOf, written } from './answers.ts';
import { parseJson, problemOf } from './errors.ts';
import type {
  CachedRow,
  CacheInvalidation,
  CachePolicy,
  CacheReadOptions,
  CacheView,
  CacheWriteOptions,
  FailedWrite,
  RowWritten,
  WriteOptions,
} from './requests.ts';
import { durationText, encodedKey, target } from './targets.ts';
import type { Answer } from './transport.ts';

type Query = Readonly<Record<string, string | undefined>>;

/** The client's own calls, with its session, ids and deadlines. */
type CacheCalls = {
  read(path: string, query: Query, options: CacheReadOptions): Promise<Answer>;
  write(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    query: Query,
    options: WriteOptions,
    json?: string,
  ): Promise<Answer>;
};

/** Every call throws a ChorusError when it was refused or its deadline passed. */
export class ChorusCache<Row> {
  readonly name: string;
  readonly #calls: CacheCalls;

  constructor(name: string, calls: CacheCalls) {
    this.name = name;
    this.#calls = calls;
  }

  /** From memory, or from the source. */
  async get(key: string, options: CacheReadOptions = {}): Promise<CachedRow<Row>> {
    const answer = await this.#calls.read(this.#path(`/entries/${encodedKey(key)}`), {}, options);
    const cacheStatus = answer.header('cache-status') ?? '';
    // Of a cache that is not declared there is no Cache-Status.
    if (answer.status === 404 && cacheStatus !== '') return { kind: 'absent', cacheStatus };
    const value = parseJson(expected(answer, [200]).body) as Row;
    const revision = answer.header('etag') === undefined ? undefined : revisionOf(answer);
    return { kind: 'found', value, revision, cacheStatus };
  }

  /** Writes as the policy says. A write through that is repeated, after a lost answer, saves the row again. */
  put(key: string, row: Row, options: CacheWriteOptions = {}): Promise<RowWritten> {
    return this.#write('PUT', key, options, JSON.stringify(row));
  }

  /** As `put`, also where there is no such row. */
  delete(key: string, options: CacheWriteOptions = {}): Promise<RowWritten> {
    return this.#write('DELETE', key, options);
  }

  /** Resolves with the revision from which on it holds. What the source has yet to take stays. */
  async invalidate(what: CacheInvalidation, options: WriteOptions = {}): Promise<number> {
    const path = `${this.#path('')}:invalidate`;
    return Number(jsonOf(await this.#calls.write('POST', path, {}, options, JSON.stringify(what))).revision);
  }

  async describe(options: CacheReadOptions = {}): Promise<CacheView> {
    return jsonOf(await this.#calls.read(this.#path(''), {}, options)) as CacheView;
  }

  async policy(options: CacheReadOptions = {}): Promise<CachePolicy> {
    return (await this.describe(options)).policy;
  }

  /** Changes the members that are given, on all nodes from one revision on; resolves with the whole policy. */
  async setPolicy(change: Partial<ServerPolicy>, options: WriteOptions = {}): Promise<CachePolicy> {
    const answer = await this.#calls.write('PUT', this.#path('/policy'), {}, options, JSON.stringify(change));
    return jsonOf(answer) as CachePolicy;
  }

  /** Writes behind that the source refused, in the order of their keys. */
  async *failed(options: CacheReadOptions = {}): AsyncGenerator<FailedWrite, void, undefined> {
    for (let cursor: string | undefined; ; ) {
      const answer = await this.#calls.read(this.#path('/failed'), { limit: '1000', cursor }, options);
      const { failed, next } = jsonOf(answer);
      yield* failed as readonly FailedWrite[];
      if (typeof next !== 'string') return;
      cursor = next;
    }
  }

  /** Has the source asked again. False: no write of this key has failed. */
  retry(key: string, options: WriteOptions = {}): Promise<boolean> {
    return this.#settle('POST', `/failed/${encodedKey(key)}/retry`, options);
  }

  /** Gives the write up: the next read loads the row. False: no write of this key has failed. */
  drop(key: string, options: WriteOptions = {}): Promise<boolean> {
    return this.#settle('DELETE', `/failed/${encodedKey(key)}`, options);
  }

  async #write(method: 'PUT' | 'DELETE', key: string, options: CacheWriteOptions, json?: string): Promise<RowWritten> {
    const { isSaved, timeoutMs } = options;
    const query = { wait: isSaved === true ? 'saved' : undefined, timeout: durationText(timeoutMs) };
    const path = this.#path(`/entries/${encodedKey(key)}`);
    const answer = expected(await this.#calls.write(method, path, query, options, json), [200, 204]);
    return { how: answer.header('chorus-write') as RowWritten['how'], ...written(answer) };
  }

  async #settle(method: 'POST' | 'DELETE', path: string, options: WriteOptions): Promise<boolean> {
    const answer = await this.#calls.write(method, this.#path(path), {}, options);
    if (answer.status === 404 && problemOf(answer.body)?.code === 'not-found') return false;
    expected(answer, [204]);
    return true;
  }

  #path(rest: string): string {
    return target(`/v1/caches/${encodeURIComponent(this.name)}${rest}`, {});
  }
}
