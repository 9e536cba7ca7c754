// Whether a real server can be had here: installs it when it can, says loudly what is skipped when it cannot, and lets CI skip nothing.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { adviceFor, isInstalled, type ServerName } from './install.ts';
import { CACHE_DIRECTORY } from './places.ts';

const INSTALL_SECONDS = 600;

/**
 * True when `name` can be started: `describe.skipIf(!available('kafka'))`. Where it cannot be had one line says so; with
 * CI=true in the environment it throws instead, for nothing may be skipped there.
 */
export function available(name: ServerName): boolean {
  if (isInstalled(name)) return true;
  const reason = process.platform === 'linux' ? installOnce(name) : 'this is not Linux';
  if (isInstalled(name)) return true;
  const message = `SKIPPED: tests with a real ${name}: ${reason.trim() || 'it is not installed'}; ${name} ${adviceFor(name)}`;
  if (process.env.CI === 'true') throw new Error(message);
  console.warn(message);
  return false;
}

/** Runs the installer under a file lock: several test files may find the same server missing at once. Returns its complaint. */
function installOnce(name: ServerName): string {
  mkdirSync(CACHE_DIRECTORY, { recursive: true });
  const lock = join(CACHE_DIRECTORY, 'install.lock');
  const installer = resolve(import.meta.dirname, 'install.ts');
  const args = ['-w', String(INSTALL_SECONDS), lock, process.execPath, installer, name];
  const result = spawnSync('flock', args, { encoding: 'utf8', timeout: INSTALL_SECONDS * 1000 });
  return result.error?.message ?? result.stderr;
}
