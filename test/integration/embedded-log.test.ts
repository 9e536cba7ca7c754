// The embedded log: the contract, the crash contract with real processes, and what only a file can do wrong.
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LOG_LIMITS } from '../../src/base/limits.ts';
import { AppendRefused } from '../../src/log/commit-log.ts';
import { openEmbeddedLog } from '../../src/log/embedded-log.ts';
import { commitLogContract } from '../suites/commit-log.ts';
import { commitLogCrashContract } from '../suites/commit-log-crash.ts';
import { LogTail, within } from '../suites/log-tail.ts';

const run = promisify(execFile);

const harness = {
  tooLargeBytes: LOG_LIMITS.maxPayloadBytes + 1,
  async createStore() {
    const dir = await mkdtemp(join(tmpdir(), 'chorus-embedded-log-'));
    return {
      arguments: ['--log', 'embedded', '--dir', dir],
      open: () => openEmbeddedLog({ dir }),
      remove: () => rm(dir, { recursive: true }),
    };
  },
};

commitLogContract('embedded log', harness);
commitLogCrashContract('embedded log', harness);

describe('the file of the embedded log', () => {
  let dir: string;
  let path: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'chorus-embedded-file-'));
    path = join(dir, 'log.sqlite');
  });

  afterEach(() => rm(dir, { recursive: true }));

  test('is made once when many open it at the same time', async () => {
    const logs = await Promise.all(Array.from({ length: 12 }, () => openEmbeddedLog({ dir: join(dir, 'new', 'log') })));
    const appended = await Promise.all(logs.map((log) => log.append(bytes('a'))));
    expect(appended.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual([...logs.keys()]);
    await Promise.all(logs.map((log) => log.close()));
  });

  test('that is no database stops the process with exit code 74', async () => {
    await writeFile(path, 'This is a letter, not a log. '.repeat(500));
    await expect(openEmbeddedLog({ dir })).rejects.toMatchObject({ name: 'FatalError', exitCode: 74 });
  });

  test("that is another program's database is left as it is, with exit code 74", async () => {
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE users (name TEXT)');
    other.close();
    await expect(openEmbeddedLog({ dir })).rejects.toMatchObject({
      exitCode: 74,
      message: expect.stringContaining('another program'),
    });
  });

  test('of a newer format is not touched, with exit code 74', async () => {
    await (await openEmbeddedLog({ dir })).close();
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 2');
    newer.close();
    await expect(openEmbeddedLog({ dir })).rejects.toMatchObject({
      exitCode: 74,
      message: expect.stringContaining('format 2'),
    });
  });

  test('that was damaged later stops a follower with exit code 74 and refuses appends', async () => {
    const log = await openEmbeddedLog({ dir });
    for (let n = 0; n < 20; n++) await log.append(new Uint8Array(3_000).fill(n));
    await log.close();
    const file = await open(path, 'r+');
    await file.write(new Uint8Array(16 * 4_096).fill(0xa5), 0, 16 * 4_096, 3 * 4_096);
    await file.close();
    const damaged = await openEmbeddedLog({ dir });
    const tail = new LogTail(damaged, 0);
    await expect(within('the follower to end', tail.ended)).rejects.toMatchObject({ exitCode: 74 });
    await expect(damaged.append(bytes('a'))).rejects.toBeInstanceOf(AppendRefused);
    await damaged.close();
  });

  test('in a directory that cannot be made stops the process with exit code 69', async () => {
    await writeFile(join(dir, 'plain'), '');
    await expect(openEmbeddedLog({ dir: join(dir, 'plain', 'log') })).rejects.toMatchObject({ exitCode: 69 });
  });

  test('locked by another process for longer than the timeout refuses an append, which never lands', async () => {
    const log = await openEmbeddedLog({ dir, appendTimeoutMs: 50 });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(log.append(bytes('refused'))).rejects.toMatchObject({ name: 'AppendRefused', isPermanent: false });
    expect(await log.end()).toBe(0);
    other.exec('ROLLBACK');
    other.close();
    expect(await log.append(bytes('taken'))).toEqual({ offset: 0 });
    await log.close();
  });

  test('with a record missing in the middle stops a follower: a gap is never passed over', async () => {
    const log = await openEmbeddedLog({ dir });
    for (let n = 0; n < 5; n++) await log.append(bytes('a'));
    const other = new DatabaseSync(path);
    other.exec('DELETE FROM records WHERE id = 3');
    other.close();
    await expect(within('the follower to end', new LogTail(log, 0).ended)).rejects.toMatchObject({ exitCode: 70 });
    await log.close();
  });

  test.runIf(process.getuid?.() === 0)(
    'on a full disk refuses appends, and takes them again when there is room',
    async () => {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]);
      try {
        const log = await openEmbeddedLog({ dir });
        const ballast = join(dir, 'ballast');
        await writeFile(ballast, new Uint8Array(2 * 1024 * 1024));
        const error = await fillUp(() => log.append(new Uint8Array(200_000)));
        expect(error).toMatchObject({ name: 'AppendRefused', isPermanent: false, message: 'database or disk is full' });
        const end = await log.end();
        await rm(ballast);
        expect(await log.append(bytes('room'))).toEqual({ offset: end });
        await log.close();
      } finally {
        await run('umount', [dir]);
      }
    },
  );
});

async function fillUp(append: () => Promise<unknown>): Promise<unknown> {
  for (let n = 0; n < 100; n++) {
    try {
      await append();
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
