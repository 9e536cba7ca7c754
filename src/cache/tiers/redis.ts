// The store in Redis (5 or newer, or what speaks its protocol): one key per entry, compared and swapped by a small script.
//
// What is asked in one turn of the event loop goes out as one command. Values are not read by a script: handing them through
// costs Redis several times the reading of them.
//
// A Redis that comes back from a file may hold values that were invalidated meanwhile: behind `onReturn: 'clear'` (tiers.ts)
// it does not serve them. Commands are never sent a second time, and none waits for a connection: while Redis is away
// calls are rejected at once.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Redis, ReplyError } from 'ioredis';
import { messageOf } from '../../base/errors.ts';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { systemWorld } from '../../base/system-world.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { CacheError } from '../errors.ts';
import { type AtomicStore, type CacheStore, type Stored, VERSION_LENGTH, type Version } from '../ports.ts';
import { slotted } from '../slotted.ts';
import { together } from '../together.ts';
import type { CacheWorld } from '../world.ts';

export type RedisOptions = {
  /** `redis://[user:password@]host[:port][/database]`; `rediss://` for TLS. */
  readonly url: string;
  /** For `Cache-Status`: `redis` unless given. */
  readonly name?: string;
  /** Stands before all keys. */
  readonly prefix?: string;
  /** Of one command; 1 s unless given. A tier asks for less. */
  readonly timeout?: Duration;
  readonly world?: CacheWorld;
};

export function redis(options: RedisOptions): CacheStore {
  const { prefix, world } = options;
  return slotted(redisBytes(options), { ...(prefix && { prefix }), ...(world && { world }) });
}

type Script = { readonly text: string; readonly sha: string };

/** For each of `KEYS`: what it begins with now (nothing: absent), the new bytes, ms to live (nothing: for ever; 0: it is removed). */
const SWAP = scriptOf(`
local done = {}
for at, key in ipairs(KEYS) do
  local expected, bytes, ttl = ARGV[3 * at - 2], ARGV[3 * at - 1], ARGV[3 * at]
  local reply = redis.pcall('GETRANGE', key, 0, ${VERSION_LENGTH - 1})
  if reply == expected then
    if ttl == '0' then reply = redis.pcall('DEL', key)
    elseif ttl == '' then reply = redis.pcall('SET', key, bytes)
    else reply = redis.pcall('SET', key, bytes, 'PX', ttl) end
    if type(reply) ~= 'table' or not reply.err then reply = 1 end
  elseif type(reply) == 'string' then reply = 0 end
  if type(reply) == 'table' then reply = reply.err end
  done[at] = reply
end
return done`);

/** A placeholder, fresh for this call, under those of `KEYS` that are absent, for so many ms. */
const PLANT = scriptOf(`
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
end`);

/** Of one entry: its own key, and those that are read beside it. */
type Keys = readonly string[];
type Found = readonly (Stored | undefined)[];
type Look = { readonly keys: Keys; readonly ttlMs: number };
type Swap = {
  readonly key: string;
  readonly expected: Version;
  readonly bytes: Uint8Array | undefined;
  readonly ttlMs: number;
};

export function redisBytes({ url, name = 'redis', timeout, world = systemWorld }: RedisOptions): AtomicStore {
  const client = new Redis(url, {
    commandTimeout: timeout === undefined ? CACHE_LIMITS.commandTimeoutMs : milliseconds(timeout, 'timeout'),
    connectTimeout: CACHE_LIMITS.connectTimeoutMs,
    socketTimeout: CACHE_LIMITS.maxSilenceMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(attempt * 50, 500),
  });
  // A lost connection is told by the calls that fail; without a listener it would end the process.
  client.on('error', () => {});
  /** Only the first connection is waited for: a cache that was just made is not down yet. */
  const tried = Promise.race([once(client, 'ready'), once(client, 'close')]).catch(() => {});
  /** Where few keys are absent, reading them first costs Redis less; where many are, planting first saves a round trip. */
  let areOftenAbsent = false;

  async function call<T>(effectWhenLost: 'down' | 'unknown', command: () => Promise<T>): Promise<T> {
    await tried;
    try {
      return await command();
    } catch (error) {
      throw errorOf(error, name, effectWhenLost);
    }
  }

  /** Redis knows a script by its hash once it was told it; until then nothing was done. */
  async function told<T>({ text }: Script, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!isUntold(error)) throw error;
      await client.script('LOAD', text);
      return await run();
    }
  }

  async function readThese(reads: readonly Keys[]): Promise<readonly Found[]> {
    const { keys, places } = laidOut(reads);
    return foundAt(places, await client.mgetBuffer(keys));
  }

  async function plantThese(looks: readonly Look[]): Promise<readonly (Found | CacheError)[]> {
    const { keys, places } = laidOut(looks.map((look) => look.keys));
    const ttlMs = Math.ceil(Math.max(...looks.map((look) => look.ttlMs)));
    const placeholder = world.newId();
    const [planted, read] = await told(PLANT, async () => {
      const words = [...keys.slice(0, looks.length), placeholder, ttlMs];
      const both = client
        .pipeline()
        .evalsha(PLANT.sha, looks.length, ...words)
        .mgetBuffer(keys);
      const replies = (await both.exec()) ?? [];
      if (isUntold(replies[0]?.[0])) throw replies[0]?.[0];
      return replies;
    });
    if (read?.[0]) throw read[0];
    const refusal = planted?.[0];
    const found = foundAt(places, read?.[1] as readonly (Buffer | null)[]);
    areOftenAbsent = isOften(found.filter(([first]) => first?.version === placeholder).length, found.length);
    // A Redis that takes no more is still read.
    if (refusal) return found.map((one) => (one[0] === undefined ? errorOf(refusal, name, 'down') : one));
    return found;
  }

  async function lookAtThese(looks: readonly Look[]): Promise<readonly (Found | CacheError)[]> {
    if (areOftenAbsent) return await plantThese(looks);
    const found = await readThese(looks.map((look) => look.keys));
    const absent = looks.filter((_, at) => found[at]?.[0] === undefined);
    if (absent.length === 0) return found;
    const planted = (await plantThese(absent)).values();
    areOftenAbsent = isOften(absent.length, looks.length);
    return found.map((one) => (one[0] === undefined ? (planted.next().value ?? one) : one));
  }

  async function swapThese(swaps: readonly Swap[]): Promise<readonly (boolean | CacheError)[]> {
    const keys = swaps.map(({ key }) => key);
    const words = swaps.flatMap(({ expected, bytes, ttlMs }) => [
      wordOf(expected),
      bytes === undefined ? '' : wordOf(bytes),
      bytes === undefined ? 0 : Number.isFinite(ttlMs) ? Math.max(1, Math.ceil(ttlMs)) : '',
    ]);
    const replies = await told(SWAP, () => client.evalsha(SWAP.sha, keys.length, ...keys, ...words));
    return (replies as readonly (number | string)[]).map((reply) =>
      typeof reply === 'string' ? errorOf(new ReplyError(reply), name, 'unknown') : reply === 1,
    );
  }

  const { maxTogether: maxRequests, maxTogetherBytes: maxBytes } = CACHE_LIMITS;
  const read = together<Keys, Found>((reads) => call('down', () => readThese(reads)), { maxRequests });
  const look = together<Look, Found>((looks) => call('down', () => lookAtThese(looks)), { maxRequests });
  const swap = together<Swap, boolean>((swaps) => call('unknown', () => swapThese(swaps)), {
    maxRequests,
    maxBytes,
    sizeOf: ({ bytes }) => bytes?.length ?? 0,
  });

  return {
    name,
    read: async (keys) => (keys.length === 0 ? [] : await read(keys)),
    readOrPlant: (keys, ttlMs) => look({ keys, ttlMs }),
    swap: (key, expected = '', bytes, ttlMs) => swap({ key, expected, bytes, ttlMs }),
    async close() {
      client.disconnect();
    },
  };
}

function scriptOf(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

function isUntold(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

function isOften(absent: number, of: number): boolean {
  return absent * 4 > of;
}

/** The keys of several reads as one list: first the first of each, then the others, each once. */
function laidOut(reads: readonly Keys[]): { readonly keys: string[]; readonly places: readonly (readonly number[])[] } {
  const keys = reads.map(([first = '']) => first);
  const shared = new Map<string, number>();
  const placeOf = (key: string) => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    shared.set(key, keys.length);
    return keys.push(key) - 1;
  };
  const places = reads.map((read, at) => read.map((key, which) => (which === 0 ? at : placeOf(key))));
  return { keys, places };
}

function foundAt(places: readonly (readonly number[])[], replies: readonly (Buffer | null)[]): readonly Found[] {
  const stored = replies.map((bytes) =>
    bytes === null ? undefined : { bytes, version: bytes.toString('latin1', 0, VERSION_LENGTH) },
  );
  return places.map((those) => those.map((place) => stored[place]));
}

/** Text where it can be: the driver makes one string of a command that has nothing else, and many pieces of others. */
function wordOf(bytes: Uint8Array | Version): string | Buffer {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bufferOf(bytes);
  return isUtf8(buffer) ? buffer.toString() : buffer;
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** Answers of a Redis that is there but does not serve now. */
const AWAY = /^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY|NOAUTH|WRONGPASS|NOPERM|MISCONF|BUSY|TRYAGAIN)\b/;

function errorOf(error: unknown, part: string, effectWhenLost: 'down' | 'unknown'): CacheError {
  const message = messageOf(error);
  if (error instanceof ReplyError)
    return new CacheError(AWAY.test(message) ? 'down' : 'refused', part, message, { cause: error });
  if (message === 'Command timed out') return new CacheError('timeout', part, 'no answer in time', { cause: error });
  if (message.startsWith("Stream isn't writeable"))
    return new CacheError('down', part, 'not connected', { cause: error });
  return new CacheError(effectWhenLost, part, 'the connection was lost', { cause: error });
}
