// The TypeScript client: typed calls on keys; a write is repeated with its own id until its outcome is known.
import { systemWorld } from '../base/system-world.ts';
import { conditionFailed, expected, jsonOf, revisionOf, textOf, written } from './answers.ts';
import { ChorusCache } from './caches.ts';
import { type Json, listedKey } from './json-values.ts';
import {
  isUnfinished,
  operationResult,
  operationsJson,
  transactionJson,
  transactionResult,
  typeOf,
} from './operations.ts';
import type {
  Absent,
  AppendResult,
  BatchOptions,
  BatchResult,
  Change,
  ClientOptions,
  Cluster,
  Conditions,
  DeletePrefixOptions,
  DeleteResult,
  DigestCheck,
  Found,
  IncrementResult,
  ListOptions,
  Operation,
  Page,
  PrefixDeleted,
  PutOptions,
  PutResult,
  ReadOptions,
  TouchResult,
  Transaction,
  TransactionResult,
  TtlOption,
  WatchOptions,
  WriteOptions,
} from './requests.ts';
import { durationText, encodedKey, target } from './targets.ts';
import { type Answer, type Call, type ClientWorld, Transport } from './transport.ts';
import { watchChanges } from './watch.ts';

export type { ChorusCache } from './caches.ts';
export { ChorusError, HistoryGoneError } from './errors.ts';
export type * from './requests.ts';

const DEFAULT_DEADLINE_MS = 30_000;
const DEFAULT_ATTEMPT_TIMEOUT_MS = 8_000;
/** Between tries of a batch whose items were refused for now. */
const BATCH_PAUSE_MS = 100;

/** Owns its connections: `close` it. Every call throws a ChorusError when it was refused or its deadline passed. */
export class ChorusClient {
  readonly #transport: Transport;
  readonly #world: ClientWorld;
  readonly #deadlineMs: number;
  readonly #isSession: boolean;
  #token = 0;

  constructor(options: ClientOptions) {
    this.#world = options.world ?? systemWorld;
    this.#deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    this.#isSession = options.isSession ?? true;
    this.#transport = new Transport({
      baseUrls: options.baseUrls.map((url) => url.replace(/\/+$/, '')),
      attemptTimeoutMs: options.attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS,
      maxConnections: options.maxConnections ?? 64,
      tls: options.tls ?? {},
      bearerToken: options.bearerToken,
      world: this.#world,
    });
  }

  /** The highest revision seen: what another client passes as Chorus-Min-Revision to see all that this one saw. */
  get token(): number {
    return this.#token;
  }

  async get(key: string, options: ReadOptions = {}): Promise<Found | Absent> {
    const { consistency, headers } = this.#demand(options);
    const answer = await this.#read(keyPath(key, { consistency }), headers, options);
    if (answer.status === 404) return { kind: 'absent' };
    return {
      kind: 'found',
      value: expected(answer, [200]).body,
      contentType: answer.header('content-type') ?? 'application/octet-stream',
      revision: revisionOf(answer),
      expiresAt: answer.header('chorus-expires-at'),
    };
  }

  /** Stores the value; without `ttlMs` an earlier expiry is cleared. Text is stored as UTF-8. */
  async put(key: string, value: string | Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    const headers = { 'content-type': options.contentType ?? typeOf(value), ...conditionHeaders(options) };
    const answer = await this.#write(
      'PUT',
      keyPath(key, { ttl: durationText(options.ttlMs) }),
      headers,
      options,
      value,
    );
    if (answer.status === 412) return conditionFailed(answer);
    return { kind: expected(answer, [200, 201]).status === 201 ? 'created' : 'replaced', ...written(answer) };
  }

  async delete(key: string, options: WriteOptions & Pick<Conditions, 'ifRevision'> = {}): Promise<DeleteResult> {
    const answer = await this.#write('DELETE', keyPath(key, {}), conditionHeaders(options), options);
    if (answer.status === 404) return { kind: 'absent' };
    if (answer.status === 412) return conditionFailed(answer);
    expected(answer, [200, 204]);
    return { kind: 'deleted', ...written(answer) };
  }

  /** Adds `by` (an int64) to a number kept as text; an absent key counts as 0 and then takes the ttl. */
  async increment(
    key: string,
    by: number | bigint = 1,
    options: WriteOptions & TtlOption = {},
  ): Promise<IncrementResult> {
    const path = keyPath(key, { op: 'increment', by: String(by), ttl: durationText(options.ttlMs) });
    const answer = expected(await this.#write('POST', path, {}, options), [200]);
    return { value: BigInt(textOf(answer)), ...written(answer) };
  }

  async append(key: string, value: string | Uint8Array, options: WriteOptions & TtlOption = {}): Promise<AppendResult> {
    const path = keyPath(key, { op: 'append', ttl: durationText(options.ttlMs) });
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = expected(await this.#write('POST', path, headers, options, value), [200]);
    return { lengthBytes: Number(textOf(answer)), ...written(answer) };
  }

  /** Sets when the entry expires; 'none': never. */
  async touch(key: string, ttlMs: number | 'none', options: WriteOptions = {}): Promise<TouchResult> {
    const path = keyPath(key, { op: 'touch', ttl: ttlMs === 'none' ? 'none' : durationText(ttlMs) });
    const answer = await this.#write('POST', path, {}, options);
    if (answer.status === 404) return { kind: 'absent' };
    expected(answer, [200]);
    return { kind: 'touched', ...written(answer) };
  }

  /** The keys in the order of their bytes, page by page. Each page shows the state when it was made, none an older one than the last. */
  async *list(options: ListOptions = {}): AsyncGenerator<Page, void, undefined> {
    const { prefix, limit, values } = options;
    for (let cursor: string | undefined; ; ) {
      const { consistency, headers } = this.#demand(options);
      const query = { prefix, limit: textIf(limit), values: textIf(values), cursor, consistency };
      const { keys, next, revision } = jsonOf(await this.#read(target('/v1/keys', query), headers, options));
      yield { keys: (keys as readonly Json[]).map(listedKey), revision: Number(revision) };
      if (typeof next !== 'string') return;
      cursor = next;
    }
  }

  /** Deletes the keys that begin with the prefix, in one command: all that it says it deleted, or none. */
  async deletePrefix(prefix: string, options: DeletePrefixOptions = {}): Promise<PrefixDeleted> {
    const answer = await this.#write('DELETE', target('/v1/keys', { prefix, all: textIf(options.isAll) }), {}, options);
    const { deleted, more } = jsonOf(answer);
    return { deleted: Number(deleted), more: more === true, ...written(answer) };
  }

  /** Many operations in one request, in order, each with its own result; items without a final answer are tried until the deadline. */
  async batch(operations: readonly Operation[], options: BatchOptions = {}): Promise<BatchResult> {
    const { clock } = this.#world;
    const giveUpAt = clock.monotonicMs() + (options.deadlineMs ?? this.#deadlineMs);
    const id = options.id ?? this.#world.newId();
    const body = operationsJson(operations);
    for (let attempts = 0; ; ) {
      const { consistency, headers } = this.#demand(options);
      const deadlineMs = giveUpAt - clock.monotonicMs();
      const answer = await this.#post(target('/v1/batch', { consistency }), headers, { id, deadlineMs }, body);
      const { results, revision } = jsonOf(answer);
      attempts += answer.attempts;
      const all = (results as readonly Json[]).map((result, at) => operationResult(operations[at]?.op, result));
      if (!all.some(isUnfinished) || clock.monotonicMs() + BATCH_PAUSE_MS >= giveUpAt) {
        return { ...written(answer), results: all, revision: Number(revision), attempts };
      }
      await new Promise<void>((resolve) => clock.after(BATCH_PAUSE_MS, resolve));
    }
  }

  /** Compares, then does all operations of one branch at one revision; or none, when one of them is rejected. */
  async transaction(transaction: Transaction, options: WriteOptions = {}): Promise<TransactionResult> {
    return transactionResult(
      transaction,
      await this.#post('/v1/transactions', {}, options, transactionJson(transaction)),
    );
  }

  /**
   * Every change of the keys that begin with the prefix, once, in order, over any number of nodes that come and go. Throws a
   * HistoryGoneError where a node no longer has what comes next: list, and watch since the first page.
   */
  watch(options: WatchOptions = {}): AsyncGenerator<Change, void, undefined> {
    return watchChanges(this.#transport, this.#world, { deadlineMs: this.#deadlineMs, ...options });
  }

  /** A cache in front of a database, as config.ts names it. That its rows are a `Row` is the caller's word: they are not looked at. */
  cache<Row>(name: string): ChorusCache<Row> {
    return new ChorusCache<Row>(name, {
      read: (path, query, options) => {
        const { consistency, headers } = this.#demand(options);
        return this.#read(target(path, { ...query, consistency }), headers, options);
      },
      write: (method, path, query, options, json) => {
        const headers: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' };
        return this.#write(method, target(path, query), headers, options, json);
      },
    });
  }

  /** The cluster as the answering node sees it. */
  async cluster(options: Pick<ReadOptions, 'deadlineMs'> = {}): Promise<Cluster> {
    return jsonOf(await this.#read('/v1/cluster', {}, options)) as Cluster;
  }

  /** Whether all live ready members hold the same state at one place in the log. */
  async checkDigests(options: Pick<ReadOptions, 'deadlineMs'> = {}): Promise<DigestCheck> {
    return jsonOf(await this.#read('/v1/cluster?check=digests', {}, options)) as DigestCheck;
  }

  close(): void {
    this.#transport.close();
  }

  /** What a read asks of the node: in a session, all that this client has seen. */
  #demand({ consistency = this.#isSession ? 'session' : undefined }: Pick<ReadOptions, 'consistency'>): Demand {
    const headers = consistency === 'session' ? { 'chorus-min-revision': String(this.#token) } : {};
    return { consistency, headers };
  }

  #read(path: string, headers: Readonly<Record<string, string>>, options: ReadOptions): Promise<Answer> {
    return this.#call({
      method: 'GET',
      path,
      headers,
      id: undefined,
      deadlineMs: options.deadlineMs ?? this.#deadlineMs,
    });
  }

  #post(path: string, headers: Readonly<Record<string, string>>, options: WriteOptions, body: string): Promise<Answer> {
    return this.#write('POST', path, { ...headers, 'content-type': 'application/json' }, options, body);
  }

  async #write(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>>,
    options: WriteOptions,
    value?: string | Uint8Array,
  ): Promise<Answer> {
    // A copy: it may be sent again when the caller's own bytes are something else by then.
    const body =
      value === undefined ? {} : { body: typeof value === 'string' ? Buffer.from(value) : Buffer.from(value) };
    const id = options.id ?? this.#world.newId();
    return this.#call({ method, path, headers, ...body, id, deadlineMs: options.deadlineMs ?? this.#deadlineMs });
  }

  async #call(call: Call): Promise<Answer> {
    const answer = await this.#transport.call(call);
    const revision = Number(answer.header('chorus-revision') ?? 0);
    if (Number.isSafeInteger(revision)) this.#token = Math.max(this.#token, revision);
    return answer;
  }
}

type Demand = { readonly consistency: string | undefined; readonly headers: Readonly<Record<string, string>> };

function keyPath(key: string, query: Readonly<Record<string, string | undefined>>): string {
  return target(`/v1/keys/${encodedKey(key)}`, query);
}

function textIf(value: number | boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function conditionHeaders({ ifRevision, ifAbsent, ifPresent }: Conditions): Readonly<Record<string, string>> {
  if (ifRevision !== undefined) return { 'if-match': `"${ifRevision}"` };
  if (ifAbsent === true) return { 'if-none-match': '*' };
  return ifPresent === true ? { 'if-match': '*' } : {};
}
