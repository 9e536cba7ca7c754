// Tests of the small disk: when it is full a running process can write no more, and when there is room again it can.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../servers/places.ts';
import { makeSmallDisk } from '../servers/small-disk.ts';

/** Appends to a file whenever it is told to, and says how that went. */
const WRITER = `process.stdin.on('data', () => {
  try { require('fs').appendFileSync(process.argv[1], Buffer.alloc(65536)); console.log('written'); }
  catch (error) { console.log(error.code); }
})`;

test.each([
  ['tmpfs', 'ENOSPC'],
  ['RLIMIT_FSIZE', 'EFBIG'],
] as const)('%s: full, then roomy again', async (how, complaint) => {
  const directory = temporaryDirectory('small-disk');
  const disk = makeSmallDisk(directory, how);
  const writer = spawn(process.execPath, ['-e', WRITER, join(directory, 'file')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: writer.stdout });
  const told = async () => {
    writer.stdin.write('now\n');
    const [line] = await once(lines, 'line');
    return line;
  };
  try {
    expect(await told()).toBe('written');
    disk.fill([writer.pid ?? 0]);
    // Where nothing can be mounted, the other way is taken.
    expect(await told()).toBe(disk.how === how ? complaint : 'EFBIG');
    disk.free();
    expect(await told()).toBe('written');
  } finally {
    writer.kill('SIGKILL');
    disk.unmount();
    rmSync(directory, { recursive: true, force: true });
  }
});
