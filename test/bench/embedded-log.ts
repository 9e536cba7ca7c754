// Measures the embedded log: append and replay rates, append → seen in another process, three processes writing. Prints a table.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CommitLog } from '../../src/log/commit-log.ts';
import { openEmbeddedLog } from '../../src/log/embedded-log.ts';

const RECORD_BYTES = 150;
const WRITERS = 3;
const PACED_APPENDS = 300;

type WriterReport = { readonly records: number; readonly waitsMs: readonly number[] };

const [role, roleDir, atOnce] = process.argv.slice(2);
if (role === 'follower') await runFollower(roleDir ?? '');
else if (role === 'writer') await runWriter(roleDir ?? '', Number(atOnce));
else await runAll(Number(role ?? 1_500));

async function runAll(durationMs: number): Promise<void> {
  const rows: Record<string, string>[] = [];
  for (const batch of [1, 64, 1024]) {
    await inFreshDir(async (dir) => {
      const log = await openEmbeddedLog({ dir });
      const report = await write(log, batch, durationMs);
      rows.push(rowOf(`append, ${batch} at once`, `${perSecond(report.records, durationMs)}/s`, report.waitsMs));
      if (batch === 1024) rows.push(await replay(log));
      await log.close();
    });
  }
  rows.push(await inFreshDir(large));
  for (const load of [0, 16]) rows.push(...(await inFreshDir((dir) => appendToSeen(dir, load))));
  for (const batch of [1, 16, 64]) rows.push(...(await inFreshDir((dir) => severalWriters(dir, batch, durationMs))));
  console.table(rows);
}

async function write(log: CommitLog, batch: number, durationMs: number): Promise<WriterReport> {
  const payload = new Uint8Array(RECORD_BYTES);
  const waitsMs: number[] = [];
  const until = performance.now() + durationMs;
  let records = 0;
  while (performance.now() < until) {
    const begun = performance.now();
    await Promise.all(Array.from({ length: batch }, () => log.append(payload)));
    waitsMs.push(performance.now() - begun);
    records += batch;
  }
  return { records, waitsMs };
}

async function large(dir: string): Promise<Record<string, string>> {
  const log = await openEmbeddedLog({ dir });
  const payload = new Uint8Array(65_536);
  const waitsMs: number[] = [];
  const begun = performance.now();
  for (let n = 0; n < 500; n++) {
    const sent = performance.now();
    await log.append(payload);
    waitsMs.push(performance.now() - sent);
  }
  const megabytes = (500 * payload.length) / 1e6 / ((performance.now() - begun) / 1000);
  await log.close();
  return rowOf('append, 64 KiB one at a time', `${megabytes.toFixed(0)} MB/s`, waitsMs);
}

async function replay(log: CommitLog): Promise<Record<string, string>> {
  const end = await log.end();
  const stopper = new AbortController();
  const begun = performance.now();
  await log.follow({
    from: 0,
    signal: stopper.signal,
    async onRecords(records) {
      if ((records.at(-1)?.offset ?? 0) + 1 === end) stopper.abort();
    },
  });
  return { what: `replay of ${end} records`, rate: `${perSecond(end, performance.now() - begun)}/s` };
}

/** One record every few ms; the follower process compares its monotonic clock, which all processes share, with the time in it. */
async function appendToSeen(dir: string, otherLoad: number): Promise<Record<string, string>[]> {
  const log = await openEmbeddedLog({ dir });
  const follower = start('follower', dir);
  await once(follower, 'message');
  const writer = otherLoad > 0 ? start('writer', dir, String(otherLoad)) : undefined;
  if (writer !== undefined) await once(writer, 'message');
  const waitsMs: number[] = [];
  for (let n = 0; n < PACED_APPENDS; n++) {
    const sent = performance.now();
    await log.append(new TextEncoder().encode(`at ${process.hrtime.bigint()}`));
    waitsMs.push(performance.now() - sent);
    await sleep(5 + (n % 7));
  }
  const seen = once(follower, 'message');
  follower.send('report');
  const [seenMs] = (await seen) as [number[]];
  for (const child of [follower, writer]) child?.kill('SIGKILL');
  await log.close();
  const beside = otherLoad > 0 ? `, beside a writer of ${otherLoad} at once` : '';
  return [rowOf(`append → acknowledged${beside}`, '', waitsMs), rowOf(`append → seen elsewhere${beside}`, '', seenMs)];
}

async function severalWriters(dir: string, batch: number, durationMs: number): Promise<Record<string, string>[]> {
  const writers = Array.from({ length: WRITERS }, () => start('writer', dir, String(batch)));
  for (const writer of writers) await once(writer, 'message');
  await sleep(durationMs);
  const reports = await Promise.all(
    writers.map(async (writer) => {
      const report = once(writer, 'message');
      writer.send('report');
      return ((await report) as [WriterReport & { readonly elapsedMs: number }])[0];
    }),
  );
  for (const writer of writers) writer.kill('SIGKILL');
  const wal = await stat(join(dir, 'log.sqlite-wal'));
  const records = reports.reduce((sum, report) => sum + report.records, 0);
  const elapsedMs = Math.max(...reports.map((report) => report.elapsedMs));
  const what = `${WRITERS} processes, ${batch} at once each (WAL ${(wal.size / 1e6).toFixed(0)} MB)`;
  const waitsMs = reports.flatMap((report) => report.waitsMs);
  return [rowOf(what, `${perSecond(records, elapsedMs)}/s`, waitsMs)];
}

async function runFollower(dir: string): Promise<void> {
  const log = await openEmbeddedLog({ dir });
  const seenMs: number[] = [];
  process.on('message', () => process.send?.(seenMs));
  process.send?.('ready');
  await log.follow({
    from: 0,
    signal: new AbortController().signal,
    async onRecords(records) {
      const now = process.hrtime.bigint();
      for (const { payload } of records) {
        const [word, at] = new TextDecoder().decode(payload).split(' ');
        if (word === 'at') seenMs.push(Number(now - BigInt(at ?? 0)) / 1e6);
      }
    },
  });
}

async function runWriter(dir: string, batch: number): Promise<void> {
  const log = await openEmbeddedLog({ dir });
  process.send?.('ready');
  const begun = performance.now();
  let records = 0;
  const waitsMs: number[] = [];
  process.on('message', () => process.send?.({ records, waitsMs, elapsedMs: performance.now() - begun }));
  for (;;) {
    const report = await write(log, batch, 50);
    records += report.records;
    waitsMs.push(...report.waitsMs);
  }
}

function start(...roleArguments: string[]): ChildProcess {
  return fork(fileURLToPath(import.meta.url), roleArguments);
}

async function inFreshDir<T>(measure: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'chorus-bench-'));
  try {
    return await measure(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

function rowOf(what: string, rate: string, waitsMs: readonly number[]): Record<string, string> {
  const sorted = waitsMs.toSorted((a, b) => a - b);
  const at = (share: number) => `${(sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2)} ms`;
  return { what, rate, p50: at(0.5), p99: at(0.99), worst: at(1) };
}

function perSecond(count: number, elapsedMs: number): string {
  return ((count / elapsedMs) * 1000).toFixed(0);
}
