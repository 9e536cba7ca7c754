// The store in Memcached (1.6 or newer): one item per entry, swapped by its cas number.
//
// Memcached forgets under pressure and at its end: it never comes back with an older state. A hold that is evicted ends
// early: its put then keeps nothing, but a load in between may be seen until then.
import { createHash } from 'node:crypto';
import { CACHE_LIMITS } from '../../base/limits.ts';
import { type Duration, milliseconds } from '../duration.ts';
import { CacheError } from '../errors.ts';
import type { AtomicStore, CacheStore } from '../ports.ts';
import { slotted } from '../slotted.ts';
import type { CacheWorld } from '../world.ts';
import {
  type MemcachedAnswer,
  MemcachedConnection,
  type MemcachedPlace,
  type MemcachedRequest,
} from './memcached-connection.ts';

export type MemcachedOptions = {
  /** `host[:port]`, 11211 unless given. Without a password: Memcached is for trusted networks. */
  readonly url: string;
  /** For `Cache-Status`: `memcached` unless given. */
  readonly name?: string;
  /** Stands before all keys. */
  readonly prefix?: string;
  /** Of one command, and of one connection; 1 s unless given. A tier asks for less. */
  readonly timeout?: Duration;
  readonly world?: CacheWorld;
};

export function memcached(options: MemcachedOptions): CacheStore {
  const { prefix, world } = options;
  return slotted(memcachedBytes(options), { ...(prefix && { prefix }), ...(world && { world }) });
}

export function memcachedBytes({ url, name = 'memcached', timeout }: MemcachedOptions): AtomicStore {
  const timeoutMs = timeout === undefined ? CACHE_LIMITS.commandTimeoutMs : milliseconds(timeout, 'timeout');
  const connection = new MemcachedConnection(placeOf(url), name, timeoutMs);
  const storedOf = ({ flags, data }: MemcachedAnswer) => {
    const cas = flags.find((flag) => flag.startsWith('c'))?.slice(1);
    return data && { bytes: data, version: `${connection.serial}.${cas}` };
  };
  return {
    name,
    async read(keys) {
      return keys.length === 0 ? [] : (await connection.ask(keys.map(readingOf))).map(storedOf);
    },
    async readOrPlant([key = '', ...others], ttlMs) {
      // N makes the item where there is none, empty and with a cas number: Memcached's own way to give out leases.
      const first: MemcachedRequest = { head: `mg ${itemOf(key)} v c N${seconds(ttlMs)}`, whenLost: 'down' };
      return (await connection.ask([first, ...others.map(readingOf)])).map(storedOf);
    },
    async swap(key, expected, bytes, ttlMs) {
      const item = itemOf(key);
      if (expected === undefined && bytes === undefined) {
        const [answer] = await connection.ask([{ head: `mg ${item}`, whenLost: 'down' }]);
        return answer?.status === 'EN';
      }
      const [serial, cas] = expected?.split('.') ?? [];
      // A server that was started again counts its cas numbers from 1 again.
      if (serial !== undefined && Number(serial) !== connection.serial) return false;
      const condition = cas === undefined ? 'ME' : `C${cas}`; // mode add, or compare
      const head =
        bytes === undefined ? `md ${item} ${condition}` : `ms ${item} ${bytes.length} T${seconds(ttlMs)} ${condition}`;
      const [answer] = await connection.ask([{ head, whenLost: 'unknown', ...(bytes && { data: bytes }) }]);
      return answer?.status === 'HD';
    },
    async close() {
      connection.close();
    },
  };
}

function readingOf(key: string): MemcachedRequest {
  return { head: `mg ${itemOf(key)} v c`, whenLost: 'down' };
}

const MONTH_SECONDS = 30 * 24 * 60 * 60;

/** Memcached's clock ticks once a second, so one more than needed. Above 30 days it takes a point in time; 0 is for ever. */
function seconds(ttlMs: number): number {
  if (!Number.isFinite(ttlMs)) return 0;
  const ttl = Math.ceil(ttlMs / 1000) + 1;
  return ttl <= MONTH_SECONDS ? ttl : Math.ceil(Date.now() / 1000) + ttl;
}

const HASHED = '#';

/** Items are named by at most 250 visible characters: other keys by their hash. */
function itemOf(key: string): string {
  if (/^[!-~]{1,250}$/.test(key) && !key.startsWith(HASHED)) return key;
  return HASHED + createHash('sha256').update(key).digest('base64url');
}

function placeOf(url: string): MemcachedPlace {
  const match = /^(?:\w+:\/\/)?(?:\[([\da-f:]+)\]|([^:/]+))(?::(\d{1,5}))?\/?$/i.exec(url);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined)
    throw new CacheError('refused', 'memcached', `not an address such as 127.0.0.1:11211: ${url}`);
  return { host, port: Number(match?.[3] ?? 11_211) };
}
