// A disk that can be full at a word: a tmpfs of its own where one may be mounted, else a limit on the size of the files of running processes.
import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';

/** `how` it becomes full. */
export type SmallDisk = {
  readonly how: 'tmpfs' | 'RLIMIT_FSIZE';
  /** No byte more can be written; where nothing could be mounted, by the processes given. */
  fill(pids: readonly number[]): void;
  /** There is room again, for those processes too. */
  free(): void;
  /** Bytes that could still be written; undefined where that is not known. */
  room(): number | undefined;
  unmount(): void;
};

const ROOMY = '8g';
const FILL_ATTEMPTS = 20;

/** Mounted upon the directory, which must be empty; or for all files of the processes, wherever they are. */
export function makeSmallDisk(directory: string, wanted: SmallDisk['how'] = 'tmpfs'): SmallDisk {
  if (wanted === 'RLIMIT_FSIZE') return limitedFiles();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOMY}`, 'chorus-small-disk', directory]);
  return mounted.status === 0 ? tmpfs(directory) : limitedFiles();
}

function tmpfs(directory: string): SmallDisk {
  const resize = (size: string) => run('mount', ['-o', `remount,size=${size}`, directory]);
  return {
    how: 'tmpfs',
    // A tmpfs is never made smaller than what is in it, and that may have grown since it was asked.
    fill: () => {
      for (let attempt = 1; ; attempt++) {
        const { blocks, bavail, bsize } = statfsSync(directory);
        try {
          return resize(String((blocks - bavail) * bsize));
        } catch (error) {
          if (attempt === FILL_ATTEMPTS) throw error;
        }
      }
    },
    free: () => resize(ROOMY),
    room: () => {
      const { bavail, bsize } = statfsSync(directory);
      return bavail * bsize;
    },
    unmount: () => run('umount', ['--lazy', directory]),
  };
}

// Java and Node.js ignore the signal that comes with it, so the process sees the error alone.
function limitedFiles(): SmallDisk {
  let limited: readonly number[] = [];
  return {
    how: 'RLIMIT_FSIZE',
    fill: (pids) => {
      limited = pids;
      for (const pid of pids) run('prlimit', ['--pid', String(pid), '--fsize=1:unlimited']);
    },
    free: () => {
      // A process may have ended of it.
      for (const pid of limited) spawnSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:unlimited']);
    },
    room: () => undefined,
    unmount: () => {},
  };
}

function run(command: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error?.message ?? stderr}`);
}
