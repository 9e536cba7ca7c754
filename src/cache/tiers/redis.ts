// The store in Redis (5 or newer, or what speaks its protocol): one key per entry, compared and swapped by a small script.
//
// A Redis that comes back from a file may hold values that were invalidated meanwhile: behind `onReturn: 'clear'` (tiers.ts)
// it does not serve them. Commands are never sent a second time, and none waits for a connection: while Redis is away
// calls are rejected at once.
import { once } from 'node:events';
import { Redis, ReplyError } from 'ioredis';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { CacheError } from '../errors.ts';
import { type AtomicStore, type CacheStore, VERSION_LENGTH } from '../ports.ts';
import { slotted } from '../slotted.ts';
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

/** `KEYS[1]`; what it begins with now (nothing: absent), the new bytes, ms to live (nothing: for ever); without the latter two: removes it. */
const SWAP = `
if redis.call('GETRANGE', KEYS[1], 0, ${VERSION_LENGTH - 1}) ~= ARGV[1] then return 0 end
if #ARGV == 1 then redis.call('DEL', KEYS[1])
elseif ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`;

export function redisBytes({ url, name = 'redis', timeout }: RedisOptions): AtomicStore {
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

  async function call<T>(effectWhenLost: 'down' | 'unknown', command: () => Promise<T>): Promise<T> {
    await tried;
    try {
      return await command();
    } catch (error) {
      throw errorOf(error, name, effectWhenLost);
    }
  }

  return {
    name,
    async read(keys) {
      if (keys.length === 0) return [];
      const found = await call('down', () => client.mgetBuffer(...keys));
      return found.map((bytes) =>
        bytes === null ? undefined : { bytes, version: bytes.toString('latin1', 0, VERSION_LENGTH) },
      );
    },
    async swap(key, expected = '', bytes, ttlMs) {
      const wanted = bytes === undefined ? [] : [Buffer.from(bytes), Number.isFinite(ttlMs) ? Math.ceil(ttlMs) : ''];
      return (await call('unknown', () => client.eval(SWAP, 1, key, expected, ...wanted))) === 1;
    },
    async close() {
      client.disconnect();
    },
  };
}

/** Answers of a Redis that is there but does not serve now. */
const AWAY = /^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY|NOAUTH|WRONGPASS|NOPERM|MISCONF|BUSY|TRYAGAIN)\b/;

function errorOf(error: unknown, part: string, effectWhenLost: 'down' | 'unknown'): CacheError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ReplyError)
    return new CacheError(AWAY.test(message) ? 'down' : 'refused', part, message, { cause: error });
  if (message === 'Command timed out') return new CacheError('timeout', part, 'no answer in time', { cause: error });
  if (message.startsWith("Stream isn't writeable"))
    return new CacheError('down', part, 'not connected', { cause: error });
  return new CacheError(effectWhenLost, part, 'the connection was lost', { cause: error });
}
