// Where test servers live: free ports, temporary directories, and the folder inside the checkout that keeps what was fetched.
import { randomInt } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Git ignores it, `npm ci` leaves it alone. */
export const CACHE_DIRECTORY = resolve(import.meta.dirname, '../../.cache');

export function temporaryDirectory(name: string): string {
  return mkdtempSync(join(tmpdir(), `chorus-${name}-`));
}

/**
 * A TCP port of 127.0.0.1 that is free now. Taken from below the range from which the kernel gives ports to outgoing
 * connections, so that a server that was killed finds its port free again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) return port;
  }
}

/** Resolves with what `exchange` makes of a fresh connection's first bytes; rejects on error or after `timeoutMs`. */
export function ask(
  port: number,
  question: Uint8Array,
  isAnswer: (bytes: Buffer) => boolean,
  timeoutMs = 1000,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let received: Buffer = Buffer.alloc(0);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.on('connect', () => socket.write(question));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (isAnswer(received)) settle(true);
    });
    socket.on('end', () => settle(false));
    socket.on('error', (error) => {
      socket.destroy();
      reject(error);
    });
  });
}

/** Whether nothing listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
