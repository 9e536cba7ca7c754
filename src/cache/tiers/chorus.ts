// The store in a cluster of Chorus, over HTTP: its log decides which fill is stale, so that any node may be asked.
//
// Under each key lies one line of JSON (when it is stale, when it is gone, its tags) and what the codec wrote. The cluster compares the
// revision at which a note was taken with what happened to the key since; nothing is planted for an absent key, and a look is one request.
import { createHash } from 'node:crypto';
import { CACHE_LIMITS, CACHED_STATE_LIMITS, REQUEST_LIMITS } from '../../base/limits.ts';
import { systemWorld } from '../../base/system-world.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { parts } from '../parts.ts';
import type { CacheEntry, CacheStore, CallOptions, Invalidation, Note } from '../ports.ts';
import type { CacheWorld } from '../world.ts';
import { ChorusConnection } from './chorus-connection.ts';

export type ChorusOptions = {
  /** Of the nodes, or of the gateway or balancer before them, such as `http://127.0.0.1:8001`. What fails at one goes on at the next. */
  readonly urls: readonly string[];
  /** Whose entries these are: 1 to 64 letters, digits, _ or -. Stores of other names do not see them. */
  readonly store: string;
  /** With the scopes `read-cache:store:<store>` and `write-cache:store:<store>`, where tokens are asked for. */
  readonly token?: string;
  /** For `Cache-Status`: `chorus` unless given. */
  readonly name?: string;
  /** Stands before all keys. */
  readonly prefix?: string;
  /** Of one call; 1 s unless given. A tier asks for less. */
  readonly timeout?: Duration;
  /**
   * What a look sees. `linearizable` (unless given): every write that ended before, by whichever process. `eventual`: what the node
   * has applied; a write by another node may be unseen for some milliseconds, or for as long as that node is cut off from the log.
   */
  readonly consistency?: 'linearizable' | 'eventual';
  readonly world?: CacheWorld;
};

const HASHED = '#';
const { maxKeyBytes, maxTtlMs } = REQUEST_LIMITS;
const { maxInvalidatedKeys, maxTags } = CACHED_STATE_LIMITS;

export function chorus(options: ChorusOptions): CacheStore {
  const { store, name = 'chorus', prefix = '', consistency = 'linearizable', world = systemWorld } = options;
  const timeoutMs =
    options.timeout === undefined ? CACHE_LIMITS.commandTimeoutMs : milliseconds(options.timeout, 'timeout');
  const { urls, token } = options;
  const connection = new ChorusConnection({ urls, name, timeoutMs, world, ...(token === undefined ? {} : { token }) });
  const now = () => world.clock.wallMs();
  const pathOf = (key: string) => `/v1/stores/${store}/entries/${encodeURIComponent(storedKey(prefix + key))}`;

  async function put(key: string, entry: CacheEntry, query: string, call?: CallOptions): Promise<boolean> {
    const headers = { 'content-type': 'application/octet-stream', 'chorus-tags': tagsText(entry.tags) };
    const path = `${pathOf(key)}?${query}${ttlText(entry, now())}`;
    const { body } = await connection.ask({
      method: 'PUT',
      path,
      headers,
      body: encodeEntry(entry),
      signal: call?.signal,
    });
    return (JSON.parse(body.toString()) as { readonly kept: boolean }).kept;
  }

  async function invalidate(body: object, call?: CallOptions): Promise<void> {
    const path = `/v1/stores/${store}:invalidate`;
    const headers = { 'content-type': 'application/json' };
    await connection.ask({
      method: 'POST',
      path,
      headers,
      body: Buffer.from(JSON.stringify(body)),
      signal: call?.signal,
    });
  }

  return {
    name,

    async get(key, call) {
      const path = `${pathOf(key)}?consistency=${consistency}`;
      const { status, headers, body } = await connection.ask({ method: 'GET', path, signal: call?.signal });
      const found = status === 200 ? decodeEntry(body) : undefined;
      const entry = found !== undefined && found.expiresAtMs > now() ? found : undefined;
      return { entry, note: headers['chorus-note'] as Note | undefined };
    },

    fill: (key, entry, since, call) => put(key, entry, `since=${encodeURIComponent(since)}`, call),

    async hold(key, { forMs, signal }) {
      const path = `${pathOf(key)}?op=hold&ttl=${Math.ceil(forMs)}ms`;
      const { body } = await connection.ask({ method: 'POST', path, signal });
      return (JSON.parse(body.toString()) as { readonly hold: Note }).hold;
    },

    async put(key, entry, hold, call) {
      const query = hold === undefined ? '' : `hold=${encodeURIComponent(hold)}`;
      if (entry !== undefined) return await put(key, entry, query, call);
      await connection.ask({ method: 'DELETE', path: `${pathOf(key)}?${query}`, signal: call?.signal });
      return false;
    },

    async invalidate(what: Invalidation, call) {
      if ('all' in what) return await invalidate({ all: true }, call);
      if ('tags' in what) {
        for (const tags of parts(what.tags, maxTags)) await invalidate({ tags }, call);
        return;
      }
      const keys = what.keys.map((key) => storedKey(prefix + key));
      for (const some of parts(keys, maxInvalidatedKeys)) await invalidate({ keys: some }, call);
    },

    async close() {
      connection.close();
    },
  };
}

/** Keys that a path cannot carry, or that are too long, by their hash. */
function storedKey(key: string): string {
  const isRight = key !== '' && key !== '.' && key !== '..' && key.isWellFormed() && !key.startsWith(HASHED);
  if (isRight && Buffer.byteLength(key) <= maxKeyBytes) return key;
  return HASHED + createHash('sha256').update(key).digest('base64url');
}

/** Nothing: it lives for ever. */
function ttlText({ expiresAtMs }: CacheEntry, now: number): string {
  if (!Number.isFinite(expiresAtMs)) return '';
  return `&ttl=${Math.min(maxTtlMs, Math.max(1, Math.ceil(expiresAtMs - now)))}ms`;
}

function tagsText(tags: readonly string[]): string {
  return tags.map((tag) => encodeURIComponent(tag)).join(',');
}

type Head = {
  readonly fresh: number | null;
  readonly expires: number | null;
  readonly tags: readonly string[];
  readonly absent?: true;
};

const NEWLINE = 0x0a;

/** A line of JSON, and the bytes: `{"fresh":…,"expires":…,"tags":[]}⏎{"id":1}`. JSON has no Infinity: null is for ever. */
function encodeEntry({ value, freshUntilMs, expiresAtMs, tags }: CacheEntry): Buffer {
  const head: Head = {
    fresh: freshUntilMs,
    expires: expiresAtMs,
    tags,
    ...(value === undefined ? { absent: true } : {}),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), value ?? new Uint8Array()]);
}

/** Undefined: these are no bytes of ours. */
function decodeEntry(bytes: Buffer): CacheEntry | undefined {
  const end = bytes.indexOf(NEWLINE);
  const head = headIn(bytes.toString('utf8', 0, Math.max(0, end)));
  if (head === undefined) return undefined;
  return {
    value: head.absent ? undefined : new Uint8Array(bytes.subarray(end + 1)),
    freshUntilMs: head.fresh ?? Number.POSITIVE_INFINITY,
    expiresAtMs: head.expires ?? Number.POSITIVE_INFINITY,
    tags: head.tags,
  };
}

function headIn(line: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(line);
    const isOurs = typeof head === 'object' && head !== null && 'tags' in head && Array.isArray(head.tags);
    return isOurs ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
}
