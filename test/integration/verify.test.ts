// src/verify.ts as an operator runs it: on whole, damaged and trimmed data directories, on backups, and with wrong arguments.
import { execFile } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { STATE_LIMITS } from '../../src/base/limits.ts';
import { decodeFrame, encodeCommand, encodeFrame } from '../../src/core/codec.ts';
import type { Command } from '../../src/core/commands/command.ts';
import { FEATURE_LEVEL } from '../../src/core/commands/table.ts';
import { Machine } from '../../src/core/machine.ts';
import { openEmbeddedLog } from '../../src/log/embedded-log.ts';
import { openFileSnapshots } from '../../src/log/file-snapshots.ts';
import { cutSnapshot } from '../../src/snapshot/cut.ts';
import { encodeManifest } from '../../src/snapshot/manifest.ts';
import { MapKeyspace } from '../model/map-keyspace.ts';
import { temporaryDirectory } from '../servers/places.ts';
import { put } from '../unit/core/fed-machine.ts';

const VERIFY = resolve(import.meta.dirname, '../../src/verify.ts');
const RECORDS = 20;

let dir: string;
beforeEach(async () => {
  dir = temporaryDirectory('verify');
  await writeDataDirectory();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('verify', () => {
  test('finds a data directory good: its snapshots, and its log from the newest of them on', async () => {
    const { code, lines } = await verify(dir);
    expect(lines).toEqual([
      expect.stringMatching(/^good .*snapshots.*: cluster c, revision 11, 10 keys, .*goes on at offset 11$/),
      expect.stringMatching(/^good .*snapshots.*: cluster c, revision 6, 5 keys, .*goes on at offset 6$/),
      expect.stringMatching(
        /^good .*log: 20 records from offset 0 on, replayed from 11 to 20: cluster c, revision 20, 19 keys/,
      ),
    ]);
    expect(code).toBe(0);
  });

  test('takes a backup, a snapshot in a file by itself', async () => {
    const backup = join(dir, 'kept');
    copyFileSync(newest(), backup);
    const { code, lines } = await verify(backup);
    expect([code, lines]).toEqual([0, [expect.stringContaining('10 keys')]]);
  });

  test('says that a snapshot is damaged, whichever byte was changed, and goes on from an older one', async () => {
    const path = newest();
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { code, lines } = await verify(dir);
    expect(code).toBe(74);
    expect(lines[0]).toMatch(/^DAMAGED .*checksum/);
    expect(lines[2]).toContain('replayed from 6 to 20');
  });

  test('says what to do where the log was trimmed and no snapshot reaches it', async () => {
    const log = await openEmbeddedLog({ dir: join(dir, 'log') });
    await log.trim(15);
    await log.close();
    const { code, lines } = await verify(dir);
    expect([code, lines.at(-1)]).toEqual([
      74,
      expect.stringMatching(/^DAMAGED .*begins at offset 15.*restore a backup/),
    ]);
  });

  test.each([
    ['nothing', []],
    ['a path that is not there', ['nowhere']],
    ['two paths', ['a', 'b']],
    ['a directory of something else', ['/proc/self/task']],
  ])('given %s it says how it is used, and ends with 64', async (_, args) => {
    const { code, errors } = await verify(...args);
    expect([code, errors]).toEqual([64, expect.stringMatching(/--help|data directory/)]);
  });
});

function newest(): string {
  const folder = join(dir, 'snapshots');
  return join(folder, readdirSync(folder).sort().at(-1) ?? '');
}

/** A log of `RECORDS` frames, and snapshots of the state after 6 and 11 of them. */
async function writeDataDirectory(): Promise<void> {
  const log = await openEmbeddedLog({ dir: join(dir, 'log') });
  const snapshots = await openFileSnapshots({ dir, node: 'node-1' });
  const machine = new Machine(new MapKeyspace());
  for (let n = 1; n <= RECORDS; n++) {
    const command: Command =
      n === 1
        ? { type: 'create-cluster', cluster: 'c', limits: { ...STATE_LIMITS, featureLevel: FEATURE_LEVEL } }
        : put(`key-${n}`, 'value');
    const bytes = encodeCommand({ attempt: 0, id: '', caller: '', deadline: 0 }, command);
    const frame = encodeFrame({ node: 'node-1', incarnation: 'i', n }, [bytes]);
    const { offset } = await log.append(frame);
    const decoded = decodeFrame(frame);
    if (decoded.kind === 'newer') throw new Error(decoded.reason);
    machine.apply(offset, 1_000_000 + n, decoded);
    if (n !== 6 && n !== 11) continue;
    const { manifest, chunks } = cutSnapshot(machine.state, machine.nextOffset);
    await snapshots.save({ revision: manifest.revision, manifest: encodeManifest(manifest) }, eachOf(chunks));
  }
  await snapshots.close();
  await log.close();
}

async function* eachOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

type Verified = { readonly code: number; readonly lines: readonly string[]; readonly errors: string };

function verify(...args: string[]): Promise<Verified> {
  return new Promise((done) => {
    execFile(process.execPath, [VERIFY, ...args], (error, output, errors) => {
      const code = typeof error?.code === 'number' ? error.code : 0;
      done({ code, lines: output.split('\n').filter((line) => line !== ''), errors });
    });
  });
}
