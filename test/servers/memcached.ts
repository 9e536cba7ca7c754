// A real Memcached for tests.
import { asUser, type ServerControls, startAlone } from './child-server.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

export type Memcached = ServerControls & {
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
};

/** A cache: empty after every start. */
export async function startMemcached(): Promise<Memcached> {
  const port = await freePort();
  const directory = temporaryDirectory('memcached');
  const controls = await startAlone({
    name: 'Memcached',
    command: '/usr/bin/memcached',
    args: ['-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64', '-t', '2'],
    user: asUser('memcache'), // it refuses to be root
    directory,
    isReady: () => ask(port, Buffer.from('version\r\n'), (answer) => answer.toString('latin1').startsWith('VERSION')),
    readyTimeoutMs: 10_000,
  });
  return { port, address: `127.0.0.1:${port}`, ...controls };
}

/** What it answers to one line of its text protocol, which ends in `END` or is `OK`. */
export async function memcachedSays(port: number, line: string): Promise<string> {
  let said = '';
  await ask(port, Buffer.from(`${line}\r\n`), (answer) => {
    said = answer.toString();
    return said.endsWith('END\r\n') || said === 'OK\r\n';
  });
  return said;
}
