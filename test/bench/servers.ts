// The servers of the bench, each a process of its own, and their processor time.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startEtcd } from '../servers/etcd.ts';
import { freePort, temporaryDirectory } from '../servers/places.ts';
import type { Api } from './requests.ts';

export type Side = {
  readonly name: string;
  readonly api: Api;
  readonly port: number;
  /** Processor time used up to now, all threads, in microseconds; NaN where /proc is not to be had. */
  processorMicroseconds(): number;
  stop(): Promise<void>;
};

const root = resolve(import.meta.dirname, '../..');
const READY_TIMEOUT_MS = 30_000;
/** The kernel's clock ticks, 100 a second on every Linux in use. */
const MICROSECONDS_PER_TICK = 10_000;

export function startBare(): Promise<Side> {
  return startScript('bare node:http + Map', 'bare-server.ts');
}

/** A server of the bench's own, in this folder, that prints its port. */
export async function startScript(name: string, file: string): Promise<Side> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, file)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, 'line')) as [string];
  return sideOf(name, Number(port), child, async () => {});
}

/** One node on the embedded log, with the defaults a user gets. */
export async function startChorus(): Promise<Side> {
  const directory = temporaryDirectory('bench');
  const port = await freePort();
  const flags = ['--node-id', 'bench', '--port', String(port), '--data-dir', directory, '--log-level', 'warn'];
  const child = spawn(process.execPath, [resolve(root, 'src/main.ts'), ...flags], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await ready(port, child);
  return sideOf('one Chorus node', port, child, async () => rmSync(directory, { recursive: true, force: true }));
}

/** One member, with the defaults a user gets: every write is synced before it is answered. */
export async function startEtcdSide(): Promise<Side> {
  const etcd = await startEtcd();
  const { port, pid, close } = etcd;
  return {
    name: 'etcd',
    api: 'etcd',
    port,
    processorMicroseconds: () => processorMicroseconds(pid() ?? 0),
    stop: close,
  };
}

function sideOf(name: string, port: number, child: ChildProcess, clean: () => Promise<void>): Side {
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    await clean();
  };
  return { name, api: 'plain', port, processorMicroseconds: () => processorMicroseconds(child.pid ?? 0), stop };
}

async function ready(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.status === 200) return;
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('the node did not become ready');
    await delay(50);
  }
}

/** Processor time that a process has used up to now, all threads; NaN where /proc is not to be had. */
export function processorMicroseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
  } catch {
    return Number.NaN;
  }
}
