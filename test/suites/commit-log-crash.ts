// The crash contract of the commit log: writers killed with -9 in mid-load lose nothing acknowledged and stop nobody.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { CommitLog } from '../../src/log/commit-log.ts';
import { LogTail, within } from './log-tail.ts';

const KILLS = 24;
const WRITERS = 3;
const ACKNOWLEDGED_BEFORE_A_KILL = 40;
const ACKNOWLEDGED_AFTER_A_KILL = 10;

type CommitLogCrashHarness = {
  /** A fresh, empty log. `arguments` lead crash-writer.ts to it, e.g. ['--log', 'embedded', '--dir', dir]. */
  createStore(): Promise<{
    readonly arguments: readonly string[];
    open(): Promise<CommitLog>;
    remove(): Promise<void>;
  }>;
};

export function commitLogCrashContract(name: string, harness: CommitLogCrashHarness): void {
  describe(`the crash contract of the commit log: ${name}`, () => {
    test(`${KILLS} kills of a writing process in mid-load: nothing acknowledged is lost, no gap, the others go on`, async () => {
      const store = await harness.createStore();
      const all: CrashWriter[] = [];
      const start = () => {
        const writer = new CrashWriter(store.arguments, `w${all.length}`);
        all.push(writer);
        return writer;
      };
      try {
        const running = Array.from({ length: WRITERS }, start);
        for (let kill = 0; kill < KILLS; kill++) {
          const victim = running.shift();
          if (victim === undefined) throw new Error('no writer is left');
          await victim.reaches(ACKNOWLEDGED_BEFORE_A_KILL);
          const reached = running.map((writer) => writer.acknowledged.size);
          await victim.kill();
          for (const [n, writer] of running.entries())
            await writer.reaches((reached[n] ?? 0) + ACKNOWLEDGED_AFTER_A_KILL);
          running.push(start());
        }
        for (const writer of running) await writer.kill();
        const log = await store.open();
        try {
          await expectWhole(log, all);
        } finally {
          await log.close();
        }
      } finally {
        for (const writer of all) await writer.kill();
        await store.remove();
      }
    }, 120_000);
  });
}

/** L1 and L2 as seen from outside: offsets contiguous from 0, no payload twice, every acknowledged one at its offset. */
async function expectWhole(log: CommitLog, writers: readonly CrashWriter[]): Promise<void> {
  const end = await log.end();
  const tail = new LogTail(log, 0);
  await tail.received(end);
  await tail.stop();
  const offsets = new Map<string, number>();
  for (const [n, record] of tail.records.entries()) {
    if (record.offset !== n) throw new Error(`offset ${record.offset} stands at place ${n}`);
    const id = new TextDecoder().decode(record.payload).split(' ', 1)[0] ?? '';
    if (offsets.has(id)) throw new Error(`${id} is in the log at ${offsets.get(id)} and at ${n}`);
    offsets.set(id, n);
  }
  const lost: string[] = [];
  let acknowledged = 0;
  for (const writer of writers) {
    for (const [id, offset] of writer.acknowledged) {
      acknowledged += 1;
      if (offsets.get(id) !== offset) lost.push(`${id} acknowledged at ${offset}, found at ${offsets.get(id)}`);
    }
  }
  expect(lost).toEqual([]);
  expect(acknowledged).toBeGreaterThan(KILLS * ACKNOWLEDGED_BEFORE_A_KILL);
}

/** One writing child process and what it said was acknowledged. */
class CrashWriter {
  readonly acknowledged = new Map<string, number>();
  readonly #child: ChildProcess;
  readonly #name: string;
  #errors = '';
  #wake: () => void = () => {};

  constructor(logArguments: readonly string[], name: string) {
    this.#name = name;
    const script = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));
    this.#child = spawn(process.execPath, [script, ...logArguments, '--name', name], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.once('exit', () => this.#wake());
    this.#child.stderr?.on('data', (chunk) => {
      this.#errors += String(chunk);
    });
    if (this.#child.stdout === null) throw new Error('the writer has no standard output');
    createInterface(this.#child.stdout).on('line', (line) => {
      const [id, offset] = line.split(' ');
      // A line cut by the kill says nothing.
      if (id === undefined || offset === undefined || !line.endsWith(' ok')) return;
      this.acknowledged.set(id, Number(offset));
      this.#wake();
    });
  }

  /** Resolves when so many appends were acknowledged; rejects when the child ended before or the deadline passed. */
  async reaches(count: number): Promise<void> {
    while (this.acknowledged.size < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      if (this.#child.exitCode !== null) throw new Error(`${this.#name} ended by itself: ${this.#errors}`);
      await within(
        `${count} acknowledgements of ${this.#name} (${this.acknowledged.size}) ${this.#errors}`,
        promise,
        30_000,
      );
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // 'close' comes when its output was read to the end too, so no acknowledgement is missed.
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await within(`${this.#name} to end`, closed);
  }
}
