// The TypeScript client: typed calls on keys; a write is repeated with its own id until its outcome is known.
import { systemWorld } from '../base/system-world.ts';
import { ChorusError, parseJson, problemOf } from './errors.ts';
import { type Answer, type Call, type ClientWorld, Transport } from './transport.ts';

export { ChorusError } from './errors.ts';

export type ClientOptions = {
  /** The gateway or balancer, or several nodes: a call that fails at one goes on at the next. */
  readonly baseUrls: readonly string[];
  /** A call is given up after this long (default 30,000). */
  readonly deadlineMs?: number;
  /** One request is given up after this long (default 8,000: above the server's own 5,000). */
  readonly attemptTimeoutMs?: number;
  /** Reads never fall behind what this client has written or read, on whichever node (default true). */
  readonly isSession?: boolean;
  /** Default 64, to each address. */
  readonly maxConnections?: number;
  readonly world?: ClientWorld;
};

export type ReadOptions = {
  readonly consistency?: 'eventual' | 'session' | 'linearizable';
  readonly deadlineMs?: number;
};

export type WriteOptions = {
  /** Names the intention; made when left out. Two calls with one id are applied once. */
  readonly id?: string;
  readonly deadlineMs?: number;
};
/** At most one of the three. */
export type Conditions = { readonly ifRevision?: number; readonly ifAbsent?: boolean; readonly ifPresent?: boolean };
export type TtlOption = { readonly ttlMs?: number };
export type PutOptions = WriteOptions & Conditions & TtlOption & { readonly contentType?: string };

export type Found = {
  readonly kind: 'found';
  readonly value: Uint8Array;
  readonly contentType: string;
  readonly revision: number;
  /** ISO 8601; undefined when it does not expire. */
  readonly expiresAt: string | undefined;
};
export type Absent = { readonly kind: 'absent' };
/** `revision` is the entry's; undefined when there is none. */
export type ConditionFailed = { readonly kind: 'condition-failed'; readonly revision: number | undefined };
/** `isReplayed`: an earlier attempt with the same id was applied, and this is its outcome. `attempts`: requests it took. */
export type Written = { readonly revision: number; readonly isReplayed: boolean; readonly attempts: number };
export type PutResult = ({ readonly kind: 'created' | 'replaced' } & Written) | ConditionFailed;
export type DeleteResult = ({ readonly kind: 'deleted' } & Written) | Absent | ConditionFailed;
export type TouchResult = ({ readonly kind: 'touched' } & Written) | Absent;
export type IncrementResult = Written & { readonly value: bigint };
export type AppendResult = Written & { readonly lengthBytes: number };

export type Member = {
  readonly node: string;
  readonly address: string;
  readonly pid: number;
  readonly ready: boolean;
  readonly duty: boolean;
  readonly revision: number;
  readonly digest: string;
  readonly lagMs: number;
  readonly keys: number;
  readonly bytes: number;
  readonly version: string;
  readonly lastSeen: string;
};
export type Cluster = {
  readonly cluster: string;
  readonly node: string;
  readonly revision: number;
  readonly ready: boolean;
  readonly members: readonly Member[];
};
export type DigestCheck = {
  readonly agreed: boolean;
  readonly revision: number;
  readonly digests: Readonly<Record<string, string>>;
};

const DEFAULT_DEADLINE_MS = 30_000;
const DEFAULT_ATTEMPT_TIMEOUT_MS = 8_000;

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
      world: this.#world,
    });
  }

  /** The highest revision seen: what another client passes as Chorus-Min-Revision to see all that this one saw. */
  get token(): number {
    return this.#token;
  }

  async get(key: string, options: ReadOptions = {}): Promise<Found | Absent> {
    const { consistency = this.#isSession ? 'session' : undefined } = options;
    const headers: Record<string, string> = {};
    if (consistency === 'session') headers['chorus-min-revision'] = String(this.#token);
    const answer = await this.#call({
      method: 'GET',
      path: keyPath(key, { consistency }),
      headers,
      id: undefined,
      deadlineMs: options.deadlineMs ?? this.#deadlineMs,
    });
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
    const type = typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
    const headers = { 'content-type': options.contentType ?? type, ...conditionHeaders(options) };
    const answer = await this.#write('PUT', keyPath(key, { ttl: ttlText(options) }), headers, options, value);
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
    const path = keyPath(key, { op: 'increment', by: String(by), ttl: ttlText(options) });
    const answer = expected(await this.#write('POST', path, {}, options), [200]);
    return { value: BigInt(textOf(answer)), ...written(answer) };
  }

  async append(key: string, value: string | Uint8Array, options: WriteOptions & TtlOption = {}): Promise<AppendResult> {
    const path = keyPath(key, { op: 'append', ttl: ttlText(options) });
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = expected(await this.#write('POST', path, headers, options, value), [200]);
    return { lengthBytes: Number(textOf(answer)), ...written(answer) };
  }

  /** Sets when the entry expires; 'none': never. */
  async touch(key: string, ttlMs: number | 'none', options: WriteOptions = {}): Promise<TouchResult> {
    const path = keyPath(key, { op: 'touch', ttl: ttlMs === 'none' ? 'none' : ttlText({ ttlMs }) });
    const answer = await this.#write('POST', path, {}, options);
    if (answer.status === 404) return { kind: 'absent' };
    expected(answer, [200]);
    return { kind: 'touched', ...written(answer) };
  }

  /** The cluster as the answering node sees it. */
  async cluster(options: Pick<ReadOptions, 'deadlineMs'> = {}): Promise<Cluster> {
    return (await this.#json('/v1/cluster', options)) as Cluster;
  }

  /** Whether all live ready members hold the same state at one place in the log. */
  async checkDigests(options: Pick<ReadOptions, 'deadlineMs'> = {}): Promise<DigestCheck> {
    return (await this.#json('/v1/cluster?check=digests', options)) as DigestCheck;
  }

  close(): void {
    this.#transport.close();
  }

  async #json(path: string, { deadlineMs = this.#deadlineMs }: Pick<ReadOptions, 'deadlineMs'>): Promise<unknown> {
    const answer = expected(await this.#call({ method: 'GET', path, headers: {}, id: undefined, deadlineMs }), [200]);
    const parsed = parseJson(answer.body);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
    throw badAnswer(answer, 'is not JSON');
  }

  async #write(
    method: 'PUT' | 'POST' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>>,
    options: WriteOptions,
    value?: string | Uint8Array,
  ): Promise<Answer> {
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

function keyPath(key: string, query: Readonly<Record<string, string | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `/v1/keys/${encodedKey(key)}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
}

/** URL libraries take `.` and `..` for steps in the path, also percent-encoded: such keys cannot be sent. */
function encodedKey(key: string): string {
  if (key.isWellFormed() && key !== '' && key !== '.' && key !== '..') return encodeURIComponent(key);
  const message = `the key ${JSON.stringify(key)} cannot be sent: it is empty, '.', '..' or no valid Unicode`;
  throw new ChorusError({
    code: 'bad-key',
    message,
    status: undefined,
    outcome: 'not-applied',
    id: undefined,
    isRetryable: false,
  });
}

function ttlText({ ttlMs }: TtlOption): string | undefined {
  return ttlMs === undefined ? undefined : `${ttlMs}ms`;
}

function conditionHeaders({ ifRevision, ifAbsent, ifPresent }: Conditions): Readonly<Record<string, string>> {
  if (ifRevision !== undefined) return { 'if-match': `"${ifRevision}"` };
  if (ifAbsent === true) return { 'if-none-match': '*' };
  return ifPresent === true ? { 'if-match': '*' } : {};
}

function written(answer: Answer): Written {
  return {
    revision: revisionOf(answer),
    isReplayed: answer.header('idempotency-replayed') === 'true',
    attempts: answer.attempts,
  };
}

function conditionFailed(answer: Answer): ConditionFailed {
  return { kind: 'condition-failed', revision: answer.header('etag') === undefined ? undefined : revisionOf(answer) };
}

/** The ETag is the entry's revision; an answer without one (a deletion's) carries the revision applied there. */
function revisionOf(answer: Answer): number {
  const etag = answer.header('etag')?.replace(/^W\//, '').replaceAll('"', '');
  return Number(etag ?? answer.header('chorus-revision') ?? 0);
}

function textOf(answer: Answer): string {
  return Buffer.from(answer.body).toString('utf8').trim();
}

function expected(answer: Answer, statuses: readonly number[]): Answer {
  if (statuses.includes(answer.status)) return answer;
  const problem = problemOf(answer.body);
  if (problem === undefined) throw badAnswer(answer, 'carries no problem document');
  const { code = 'bad-answer', detail = `answered ${answer.status}`, isRetryable } = problem;
  const outcome = problem.outcome === 'unknown' ? 'unknown' : 'not-applied';
  throw new ChorusError({ code, message: detail, status: answer.status, outcome, id: answer.id, isRetryable });
}

function badAnswer(answer: Answer, fact: string): ChorusError {
  const message = `the answer with status ${answer.status} ${fact}: is this address a Chorus node or its gateway?`;
  return new ChorusError({
    code: 'bad-answer',
    message,
    status: answer.status,
    outcome: 'unknown',
    id: answer.id,
    isRetryable: false,
  });
}
