// How processes on one embedded log hear of each other's commits: a file that is touched after each, and watched by all.
import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs';
import { join } from 'node:path';

const TOUCH = new Uint8Array([10]);

/**
 * Watching SQLite's own WAL would tell of a commit before it can be read. This file changes after it, so that one look is enough. A nudge
 * may be lost (no watches left, a network file system): whoever relies on it also looks by himself from time to time.
 */
export class Nudge {
  readonly #file: number;
  readonly #watcher: FSWatcher | undefined;

  constructor(dir: string, onNudge: () => void) {
    const path = join(dir, 'log.nudge');
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    this.#watcher = watchOrNot(path, onNudge);
  }

  /** Wakes everybody who watches, this process too. */
  touch(): void {
    writeSync(this.#file, TOUCH, 0, 1, 0);
  }

  close(): void {
    this.#watcher?.close();
    closeSync(this.#file);
  }
}

function watchOrNot(path: string, onNudge: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onNudge);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
