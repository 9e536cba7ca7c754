// A real Redis for tests, kept in memory only, or durable enough for kill -9.
import { type ServerControls, startAlone } from './child-server.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

export type Redis = ServerControls & { readonly port: number };

/** `durable`: every acknowledged write survives kill -9 (append-only file, fsync always). */
export async function startRedis(options: { readonly durable: boolean }): Promise<Redis> {
  const port = await freePort();
  const directory = temporaryDirectory('redis');
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--daemonize', 'no', '--save', ''];
  const durability = options.durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const controls = await startAlone({
    name: 'Redis',
    command: '/usr/bin/redis-server',
    args: [...place, ...durability],
    directory,
    isReady: () => ask(port, Buffer.from('PING\r\n'), (answer) => answer.toString('latin1').startsWith('+PONG')),
    readyTimeoutMs: 10_000,
  });
  return { port, ...controls };
}
