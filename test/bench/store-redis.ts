// Redis in the store benchmark: a real server on the loopback, spoken to by its own protocol, a thousand commands at a time.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startRedis } from '../servers/redis.ts';

export type RedisFigures = {
  readonly version: string;
  /** By its own count (used_memory), and by what the process holds (used_memory_rss). */
  readonly bytesPerKey: number;
  readonly residentBytesPerKey: number;
  /** µs by the clock, protocol and loopback included. */
  readonly create: number;
  readonly get: number;
  readonly put: number;
  readonly delete: number;
};

const PIPELINE = 1000;

export async function measureRedis(keys: number, keyBytes: number, valueBytes: number): Promise<RedisFigures> {
  const redis = await startRedis({ durable: false });
  const socket = connect({ port: redis.port, host: '127.0.0.1', noDelay: true });
  try {
    await once(socket, 'connect');
    const value = 'v'.repeat(valueBytes);
    const keyOf = (i: number) => `key:${String(i).padStart(keyBytes - 4, '0')}`;
    const before = await info(socket);
    const create = await timed(socket, keys, (i) => command('SET', keyOf(i), value));
    const after = await info(socket);
    const sample = Math.min(200_000, keys);
    const scattered = (i: number) => keyOf((i * 7919) % keys);
    return {
      version: after.redis_version ?? '',
      bytesPerKey: (Number(after.used_memory) - Number(before.used_memory)) / keys,
      residentBytesPerKey: (Number(after.used_memory_rss) - Number(before.used_memory_rss)) / keys,
      create,
      get: await timed(socket, sample, (i) => command('GET', scattered(i))),
      put: await timed(socket, sample, (i) => command('SET', scattered(i), value)),
      delete: await timed(socket, sample, (i) => command('DEL', keyOf(i))),
    };
  } finally {
    socket.destroy();
    await redis.close();
  }
}

/** Sets keys 0 to `keys` − 1, a thousand at a time, and has all of them written to the file that a restart loads. */
export async function fillRedis(
  port: number,
  keys: number,
  entryOf: (n: number) => { readonly key: string; readonly value: string },
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  try {
    await once(socket, 'connect');
    await timed(socket, keys, (n) => {
      const { key, value } = entryOf(n);
      return command('SET', key, value);
    });
    await exchange(socket, command('SAVE'), 1);
  } finally {
    socket.destroy();
  }
}

async function timed(socket: Socket, count: number, commandOf: (i: number) => string): Promise<number> {
  const begun = performance.now();
  for (let from = 0; from < count; from += PIPELINE) {
    const size = Math.min(PIPELINE, count - from);
    const commands = Array.from({ length: size }, (_, i) => commandOf(from + i)).join('');
    await exchange(socket, commands, size);
  }
  return ((performance.now() - begun) * 1e3) / count;
}

/** Sends commands and reads as many answers; the answers' texts are returned. */
function exchange(socket: Socket, commands: string, answers: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let left = answers;
    let rest: Buffer = Buffer.alloc(0);
    const settle = (act: () => void) => {
      socket.off('data', onData);
      socket.off('error', onError);
      act();
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let length = answerLength(rest); length > 0; length = answerLength(rest)) {
        if (rest[0] === 0x2d) return onError(new Error(rest.toString('latin1', 0, length)));
        rest = rest.subarray(length);
        left--;
      }
      if (left === 0) settle(() => resolve(Buffer.concat(chunks).toString('latin1')));
    };
    socket.on('data', onData);
    socket.on('error', onError);
    socket.write(commands, 'latin1');
  });
}

/** Of the first answer: +text, -error, :number, or $length and so many bytes; 0 while it is not whole. */
function answerLength(bytes: Buffer): number {
  const lineEnd = bytes.indexOf('\r\n') + 2;
  if (lineEnd < 2) return 0;
  if (bytes[0] !== 0x24) return lineEnd;
  const length = Number(bytes.toString('latin1', 1, lineEnd - 2));
  const end = length < 0 ? lineEnd : lineEnd + length + 2;
  return end <= bytes.length ? end : 0;
}

async function info(socket: Socket): Promise<Record<string, string>> {
  const text = await exchange(socket, command('INFO'), 1);
  return Object.fromEntries(text.split('\r\n').map((line) => line.split(':') as [string, string]));
}

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}
