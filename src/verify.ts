// Checks a backup or a data directory offline: every snapshot is read whole, and the log is replayed as a node would.
import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './base/command-line.ts';
import { EXIT, type ExitCode, FatalError, messageOf } from './base/errors.ts';
import { systemWorld } from './base/system-world.ts';
import { decodeFrame } from './core/codec.ts';
import { Machine } from './core/machine.ts';
import type { State } from './core/state.ts';
import { openBackup } from './log/backup-file.ts';
import { openEmbeddedLog } from './log/embedded-log.ts';
import { recordsBetween } from './log/log-reading.ts';
import { newKeyspace } from './node/restore.ts';
import { readSnapshot } from './node/snapshot-reading.ts';

const HELP = `Checks a backup or a data directory without a running cluster; changes nothing.

  node src/verify.ts <file>        a backup, as GET /v1/snapshot gives it, or a file of snapshots/
  node src/verify.ts <directory>   a data directory: every file of snapshots/, then the embedded log

A snapshot is good if it is whole and makes the state whose digest it names. The log is good if it can be replayed from its start, or
from the newest good snapshot that reaches it. One line for each says what is in it.
Exit codes: 0 all is good, 64 wrong arguments, 74 something is damaged.
`;

type Found = {
  readonly what: string;
  readonly isGood: boolean;
  readonly detail: string;
  readonly machine?: Machine;
};

if (import.meta.main) await runCommand(main, EXIT.damagedData);

async function main(args: readonly string[]): Promise<ExitCode> {
  const [path, ...more] = args;
  if (path === '--help' || path === '-h') {
    process.stdout.write(HELP);
    return EXIT.stopped;
  }
  if (path === undefined || path.startsWith('-') || more.length > 0 || !existsSync(path)) {
    const why = path === undefined || more.length > 0 ? 'one path is wanted' : `there is no ${path}`;
    throw new FatalError(EXIT.badConfiguration, `${why}; node src/verify.ts --help says more`);
  }
  const isDirectory = statSync(path).isDirectory();
  let isAllGood = true;
  for await (const found of isDirectory ? directory(path) : [await snapshot(path, path)]) {
    console.log(`${found.isGood ? 'good   ' : 'DAMAGED'}  ${found.what}: ${found.detail}`);
    isAllGood &&= found.isGood;
  }
  return isAllGood ? EXIT.stopped : EXIT.damagedData;
}

async function* directory(path: string): AsyncGenerator<Found> {
  const folder = join(path, 'snapshots');
  const hasLog = existsSync(join(path, 'log'));
  if (!hasLog && !existsSync(folder)) {
    throw new FatalError(EXIT.badConfiguration, `${path} is no data directory: it has neither log/ nor snapshots/`);
  }
  const names = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.snapshot')) : [];
  let newest: Machine | undefined;
  // Their names begin with their revisions: the newest first.
  for (const name of names.sort().reverse()) {
    const found = await snapshot(join(folder, name), join('snapshots', name));
    yield found;
    newest ??= found.machine;
  }
  if (hasLog) yield log(join(path, 'log'), newest);
}

async function snapshot(path: string, what: string): Promise<Found> {
  try {
    const backup = await openBackup(path);
    try {
      const machine = new Machine(newKeyspace(systemWorld));
      const { offset } = await readSnapshot(backup, machine.state, systemWorld);
      machine.goOnFrom(machine.state, offset);
      return {
        what,
        isGood: true,
        detail: `${describe(machine.state)}, goes on at offset ${machine.nextOffset}`,
        machine,
      };
    } finally {
      await backup.close();
    }
  } catch (error) {
    return { what, isGood: false, detail: messageOf(error) };
  }
}

/** From the snapshot, where there is one; the log says itself what it no longer holds. */
async function log(dir: string, snapshot: Machine | undefined): Promise<Found> {
  const opened = await openEmbeddedLog({ dir });
  try {
    const [start, end] = [await opened.start(), await opened.end()];
    const machine = snapshot ?? new Machine(newKeyspace(systemWorld));
    if (machine.nextOffset < start) {
      const detail = `it begins at offset ${start}, and no good snapshot reaches it; restore a backup into a new cluster`;
      return { what: 'log', isGood: false, detail };
    }
    if (machine.nextOffset > end) {
      const detail = `it ends at offset ${end}, before the newest snapshot: records were lost`;
      return { what: 'log', isGood: false, detail };
    }
    const from = machine.nextOffset;
    for await (const { offset, timestamp, payload } of recordsBetween(opened, from, end)) {
      const decoded = decodeFrame(payload);
      if (decoded.kind === 'newer') throw new Error(`offset ${offset} holds ${decoded.reason}, of a later version`);
      machine.apply(offset, timestamp, decoded);
    }
    const garbage = machine.counters.garbage === 0 ? '' : `, ${machine.counters.garbage} records that are no frames`;
    const detail = `${end - start} records from offset ${start} on, replayed from ${from} to ${end}${garbage}: ${describe(machine.state)}`;
    return { what: 'log', isGood: true, detail };
  } catch (error) {
    return { what: 'log', isGood: false, detail: messageOf(error) };
  } finally {
    await opened.close();
  }
}

function describe(state: State): string {
  const { cluster, revision, keyspace, time } = state;
  const digest = state.digest().toString(16).padStart(16, '0');
  return `cluster ${cluster}, revision ${revision}, ${keyspace.keys} keys, digest ${digest}, log time ${new Date(time.now).toISOString()}`;
}
