// A real PostgreSQL for tests: the database `postgres` and the user of that name without a password.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asUser, type ServerControls, startAlone } from './child-server.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

export type Postgres = ServerControls & { readonly port: number; readonly url: string };

const VERSIONS = '/usr/lib/postgresql';

/** Every committed transaction survives kill -9; `isForced`: and the machine's end, for what is to be measured. */
export async function startPostgres({ isForced = false } = {}): Promise<Postgres> {
  const port = await freePort();
  const directory = temporaryDirectory('postgres');
  const data = join(directory, 'data');
  const programs = programFolder();
  const user = asUser('postgres'); // it refuses to be root
  installDatabase({ programs, user, directory, data });
  const place = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory];
  const controls = await startAlone({
    name: 'PostgreSQL',
    command: join(programs, 'postgres'),
    // -F: survives the process, not the machine: enough, and quick.
    args: [...place, ...(isForced ? [] : ['-F']), '-c', 'shared_buffers=16MB'],
    user,
    directory,
    isReady: () => ask(port, startupMessage(), (answer) => answer[0] === 'R'.charCodeAt(0)),
    readyTimeoutMs: 60_000,
  });
  return { port, url: `postgres://postgres@127.0.0.1:${port}/postgres`, ...controls };
}

function programFolder(): string {
  const newest = readdirSync(VERSIONS)
    .sort((a, b) => Number(a) - Number(b))
    .at(-1);
  if (newest === undefined) throw new Error(`there is no PostgreSQL in ${VERSIONS}`);
  return join(VERSIONS, newest, 'bin');
}

type Installation = { programs: string; user: readonly string[]; directory: string; data: string };

function installDatabase({ programs, user, directory, data }: Installation): void {
  const settings = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const owned = user.length === 0 ? undefined : spawnSync('chown', ['postgres', directory], { encoding: 'utf8' });
  const made = spawnSync('setpriv', [...user, '--', join(programs, 'initdb'), '-D', data, ...settings], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (made.status === 0) return;
  rmSync(directory, { recursive: true, force: true });
  throw new Error(`initdb failed: ${owned?.stderr ?? ''}${made.error?.message ?? ''}${made.stdout}${made.stderr}`);
}

/** Version 3.0, user and database `postgres`. */
function startupMessage(): Buffer {
  const settings = Buffer.from('user\0postgres\0database\0postgres\0\0', 'latin1');
  const message = Buffer.alloc(8 + settings.length);
  message.writeInt32BE(message.length, 0);
  message.writeInt32BE(3 << 16, 4);
  settings.copy(message, 8);
  return message;
}
