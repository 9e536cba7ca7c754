// A real MariaDB for tests: one empty database, `chorus`, and the user root without a password.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerControls, startAlone } from './child-server.ts';
import { ask, freePort, temporaryDirectory } from './places.ts';

export type Mariadb = ServerControls & { readonly port: number; readonly url: string };

/** Every committed transaction survives kill -9; `isForced`: and the machine's end, for what is to be measured. */
export async function startMariadb({ isForced = false } = {}): Promise<Mariadb> {
  const port = await freePort();
  const directory = temporaryDirectory('mariadb');
  const data = join(directory, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  installDatabase(directory, ['--no-defaults', ...user, `--datadir=${data}`]);
  const first = join(directory, 'first.sql');
  writeFileSync(first, 'CREATE DATABASE IF NOT EXISTS chorus CHARACTER SET utf8mb4;\n');
  const controls = await startAlone({
    name: 'MariaDB',
    command: '/usr/sbin/mariadbd',
    args: [
      '--no-defaults',
      ...user,
      `--datadir=${data}`,
      `--socket=${join(directory, 'socket')}`,
      `--pid-file=${join(directory, 'pid')}`,
      `--init-file=${first}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-log-bin',
      '--skip-name-resolve',
      '--innodb-buffer-pool-size=16M',
      // nosync: survives the process, not the machine: enough, and quick.
      ...(isForced ? [] : ['--innodb-flush-method=nosync']),
    ],
    directory,
    isReady: () => ask(port, Buffer.alloc(0), (greeting) => greeting.length > 4 && greeting[4] === 10),
    readyTimeoutMs: 60_000,
  });
  return { port, url: `mysql://root@127.0.0.1:${port}/chorus`, ...controls };
}

function installDatabase(directory: string, place: readonly string[]): void {
  const accounts = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
  const result = spawnSync('/usr/bin/mariadb-install-db', [...place, ...accounts], { encoding: 'utf8' });
  if (result.status === 0) return;
  rmSync(directory, { recursive: true, force: true });
  throw new Error(`mariadb-install-db failed: ${result.error?.message ?? ''}${result.stdout}${result.stderr}`);
}
